/** What a service's process is started with, by `npm start` and by its image. Who sets one of these in the environment is right. */
const ENVIRONMENT: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  // Node's young generation grows to two halves of 32 to 64 MB on a large machine and keeps what it took; two of 16 hold up to 65 MB
  // less for some 5 % of CPU. glibc gives each thread that compiles or collects an arena of its own, up to eight a core, and what was
  // freed in one serves no other: two hold 10 to 18 MB less (docs/measurements/speed.md).
  'router-controller': { NODE_OPTIONS: '--max-semi-space-size=16', MALLOC_ARENA_MAX: '2' },
};

/** @param service a folder of `services` */
export const environmentOf = (service: string): Readonly<Record<string, string>> =>
  ENVIRONMENT[service] ?? {};
