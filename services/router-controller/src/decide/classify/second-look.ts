/** When a follow-up is looked at again, together with the turns before it, or a bare text with the form it is to fill. Pure. */
import type { Policy } from '../../config/types.ts';
import type { RequestFacts } from '../../understand/index.ts';
import type { Classification } from '../choose/choose.ts';

const CERTAIN = 0.9;
/** Of a turn that leans on what was before, a label that says little is believed only above this: "¿y en Go?" is no small talk. */
const SMALL_TALK = 0.975;

/**
 * The text of the second look; null where none is needed. It is needed where the ask leans on what was before by its form,
 * or where the first label says little: of a follow-up that has a meaning of its own the turns before would only keep the old
 * label.
 */
export function secondLook(
  { secondLook: settings, entries, value }: Policy,
  { ask, turn, features }: RequestFacts,
  { label, confidence }: Pick<Classification, 'label' | 'confidence'>,
): string | null {
  const again = ask.withHistory ?? ask.withForm;
  if (!settings.enabled || again === null || turn.closes || features.sideRequest !== null) return null;
  // No output of a value head says how much the words say; only their form does.
  if (value) return turn.leans ? again : null;
  const upTo = entries.has(label) ? settings.labels[label] : 1;
  const little = upTo !== undefined && confidence <= (turn.leans ? Math.max(upTo, SMALL_TALK) : upTo);
  // By its form alone it is looked at again where the label is not all but certain.
  const doubtful = confidence < (turn.leans ? CERTAIN : settings.below);
  return little || doubtful ? again : null;
}

/** Of both looks the second, unless it is less sure than a first one that was only unsure. */
export function better(
  { secondLook: settings, value }: Policy,
  first: Classification,
  second: Classification,
): 'first' | 'second' {
  const little = value !== null || settings.labels[first.label] !== undefined;
  return !little && second.confidence < first.confidence ? 'first' : 'second';
}
