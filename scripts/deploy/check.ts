/** One thing that `npm run check:deploy` looks at. */
export interface DeployCheck {
  /** What is looked at, for the report: `helm lint`, `compose`. */
  readonly name: string;
  /**
   * Looks.
   *
   * @returns what was seen, for people, and every problem with its place (none: all is well).
   * @throws Error when a tool could not be installed or started; it counts as a problem.
   */
  readonly run: () => Promise<{ readonly seen: readonly string[]; readonly problems: readonly string[] }>;
}
