/** Proxies whose word about the client's address is taken. */
import { isIP } from 'node:net';
import { z } from 'zod';
import { hint } from './problems.ts';

/** Ranges that express knows by name. */
const RANGES = ['loopback', 'linklocal', 'uniquelocal'];

function isRange(text: string): boolean {
  if (RANGES.includes(text)) return true;
  const [address, bits, ...more] = text.split('/');
  const kind = isIP(address!);
  if (kind === 0 || text.includes('%') || more.length > 0) return false;
  if (bits === undefined) return true;
  // All of them, /0, would let every client choose its address.
  return /^[1-9]\d{0,2}$/.test(bits) && Number(bits) <= (kind === 4 ? 32 : 128);
}

export const trustedProxiesSchema = z
  .array(
    z.string().refine(isRange, {
      error: ({ input }) =>
        `must be an address (10.1.2.3), a range of them (10.1.0.0/16, not /0), or one of: ${RANGES.join(', ')}.` +
        hint(String(input), RANGES),
    }),
  )
  .default([])
  .describe(
    'Proxies before the router whose X-Forwarded-For tells the client’s address: addresses, ranges such as 10.1.0.0/16, loopback, ' +
      'linklocal, uniquelocal. Absent: nobody’s is read',
  );
