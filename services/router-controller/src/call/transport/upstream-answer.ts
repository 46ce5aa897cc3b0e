/** What an upstream has answered: status and headers, and a body that is read at the reader's pace. */
import type { Readable } from 'node:stream';
import type { HeaderBag } from './headers.ts';

/** No more is wanted. */
export const ENOUGH: unique symbol = Symbol('enough');

/** @returns null: go on; a promise is waited for before more comes. */
export type Take = (chunk: Buffer) => Promise<void> | typeof ENOUGH | null;

export interface UpstreamBody {
  /** The next bytes, all that have come; rejects where the body breaks off. */
  next(): Promise<IteratorResult<Buffer, undefined>>;
  /**
   * Gives what is left to `take` as it comes, with no promise for each chunk; absent where that would save nothing. Rejects where the
   * body breaks off, and with what `take` throws.
   *
   * @returns true: to the body's end; false: until `take` had enough.
   */
  flow?(take: Take): Promise<boolean>;
  /** Lets the rest come unread, so that the connection serves again. */
  ignore(): void;
  /** Ends the call; what the body fails with afterwards is nobody's concern. */
  destroy(): void;
}

/** The body's `flow`, or the same by its `next`. */
export async function flowOf(body: Pick<UpstreamBody, 'next' | 'flow'>, take: Take): Promise<boolean> {
  if (body.flow) return body.flow(take);
  for (;;) {
    const { value, done } = await body.next();
    if (done) return true;
    const more = take(value);
    if (more === ENOUGH) return false;
    if (more) await more;
  }
}

export interface UpstreamAnswer {
  readonly status: number;
  readonly headers: HeaderBag;
  readonly body: UpstreamBody;
}

/** An answer whose body is a stream of Node's, as requests that are passed on want it. */
export interface StreamedAnswer {
  readonly status: number;
  readonly headers: HeaderBag;
  readonly body: Readable;
}

/** A stream of Node's as a body. */
export function bodyOf(stream: Readable): UpstreamBody {
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>;
  return {
    next: () => chunks.next(),
    ignore: () => void stream.on('error', () => {}).resume(),
    destroy: () => {
      stream.on('error', () => {});
      stream.destroy();
    },
  };
}
