/** One choice of profiles, from `docker compose up` to `down`, in an engine of its own without a way out. */
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { withEngine } from '../../engine/engine.ts';
import { setupCompose } from '../../parts/compose.ts';
import { copyProject } from './project.ts';
import { type CheckLine, type EndLine, isCheck, type Line, type Orders } from './report.ts';

export interface Proof extends EndLine {
  readonly profiles: readonly string[];
  readonly checks: readonly CheckLine[];
}

/** @param tell gets each check as it is done. */
export async function prove(
  profiles: readonly string[],
  quick: boolean,
  tell: (line: CheckLine) => void,
): Promise<Proof> {
  const compose = await setupCompose();
  return withEngine({ network: 'own' }, async ({ box }) => {
    const copy = copyProject(join(box.folder, 'project'));
    const orders: Orders = {
      ...copy,
      compose,
      socket: join(box.folder, 'docker.sock'),
      profiles,
      quick,
    };
    const inside = join(import.meta.dirname, 'inside.ts');
    const child = box.spawn(process.execPath, [inside, JSON.stringify(orders)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const checks: CheckLine[] = [];
    let end: EndLine = { healthy: false, requests: 0, failed: 0 };
    createInterface({ input: child.stdout! }).on('line', (text) => {
      const line = JSON.parse(text) as Line;
      if (!isCheck(line)) {
        end = line;
        return;
      }
      checks.push(line);
      tell(line);
    });
    await once(child, 'close');
    return { profiles, checks, ...end };
  });
}
