/** Wires the page together. */
import { Fault, getConfig, getModels } from './api.ts';
import { fillBatch, startBatch } from './batch.ts';
import { fillCompare, startCompare } from './compare.ts';
import {
  clear,
  isStreaming,
  messagesWith,
  onConversation,
  send,
  stop,
  waitsForResults,
} from './conversation.ts';
import { byId, h, sendByEnter } from './dom.ts';
import { examplesFor } from './examples.ts';
import { hasImages, startImages } from './images.ts';
import { makeRoom, policy, routing, showConfig, startSettings } from './settings.ts';
import { startTabs } from './tabs.ts';
import { startTools, toolsGiven } from './tool-calls.ts';
import { fillWhatIf, seeWhatIf, startWhatIf } from './what-if.ts';
import { explain, showNothing } from './why.ts';

const prompt = byId('prompt', HTMLTextAreaElement);
const sendButton = byId('send', HTMLButtonElement);
const stopButton = byId('stop', HTMLButtonElement);
const explainButton = byId('explain', HTMLButtonElement);
const router = byId('router', HTMLParagraphElement);
const reload = byId('reload', HTMLButtonElement);

function showButtons(): void {
  const canAsk = routing() !== null && (prompt.value.trim() !== '' || hasImages()) && !waitsForResults();
  const hadFocus = document.activeElement === sendButton || document.activeElement === stopButton;
  sendButton.disabled = !canAsk;
  explainButton.disabled = !canAsk;
  sendButton.hidden = isStreaming();
  stopButton.hidden = !isStreaming();
  if (hadFocus) (isStreaming() ? stopButton : prompt).focus();
  byId('waits', HTMLParagraphElement).hidden = !waitsForResults();
}

function showExamples(): void {
  const chosen = policy();
  const examples = chosen ? examplesFor(chosen.llms.map(({ name }) => name)) : [];
  byId('examples', HTMLUListElement).replaceChildren(
    ...examples.map(({ label, text }) => {
      const button = h(
        'button',
        { type: 'button' },
        h('strong', {}, label),
        h('span', { class: 'excerpt' }, text),
      );
      button.addEventListener('click', () => {
        prompt.value = text;
        makeRoom();
        showButtons();
        prompt.focus();
      });
      return h('li', {}, button);
    }),
  );
}

async function ask(): Promise<void> {
  const chosen = routing();
  const text = prompt.value.trim();
  if (!chosen || (text === '' && !hasImages()) || isStreaming() || waitsForResults()) return;
  const tools = toolsGiven();
  if (!tools) {
    byId('extras', HTMLDetailsElement).open = true;
    byId('tools', HTMLTextAreaElement).focus();
    return;
  }
  prompt.value = '';
  // The conversation needs the room; what tools there are stands beside its title.
  byId('extras', HTMLDetailsElement).open = false;
  const answered = send(text, chosen, tools);
  showButtons();
  await answered;
  showButtons();
}

async function connect(): Promise<void> {
  reload.hidden = true;
  router.className = 'router';
  router.textContent = 'Asking the router …';
  try {
    const [config, models] = await Promise.all([getConfig(), getModels()]);
    showConfig(config, models);
    fillBatch();
    fillCompare();
    fillWhatIf();
    router.classList.add('up');
    const count = config.policies.length;
    router.textContent = `Connected · ${count} ${count === 1 ? 'policy' : 'policies'} · version ${config.version}`;
  } catch (error) {
    router.classList.add('down');
    router.textContent = error instanceof Fault ? error.message : String(error);
    reload.hidden = false;
  }
  showButtons();
}

let shown: string | null = null;
startSettings(() => {
  showButtons();
  const name = policy()?.name ?? null;
  if (name !== shown) showExamples();
  shown = name;
});
showNothing();
startImages(
  byId('images', HTMLInputElement),
  byId('images-list', HTMLUListElement),
  byId('images-problem', HTMLParagraphElement),
  showButtons,
);
startTools(showButtons);
onConversation(showButtons);
startBatch();
startCompare();
startWhatIf();
startTabs((tab) => seeWhatIf(tab === 'what-if'));

byId('composer', HTMLFormElement).addEventListener('submit', (event) => {
  event.preventDefault();
  void ask();
});
prompt.addEventListener('input', showButtons);
sendByEnter(prompt, () => void ask());
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') stop();
});
stopButton.addEventListener('click', stop);
explainButton.addEventListener('click', () => {
  const chosen = routing();
  const text = prompt.value.trim();
  const tools = toolsGiven();
  if (chosen && tools && !explainButton.disabled)
    void explain({ messages: messagesWith(text), tools }, chosen);
});
byId('clear', HTMLButtonElement).addEventListener('click', () => {
  clear();
  showNothing();
  showButtons();
  prompt.focus();
});
reload.addEventListener('click', () => void connect());
await connect();
