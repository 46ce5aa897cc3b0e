/** Signatures as Standard Webhooks 1.0 has them: HMAC-SHA256 over id, time of the attempt and body. */
import { createHmac } from 'node:crypto';

export interface SignedHeaders {
  readonly 'webhook-id': string;
  readonly 'webhook-timestamp': string;
  readonly 'webhook-signature': string;
}

/**
 * @param secrets `whsec_` and base64, each; all of them sign, so that a receiver may change to the next one at its own time.
 * @param at Unix time of this attempt, seconds.
 */
export function sign(secrets: readonly string[], id: string, at: number, body: string): SignedHeaders {
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
    return `v1,${createHmac('sha256', key).update(`${id}.${at}.${body}`).digest('base64')}`;
  });
  return {
    'webhook-id': id,
    'webhook-timestamp': String(at),
    'webhook-signature': signatures.join(' '),
  };
}
