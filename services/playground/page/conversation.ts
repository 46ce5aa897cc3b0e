/** The conversation: sends what was typed, streams the answer, and keeps what was said for the next question. */
import { Fault } from './api.ts';
import { chat } from './chat.ts';
import type { Routing } from './config.ts';
import { dollars, percent } from './decision.ts';
import { announce, byId } from './dom.ts';
import { contentWith, takeImages } from './images.ts';
import type { Message, Tool, ToolCall } from './messages.ts';
import { noteTurn } from './note-turn.ts';
import { callShown, resultsForm } from './tool-calls.ts';
import { Turn } from './turn.ts';
import { explain } from './why.ts';

const list = byId('turns', HTMLOListElement);
const scroller = byId('scroll', HTMLElement);
const empty = byId('empty', HTMLDivElement);
const bill = byId('bill', HTMLParagraphElement);

let history: Message[] = [];
let streaming: AbortController | null = null;
/** Calls that wait for their results. */
let pending: readonly ToolCall[] = [];
let cost = { usd: 0, dearest: 0, turns: 0 };
let changed: () => void = () => {};

export const isStreaming = () => streaming !== null;
export const waitsForResults = () => pending.length > 0;

/** @param listener called when an exchange that the conversation itself began has begun or ended */
export const onConversation = (listener: () => void): void => {
  changed = listener;
};

/** The conversation as the router would be sent it with this prompt, and the pictures beside it. */
export const messagesWith = (prompt: string): Message[] => [
  ...history,
  { role: 'user', content: contentWith(prompt) },
];

export const stop = () => streaming?.abort();

export function clear(): void {
  stop();
  history = [];
  pending = [];
  cost = { usd: 0, dearest: 0, turns: 0 };
  bill.textContent = '';
  list.replaceChildren();
  empty.hidden = false;
}

/** A reader who has scrolled up is left there. */
function follow(change: () => void): void {
  const { scrollHeight, scrollTop, clientHeight } = scroller;
  const isAtEnd = scrollHeight - scrollTop - clientHeight < 40;
  change();
  if (isAtEnd) scroller.scrollTop = scroller.scrollHeight;
}

/** What the conversation has cost, and how its savings are counted. */
function pay({ answer }: Turn): void {
  if (!answer.bill) return;
  const { usd, dearest } = answer.bill;
  cost = { usd: cost.usd + usd, dearest: cost.dearest + dearest.usd, turns: cost.turns + 1 };
  const saved = cost.dearest - cost.usd;
  bill.textContent =
    `This conversation: ${dollars(cost.usd)} in ${cost.turns} turn${cost.turns === 1 ? '' : 's'}. ` +
    `The same tokens at the dearest model of the policy: ${dollars(cost.dearest)}` +
    (saved > 0 ? `, so ${dollars(saved)} saved (${percent(saved / cost.dearest)}).` : '.');
}

interface Question {
  readonly who: string;
  readonly words: string;
  readonly pictures: readonly Node[];
  readonly messages: readonly Message[];
}

/** One question and its answer; resolves when it has ended in whatever way. */
async function exchange(
  { who, words, pictures, messages }: Question,
  routing: Routing,
  tools: readonly Tool[],
): Promise<void> {
  const mine = new AbortController();
  streaming = mine;
  const asked = { messages, tools };
  const turn = new Turn(who, words, pictures, () => void explain(asked, routing));
  const { answer } = turn;
  empty.hidden = true;
  list.append(turn.element);
  turn.element.scrollIntoView({ block: 'start' });
  announce('Asking …');
  let calls: readonly ToolCall[] = [];
  try {
    const end = await chat(asked, routing, mine.signal, {
      decided: (told) => {
        follow(() => answer.decided(told));
        if (told) announce(`${told.model} answers`);
      },
      text: (piece) => follow(() => answer.add(piece)),
      thought: (piece) => follow(() => answer.think(piece)),
    });
    ({ calls } = end);
    follow(() => {
      answer.append(...calls.map(callShown));
      answer.end(end);
    });
    noteTurn(answer, routing, words);
    const names = calls.map((call) => call.function.name).join(', ');
    announce(calls.length > 0 ? `Calls ${names}; its result is asked for` : `Answer: ${answer.text}`);
  } catch (error) {
    if (mine.signal.aborted) {
      follow(() => answer.stopped());
      announce('Stopped');
    } else {
      const fault = error instanceof Fault ? error : new Fault(`The page failed: ${error}`, 0, '');
      follow(() => answer.failed(fault));
    }
  }
  if (streaming === mine) streaming = null;
  // A conversation that was begun anew meanwhile does not take this up.
  if (!turn.element.isConnected || (answer.text === '' && calls.length === 0)) return;
  history = [
    ...messages,
    { role: 'assistant', content: answer.text || null, ...(calls.length > 0 && { tool_calls: calls }) },
  ];
  pay(turn);
  if (calls.length === 0) return;
  pending = calls;
  const form = resultsForm(calls, (results) => {
    pending = [];
    const said = results.map(({ content }, index) => `${calls[index]!.function.name}: ${content}`);
    const question = {
      who: 'Tools',
      words: said.join('\n'),
      pictures: [],
      messages: [...history, ...results],
    };
    void exchange(question, routing, tools).finally(changed);
    changed();
  });
  follow(() => answer.append(form));
  form.querySelector('textarea')?.focus();
}

/** Asks, and resolves when the answer has ended in whatever way. */
export function send(prompt: string, routing: Routing, tools: readonly Tool[]): Promise<void> {
  const messages = messagesWith(prompt);
  const pictures = takeImages(byId('images-list', HTMLUListElement));
  return exchange({ who: 'You', words: prompt, pictures, messages }, routing, tools);
}
