/** Side by side: one prompt to two policies or models at once. */
import type { Answer } from './answer.ts';
import { dollars } from './decision.ts';
import { announce, byId, sendByEnter } from './dom.ts';
import { Lane } from './lane.ts';
import { noteTurn } from './note-turn.ts';
import { currentConfig } from './settings.ts';

const prompt = byId('compare-prompt', HTMLTextAreaElement);
const askButton = byId('compare-ask', HTMLButtonElement);
const stopButton = byId('compare-stop', HTMLButtonElement);
const verdict = byId('compare-verdict', HTMLParagraphElement);

const left = new Lane('left');
const right = new Lane('right');
let asking: AbortController | null = null;

function showButtons(): void {
  askButton.disabled = prompt.value.trim() === '' || !left.routing || !right.routing;
  const hadFocus = document.activeElement === askButton || document.activeElement === stopButton;
  askButton.hidden = asking !== null;
  stopButton.hidden = asking === null;
  if (hadFocus) (asking ? stopButton : prompt).focus();
}

/** What the two cost, against each other. */
function compared(one: Answer, other: Answer): string {
  if (one.told && other.told && one.told.model === other.told.model) return `Both went to ${one.told.model}.`;
  if (!one.bill || !other.bill) return '';
  const [a, b] = [one.bill.usd, other.bill.usd];
  if (a === b) return `Both cost ${dollars(a)}.`;
  const cheaper = a < b ? left : right;
  const share = Math.round(100 * (1 - Math.min(a, b) / Math.max(a, b)));
  return `${cheaper.name} cost ${dollars(Math.abs(a - b))} less (${share} %).`;
}

async function ask(): Promise<void> {
  const text = prompt.value.trim();
  const sides = [left, right].map((lane) => ({ lane, routing: lane.routing }));
  if (text === '' || asking || sides.some(({ routing }) => !routing)) return;
  const mine = new AbortController();
  asking = mine;
  verdict.textContent = '';
  showButtons();
  announce('Asking both …');
  const [one, other] = await Promise.all(
    sides.map(async ({ lane, routing }) => {
      const answer = await lane.ask(text, routing!, mine.signal);
      noteTurn(answer, routing!, text);
      return answer;
    }),
  );
  asking = null;
  verdict.textContent = compared(one!, other!);
  announce(
    mine.signal.aborted
      ? 'Stopped'
      : `${left.name}: ${one!.text}. ${right.name}: ${other!.text}. ${verdict.textContent}`,
  );
  showButtons();
}

/** Shows what may be chosen; a choice that is still there stays. */
export function fillCompare(): void {
  const config = currentConfig();
  if (!config) return;
  left.fill(config, 0);
  right.fill(config, 1);
  showButtons();
}

export function startCompare(): void {
  byId('compare-form', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault();
    void ask();
  });
  prompt.addEventListener('input', showButtons);
  sendByEnter(prompt, () => void ask());
  stopButton.addEventListener('click', () => asking?.abort());
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') asking?.abort();
  });
}
