/** The part of the proof that runs in the engine's box, where the published ports are. Started by prove.ts alone. */
import { CHECKS } from './checks.ts';
import type { EndLine, Line, Orders } from './report.ts';
import { Stack } from './stack.ts';

const orders = JSON.parse(process.argv[2]!) as Orders;
const stack = new Stack(orders);
const say = (line: Line) => console.log(JSON.stringify(line));

let healthy = true;
let isUp = true;
for (const { name, isQuick, isHealth, profile, run } of CHECKS) {
  const isLast = name === CHECKS.at(-1)!.name;
  if ((orders.quick && !isQuick) || (profile && !orders.profiles.includes(profile))) continue;
  // What never came up is taken down all the same, and asked nothing.
  if (!isUp && !isLast) continue;
  const started = Date.now();
  const before = stack.wrong.length;
  const seconds = () => Math.round((Date.now() - started) / 100) / 10;
  try {
    const found = await run(stack);
    const wrong = stack.wrong.slice(before);
    say({
      check: name,
      seconds: seconds(),
      found,
      ...(wrong.length > 0 && { error: wrong.slice(0, 5).join('; ') }),
    });
  } catch (error) {
    if (isHealth) healthy = false;
    if (name === CHECKS[0]!.name) {
      isUp = false;
      const told = await stack.compose('ps', '--all').catch(String);
      const logs = await stack.compose('logs', '--no-color', '--tail', '20').catch(String);
      console.error(`${told}\n${logs}`);
    }
    const { message } = error as Error;
    say({
      check: name,
      seconds: seconds(),
      error: [message, ...stack.wrong.slice(before, before + 5)].join('; '),
    });
  }
}
say({ healthy, requests: stack.requests, failed: stack.failed } satisfies EndLine);
