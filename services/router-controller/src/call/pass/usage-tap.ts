/** Reads the `usage` of a JSON answer that goes by, whatever its size: embeddings have theirs after megabytes of numbers. */
import { JsonScanner } from '../../receive/index.ts';
import { type ReportedUsage, usageOf } from '../usage.ts';

const ANY = { maxDepth: Number.POSITIVE_INFINITY, maxValues: Number.POSITIVE_INFINITY };
/** A usage object is shorter; of longer answers only so many last bytes are kept. */
const TAIL_BYTES = 16 * 1024;

export class UsageTap {
  #scanner: JsonScanner | null = new JsonScanner(ANY);
  #tail = Buffer.alloc(0);
  #size = 0;

  push(chunk: Buffer): void {
    this.#size += chunk.length;
    // The answer goes to the client as it is; when it can't be read, it has no usage.
    try {
      this.#scanner?.push(chunk);
    } catch {
      this.#scanner = null;
    }
    const joined = Buffer.concat([this.#tail, chunk.subarray(-TAIL_BYTES)]);
    this.#tail = joined.subarray(-TAIL_BYTES);
  }

  /** Once the answer has ended. */
  read(): ReportedUsage | null {
    const member = this.#scanner?.members.findLast(({ name }) => name === 'usage');
    const base = this.#size - this.#tail.length;
    if (!member || member.valueStart < base) return null;
    try {
      return usageOf({
        usage: JSON.parse(this.#tail.toString('utf8', member.valueStart - base, member.end - base)),
      });
    } catch {
      return null;
    }
  }
}

/** Reads the last `usage` that an event stream tells: of images and transcriptions it stands in the closing event. */
export class EventsTap {
  #tail = Buffer.alloc(0);

  push(chunk: Buffer): void {
    this.#tail = Buffer.concat([this.#tail, chunk.subarray(-TAIL_BYTES)]).subarray(-TAIL_BYTES);
  }

  read(): ReportedUsage | null {
    for (const line of this.#tail.toString('utf8').split(/\r?\n/).reverse()) {
      if (!line.startsWith('data:') || !line.includes('"usage"')) continue;
      try {
        const usage = usageOf(JSON.parse(line.slice(5)));
        if (usage) return usage;
      } catch {
        // The first line of the tail may have lost its beginning.
      }
    }
    return null;
  }
}
