/** Images of ours for a cluster, in one archive. */

/** The chart's values for a Redis out of Debian's package. */
export const REDIS_IMAGE = { repository: 'llm-router-base/redis', tag: 'debian', pullPolicy: 'Never' };

/** @returns the archive's path. */
export async function productImages(): Promise<string> {
  throw new Error(
    'give the images by --images FILE: docker save of llm-router-controller, llm-router-server and llm-router-stand-in-llms at 0.1.0, and a Redis as llm-router-base/redis:debian',
  );
}
