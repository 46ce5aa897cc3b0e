/** What an upstream has answered: status and headers, and a body that is read at the reader's pace. */
import type { Readable } from 'node:stream';
import type { HeaderBag } from './headers.ts';

export interface UpstreamBody {
  /** The next bytes, all that have come; rejects where the body breaks off. */
  next(): Promise<IteratorResult<Buffer, undefined>>;
  /** Lets the rest come unread, so that the connection serves again. */
  ignore(): void;
  /** Ends the call; what the body fails with afterwards is nobody's concern. */
  destroy(): void;
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
