/** Waits that end. */

export class TimeLimit extends Error {}

/** @throws TimeLimit after so many milliseconds; the work itself goes on. */
export async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    // An event loop that was busy runs timers before it reads sockets: an answer that is there already counts.
    const end = () => setImmediate(() => reject(new TimeLimit(`no answer within ${ms} ms`)));
    timer = setTimeout(end, ms);
  });
  // It may fail after nobody waits any more.
  work.catch(() => {});
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
