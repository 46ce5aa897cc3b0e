/** The Dockerfiles: a linter's word, our rules, and that all of compose's images are among them. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ROOT, readText } from '../parts/lib.ts';
import type { DeployCheck } from './check.ts';
import { dockerfileProblems } from './dockerfile-rules.ts';

/** Images that run to their end. */
const JOBS = ['load-generator'];
/** What compose and the chart are made of. */
const IMAGES = ['controller', 'router-server', 'triton', 'stand-in-llms', 'playground', 'load-generator'];

export const dockerfilePath = (image: string): string =>
  join(ROOT, 'deploy', 'docker', `${image}.Dockerfile`);

/** Names of the images that have a Dockerfile. */
export const imageNames = (): string[] =>
  globSync('deploy/docker/*.Dockerfile', { cwd: ROOT })
    .map((file) => basename(file, '.Dockerfile'))
    .sort();

/** Packages of this workspace: name → folder. */
export function workspacePackages(root: string = ROOT): Map<string, string> {
  const files = globSync(['protos/package.json', 'services/*/package.json'], { cwd: root });
  return new Map(
    files.map((file) => [
      (JSON.parse(readFileSync(join(root, file), 'utf8')) as { name: string }).name,
      dirname(file),
    ]),
  );
}

/** The version that services/cli/src/enter.mjs installs the workspace with. */
export const pinnedPnpm = (): string => /'(pnpm@[\d.]+)'/.exec(readText('services/cli/src/enter.mjs'))![1]!;

export const dockerfiles: DeployCheck = {
  name: 'Dockerfiles',
  run: async () => {
    const found = imageNames();
    const missing = IMAGES.filter((image) => !found.includes(image));
    const known = workspacePackages();
    const problems = found.flatMap((image) => {
      const file = dockerfilePath(image);
      const ignore = `${file}.dockerignore`;
      if (!existsSync(ignore))
        return [`${image}: ${basename(ignore)} is missing: the build would get everything`];
      return dockerfileProblems(
        {
          root: ROOT,
          dockerfile: readFileSync(file, 'utf8'),
          ignore: readFileSync(ignore, 'utf8'),
          isJob: JOBS.includes(image),
          pnpm: pinnedPnpm(),
        },
        known,
      ).map((problem) => `${image}: ${problem}`);
    });
    return {
      seen: [`${found.length} images: ${found.join(', ')}`],
      problems: [...missing.map((image) => `deploy/docker/${image}.Dockerfile is missing`), ...problems],
    };
  },
};
