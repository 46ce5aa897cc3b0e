/** The choices on the left: policy, who chooses the model, and how sure the classifier has to be. */
import type { Config, Policy, Routing } from './config.ts';
import { byId, h } from './dom.ts';
import { type ModelFacts, type Prices, pricesOf } from './prices.ts';

const policySelect = byId('policy', HTMLSelectElement);
const manualField = byId('manual-field', HTMLDivElement);
const manualSelect = byId('manual', HTMLSelectElement);
const thresholdField = byId('threshold-field', HTMLFieldSetElement);
const ownThreshold = byId('own-threshold', HTMLInputElement);
const threshold = byId('threshold', HTMLInputElement);
const form = byId('routing', HTMLFormElement);

let config: Config | null = null;
let models: readonly ModelFacts[] = [];
let priced: Prices = new Map();
let changed: () => void = () => {};

const whole = (share: number) => `${Math.round(share * 100)} %`;

export function policy(): Policy | null {
  return config?.policies.find(({ name }) => name === policySelect.value) ?? null;
}

export const currentConfig = (): Config | null => config;

/** What the router tells of its models, and their prices among it. */
export const knownModels = (): readonly ModelFacts[] => models;
export const prices = (): Prices => priced;

const isManual = () => new FormData(form).get('strategy') === 'manual';

/** The routing that the next request is sent with; null while there is no configuration. */
export function routing(): Routing | null {
  const chosen = policy();
  if (!chosen) return null;
  return {
    policy: chosen.name,
    routing_strategy: isManual() ? 'manual' : 'triton',
    model: isManual() ? manualSelect.value : '',
    ...(!isManual() &&
      chosen.kind !== 'value' &&
      !ownThreshold.checked && { threshold: Number(threshold.value) }),
  };
}

/** The threshold that applies to a request: its own, else its policy's. */
export const thresholdOf = ({ policy: name, threshold: own }: Routing): number =>
  own ?? config?.policies.find((each) => each.name === name)?.threshold ?? 0;

/** The target that an entry of a policy has for a model; null where that can't be told. */
export function targetOf(policyName: string, entryName: string, model: string): string | null {
  const entry = config?.policies
    .find(({ name }) => name === policyName)
    ?.llms.find(({ name }) => name === entryName);
  const all = entry ? [entry, ...(entry.targets ?? []), ...(entry.fallbacks ?? [])] : [];
  return all.find((each) => each.model === model)?.target ?? null;
}

/** The models that a policy may ask. */
export const modelsOf = (policyName: string): readonly string[] => [
  ...new Set(
    (config?.policies.find(({ name }) => name === policyName)?.llms ?? [])
      .flatMap((entry) => [entry, ...(entry.targets ?? [])])
      .map(({ model }) => model),
  ),
];

function fillManual({ name: policyName, llms }: Policy): void {
  const group = (label: string, values: Iterable<string>) => {
    const made = h('optgroup', { label });
    for (const value of values) made.append(h('option', { value }, value));
    return made;
  };
  manualSelect.replaceChildren(
    group(
      'Entries',
      llms.map(({ name }) => name),
    ),
    group('Models', modelsOf(policyName)),
  );
}

function show(): void {
  const chosen = policy();
  manualField.hidden = !isManual();
  // A policy of kind value has no labels to be sure of.
  thresholdField.hidden = isManual() || chosen?.kind === 'value';
  threshold.disabled = ownThreshold.checked;
  if (ownThreshold.checked && chosen) threshold.value = String(chosen.threshold);
  byId('threshold-value', HTMLOutputElement).value = whole(Number(threshold.value));
  threshold.setAttribute('aria-valuetext', whole(Number(threshold.value)));
  byId('policy-threshold', HTMLSpanElement).textContent = whole(chosen?.threshold ?? 0);
  byId('fallback-hint', HTMLParagraphElement).textContent = chosen?.fallback
    ? `Below it the router uses ${chosen.fallback}.`
    : 'The policy has no fallback: below it the label stands.';
  byId('summary', HTMLSpanElement).textContent = chosen
    ? `${chosen.name} · ${isManual() ? manualSelect.value : 'classifier'}`
    : '';
  changed();
}

/** Shows a configuration; a choice that it still has stays. */
export function showConfig(shown: Config, told: readonly ModelFacts[]): void {
  config = shown;
  models = told;
  priced = pricesOf(told);
  const before = policySelect.value || shown.default_policy;
  policySelect.replaceChildren(
    ...shown.policies.map(({ name }) =>
      h('option', { value: name }, name === shown.default_policy ? `${name} (default)` : name),
    ),
  );
  if (shown.policies.some(({ name }) => name === before)) policySelect.value = before!;
  policySelect.disabled = shown.policies.length === 0;
  const chosen = policy();
  if (chosen) fillManual(chosen);
  show();
}

/** @param onChange called after every change of a choice */
export function startSettings(onChange: () => void): void {
  changed = onChange;
  form.addEventListener('input', (event) => {
    const chosen = policy();
    if (event.target === policySelect && chosen) fillManual(chosen);
    show();
  });
  form.addEventListener('submit', (event) => event.preventDefault());
  makeRoom();
}

/** On a phone the open choices push the conversation out of sight. */
export function makeRoom(): void {
  if (matchMedia('(max-width: 760px)').matches) byId('settings', HTMLDetailsElement).open = false;
}
