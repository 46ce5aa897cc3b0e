/** The conversation: sends what was typed, streams the answer, and keeps what was said for the next question. */
import { Fault, type Message, type Routing } from './api.ts';
import { chat } from './chat.ts';
import { announce, byId } from './dom.ts';
import { Turn } from './turn.ts';
import { explain } from './why.ts';

const list = byId('turns', HTMLOListElement);
const scroller = byId('scroll', HTMLElement);
const empty = byId('empty', HTMLDivElement);

let history: Message[] = [];
let streaming: AbortController | null = null;

export const isStreaming = () => streaming !== null;

/** The conversation as the router would be sent it with this prompt. */
export const messagesWith = (prompt: string): Message[] => [...history, { role: 'user', content: prompt }];

export const stop = () => streaming?.abort();

export function clear(): void {
  stop();
  history = [];
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

/** Asks, and resolves when the answer has ended in whatever way. */
export async function send(prompt: string, routing: Routing): Promise<void> {
  const messages = messagesWith(prompt);
  const mine = new AbortController();
  streaming = mine;
  const turn = new Turn('You', prompt, [], () => void explain({ messages }, routing));
  const { answer } = turn;
  empty.hidden = true;
  list.append(turn.element);
  turn.element.scrollIntoView({ block: 'start' });
  announce('Asking …');
  try {
    const end = await chat({ messages }, routing, mine.signal, {
      decided: (told) => {
        follow(() => answer.decided(told));
        if (told) announce(`${told.model} answers`);
      },
      text: (piece) => follow(() => answer.add(piece)),
      thought: (piece) => follow(() => answer.think(piece)),
    });
    follow(() => answer.end(end));
    announce(`Answer: ${answer.text}`);
  } catch (error) {
    if (mine.signal.aborted) {
      follow(() => answer.stopped());
      announce('Stopped');
    } else {
      const fault = error instanceof Fault ? error : new Fault(`The page failed: ${error}`, 0, '');
      follow(() => answer.failed(fault));
    }
  }
  // A conversation that was begun anew meanwhile does not take this up.
  if (streaming === mine) streaming = null;
  if (answer.text !== '' && turn.element.isConnected)
    history = [...messages, { role: 'assistant', content: answer.text }];
}
