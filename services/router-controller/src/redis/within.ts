/** Waits that end. */

export class TimeLimit extends Error {}

/** @throws TimeLimit after so many milliseconds; the work itself goes on. */
export function within<T>(ms: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    // An event loop that was busy runs timers before it reads sockets: an answer that is there already counts.
    const end = () => setImmediate(() => reject(new TimeLimit(`no answer within ${ms} ms`)));
    const timer = setTimeout(end, ms);
    work.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
