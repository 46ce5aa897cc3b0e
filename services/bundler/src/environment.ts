/** What a service's process is started with, by `npm start` and by its image. Who sets one of these in the environment is right. */
const ENVIRONMENT: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  // Node's young generation grows to two halves of 32 to 64 MB on a large machine and keeps what it took; two of 16 cost no CPU that
  // could be told (docs/measurements/speed.md).
  'router-controller': { NODE_OPTIONS: '--max-semi-space-size=16' },
};

/** @param service a folder of `services` */
export const environmentOf = (service: string): Readonly<Record<string, string>> =>
  ENVIRONMENT[service] ?? {};
