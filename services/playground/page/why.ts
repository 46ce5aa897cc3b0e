/** The panel that shows one whole decision: every label's probability, the scores, and what would be tried. */
import { Fault, getRoute } from './api.ts';
import type { Routing } from './config.ts';
import { chooseWords, dollars, type FullDecision, percent, reasonWords } from './decision.ts';
import { announce, byId, h } from './dom.ts';
import { faultBox } from './fault.ts';
import { measures } from './measures.ts';
import type { Asked, Message } from './messages.ts';
import { thresholdOf } from './settings.ts';

const panel = byId('why', HTMLDivElement);

let asking: AbortController | null = null;

const fact = (term: string, ...what: (Node | string)[]) => [h('dt', {}, term), h('dd', {}, ...what)];

/** P and cost of every target, the ones that may not be asked with their reason. */
function offers({ value, entry }: FullDecision): HTMLElement | null {
  if (!value) return null;
  const rows = value.targets.map(({ target, quality, cost_usd, why }) => ({
    // Beside the bar it would make each bar's length another one.
    name: [target, dollars(cost_usd), ...(why === null ? [] : [why])].join(' · '),
    share: quality,
    value: percent(quality),
    top: target === entry,
  }));
  const known = value.familiarity === null ? '' : `; familiarity ${value.familiarity.toFixed(2)}`;
  return measures(
    `P of a good answer, and its cost, by target; ${chooseWords(value.choose)}${known}`,
    ['Target and cost', 'P'],
    rows,
    null,
  );
}

function labels({ scores, label, value }: FullDecision, threshold: number): HTMLElement | null {
  if (!scores || value) return null;
  const rows = Object.entries(scores)
    .sort(([, a], [, b]) => b - a)
    .map(([name, share]) => ({ name, share, value: percent(share), top: name === label }));
  const caption =
    threshold > 0 ? `All labels; the line is the threshold of ${percent(threshold)}` : 'All labels';
  return measures(caption, ['Label', 'Probability'], rows, threshold);
}

function scores({ extra_scores, value }: FullDecision): HTMLElement | null {
  if (!extra_scores || value) return null;
  const rows = Object.entries(extra_scores).map(([name, value]) => ({
    name,
    // A count, such as of examples in the prompt, is no share of anything.
    share: name.startsWith('number_of') || value > 1 || value < 0 ? null : value,
    value: value.toFixed(2),
    top: name === 'prompt_complexity_score',
  }));
  return measures('Scores', ['Score', 'Value'], rows, null);
}

function seen({ text_chars, tokens, truncated }: FullDecision): string {
  const { sent, whole } = text_chars;
  const chars = sent === whole ? `${whole} characters` : `${sent} of ${whole} characters`;
  return [chars, ...(tokens === null ? [] : [`${tokens} tokens`]), ...(truncated ? ['cut'] : [])].join(' · ');
}

function show(prompt: string, decision: FullDecision, threshold: number): void {
  const { entry, label, confidence, target, model, fallbacks, reason, policy, cached, ms } = decision;
  const facts = h('dl', { class: 'facts' });
  facts.append(
    ...fact('Goes to', h('strong', {}, model), ` as ${target}`),
    ...fact('Then', fallbacks.length > 0 ? fallbacks.join(', ') : 'no fallback'),
    ...(label !== null && label !== entry ? fact('Entry', entry) : []),
    ...fact('Policy', policy),
    ...fact('Reason', h('code', {}, reason)),
    ...fact('Read', seen(decision)),
    ...fact('Took', cached ? 'from the cache' : `${ms.toFixed(1)} ms`),
    ...(decision.model_version === null ? [] : fact('Classifier', `version ${decision.model_version}`)),
  );
  const parts: (Node | null)[] = [
    h('blockquote', {}, prompt),
    h(
      'p',
      { class: 'verdict' },
      h('strong', {}, label ?? entry),
      confidence !== null && h('span', { class: 'muted' }, percent(confidence)),
    ),
    h('p', {}, reasonWords(reason)),
    offers(decision),
    labels(decision, threshold),
    scores(decision),
    facts,
    h(
      'details',
      {},
      h('summary', {}, 'As JSON'),
      h('pre', { tabindex: '0' }, JSON.stringify(decision, null, 2)),
    ),
  ];
  panel.replaceChildren(...parts.filter((part) => part !== null));
  announce(
    `Decision: ${label ?? entry}${confidence === null ? '' : `, ${percent(confidence)}`}, to ${model}`,
  );
}

/** Before anything was explained. */
export function showNothing(): void {
  panel.replaceChildren(
    h(
      'p',
      { class: 'muted' },
      'Explain a prompt, or an answer, and its decision is taken apart here: the probability of every label, the scores, the fallbacks, and the reason.',
    ),
  );
}

/** What was said, as a reader would quote it. */
export function wordsOf(message: Message | undefined): string {
  const { content } = message ?? {};
  if (typeof content === 'string') return content;
  const texts = (content ?? []).map((part) => (part.type === 'text' ? part.text : '(a picture)'));
  return texts.join(' ');
}

/** Asks the router how it would decide, and shows it. Only the last of several questions is answered. */
export async function explain(asked: Asked, routing: Routing): Promise<void> {
  asking?.abort();
  const mine = new AbortController();
  asking = mine;
  panel.setAttribute('aria-busy', 'true');
  // On a phone the panel is below the conversation.
  if (matchMedia('(max-width: 1180px)').matches) panel.parentElement?.scrollIntoView({ block: 'start' });
  try {
    const decision = await getRoute(asked, routing, mine.signal);
    if (asking === mine) show(wordsOf(asked.messages.at(-1)), decision, thresholdOf(routing));
  } catch (error) {
    if (asking === mine && error instanceof Fault) panel.replaceChildren(faultBox(error));
    else if (!mine.signal.aborted) throw error;
  } finally {
    if (asking === mine) panel.removeAttribute('aria-busy');
  }
}
