/** Preloaded into one controller: its clock is an hour ahead of everybody's. */
const HOUR_MS = 3_600_000;
const { now } = Date;
const Real = Date;

globalThis.Date = new Proxy(Real, {
  construct: (target, args) =>
    args.length === 0 ? new target(now() + HOUR_MS) : Reflect.construct(target, args),
  get: (target, name) => (name === 'now' ? () => now() + HOUR_MS : Reflect.get(target, name)),
});
