/** A message as its receiver wants it. */
import type { WebhookConfig } from '../config/schema-notify.ts';
import { secrets as known } from '../observe/index.ts';
import type { Message, Severity } from './notice.ts';

/** By shortcode, which Slack's and its likes' incoming webhooks all show. */
const SIGNS: Readonly<Record<Severity, string>> = {
  error: ':red_circle:',
  warning: ':warning:',
  info: ':information_source:',
};

/** Slack's own three; anything else in a text is no markup that could reach anybody. */
const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

function slack({ severity, summary, data, type, timestamp }: Message): object {
  const { replica } = data;
  const dropped =
    typeof data.dropped_before === 'number' ? ` · ${data.dropped_before} notices dropped before it` : '';
  return {
    text: `${SIGNS[severity]} ${escaped(summary)}\n_${escaped(`${type} · ${String(replica)} · ${timestamp}${dropped}`)}_`,
  };
}

const json = ({ type, timestamp, severity, summary, data }: Message): object => ({
  type,
  timestamp,
  data: { severity, summary, ...data },
});

/** The bytes that are sent, and signed; the process' secrets are taken out of them, whoever has put one in. */
export const bodyOf = (form: WebhookConfig['form'], message: Message): string =>
  known.text(JSON.stringify(form === 'slack' ? slack(message) : json(message)));
