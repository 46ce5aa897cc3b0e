/** The what-if tab: another target for a label, and what the last decisions would have come to. Nothing changes on the router. */
import { ReplaySums } from '../../router-controller/src/replay/sums.ts';
import type { Policy } from './config.ts';
import { FileProblem } from './csv.ts';
import { decisionsOf, type LoggedDecision, onDecisions, replaceAll, type Source } from './decisions.ts';
import { announce, byId, h } from './dom.ts';
import { type Edits, NO_EDITS, type Nowhere, outcomeOf, policyWith, stanzaFor, targetsOf } from './edited.ts';
import { dropZone, problemBox } from './files.ts';
import { MAX_LOG_BYTES, readLog } from './log-file.ts';
import { currentConfig, knownModels, prices } from './settings.ts';
import { type Moved, showEditor, showMoves, showOutcome, showThreshold } from './what-if-view.ts';

const policySelect = byId('what-if-policy', HTMLSelectElement);
const sourceSelect = byId('what-if-source', HTMLSelectElement);
const lastInput = byId('what-if-last', HTMLInputElement);
const problems = byId('what-if-problem', HTMLDivElement);
const yaml = byId('what-if-yaml', HTMLPreElement);
const yamlPart = byId('what-if-export', HTMLElement);

let edits: Edits = NO_EDITS;
let isSeen = false;

const WORDS: Readonly<Record<Source, string>> = {
  turns: 'this session’s turns',
  batch: 'the last batch',
  file: 'a decision log',
};

/** Policies of kind value have no label to change. */
const labelPolicies = () => currentConfig()?.policies.filter(({ kind }) => kind !== 'value') ?? [];
const policy = (): Policy | undefined => labelPolicies().find(({ name }) => name === policySelect.value);

const count = () => Math.max(1, Math.round(Number(lastInput.value) || 1000));

/** The decisions that are gone through: the last ones of the policy. */
function chosen(name: string): readonly LoggedDecision[] {
  const all = decisionsOf(sourceSelect.value as Source);
  return all.filter((decision) => decision.policy === name).slice(-count());
}

function showSources(): void {
  const before = sourceSelect.value;
  sourceSelect.replaceChildren(
    ...(Object.keys(WORDS) as Source[]).map((source) =>
      h('option', { value: source }, `${WORDS[source]} (${decisionsOf(source).length})`),
    ),
  );
  sourceSelect.value = before || 'turns';
}

/** @param tells whether screen readers are told what came of it */
function show(tells = false): void {
  const mine = policy();
  const config = currentConfig();
  byId('what-if-none', HTMLParagraphElement).hidden = mine !== undefined;
  byId('what-if-table', HTMLElement).hidden = mine === undefined;
  if (!mine || !config) return;
  const targets = targetsOf(config, knownModels(), prices());
  const before = policyWith(mine, targets, NO_EDITS);
  const after = policyWith(mine, targets, edits);
  const sums = new ReplaySums<Nowhere>();
  const moved: Moved[] = [];
  const decisions = chosen(mine.name);
  const counts = new Map<string, number>();
  for (const decision of decisions) {
    counts.set(decision.entry, (counts.get(decision.entry) ?? 0) + 1);
    const outcome = outcomeOf(decision, before, after, targets);
    sums.add(decision, outcome);
    const to = outcome.shares.filter(({ target }) => target.name !== decision.target);
    if (decision.target !== null && (to.length > 0 || outcome.unroutable)) moved.push({ decision, outcome });
  }
  showEditor(mine, targets, edits, counts, (label, target) => {
    const changed = new Map(edits.targets);
    if (target === null) changed.delete(label);
    else changed.set(label, target);
    edits = { ...edits, targets: changed };
    show(true);
  });
  showThreshold(mine, edits);
  const summary = sums.summary();
  const words = showOutcome(summary);
  showMoves(summary, moved);
  if (tells) announce(words);
  const isEdited = edits.threshold !== null || edits.targets.size > 0;
  yamlPart.hidden = !isEdited;
  byId('what-if-reset', HTMLButtonElement).disabled = !isEdited;
  yaml.textContent = isEdited ? stanzaFor(mine, edits) : '';
}

async function take(file: File): Promise<void> {
  problems.replaceChildren();
  try {
    if (file.size > MAX_LOG_BYTES)
      throw new FileProblem(
        `${file.name} has ${(file.size / 1e6).toFixed(0)} MB; the page takes ${MAX_LOG_BYTES / 1024 / 1024} MiB. \`llm-router replay\` takes any length`,
      );
    replaceAll('file', readLog(await file.text()));
    sourceSelect.value = 'file';
    const [first] = decisionsOf('file');
    if (!chosen(policySelect.value).length && labelPolicies().some(({ name }) => name === first?.policy)) {
      policySelect.value = first!.policy;
      edits = NO_EDITS;
    }
    show(true);
  } catch (error) {
    if (!(error instanceof FileProblem)) throw error;
    problems.replaceChildren(problemBox(error.message));
  }
}

export function fillWhatIf(): void {
  const before = policySelect.value || currentConfig()?.default_policy || '';
  policySelect.replaceChildren(...labelPolicies().map(({ name }) => h('option', { value: name }, name)));
  if (labelPolicies().some(({ name }) => name === before)) policySelect.value = before;
  showSources();
  show();
}

/** Whether the tab is seen: what changes behind it is gone through when it is. */
export function seeWhatIf(seen: boolean): void {
  isSeen = seen;
  if (!seen) return;
  showSources();
  // What there is is more to look at than what there is not.
  const full = (Object.keys(WORDS) as Source[]).find((source) => decisionsOf(source).length > 0);
  if (decisionsOf(sourceSelect.value as Source).length === 0 && full) sourceSelect.value = full;
  show();
}

async function copy(): Promise<void> {
  const button = byId('what-if-copy', HTMLButtonElement);
  try {
    await navigator.clipboard.writeText(yaml.textContent ?? '');
    button.textContent = 'Copied';
  } catch {
    // Pages by plain http may not write there; the text is selected for the reader's own keys.
    getSelection()?.selectAllChildren(yaml);
    button.textContent = 'Selected; copy it';
  }
  announce(button.textContent);
  setTimeout(() => {
    button.textContent = 'Copy';
  }, 2000);
}

export function startWhatIf(): void {
  dropZone(
    byId('what-if-drop', HTMLElement),
    byId('what-if-file', HTMLInputElement),
    (file) => void take(file),
  );
  onDecisions(() => {
    showSources();
    if (isSeen) show();
  });
  policySelect.addEventListener('change', () => {
    edits = NO_EDITS;
    show(true);
  });
  sourceSelect.addEventListener('change', () => show(true));
  lastInput.addEventListener('change', () => show(true));
  byId('what-if-threshold', HTMLInputElement).addEventListener('change', ({ target }) => {
    const value = Number((target as HTMLInputElement).value);
    const isOwn = !(value >= 0 && value <= 1) || value === policy()?.threshold;
    edits = { ...edits, threshold: isOwn ? null : value };
    show(true);
  });
  byId('what-if-reset', HTMLButtonElement).addEventListener('click', () => {
    edits = NO_EDITS;
    show(true);
    policySelect.focus();
  });
  byId('what-if-copy', HTMLButtonElement).addEventListener('click', () => void copy());
}
