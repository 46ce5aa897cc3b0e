/** A user's copy of the compose project: its files, the configuration that it mounts, and a .env made by make-env.sh. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from '../../deploy/compose-project.ts';
import { IMAGE_VARIABLES } from '../../engine/bases.ts';
import { ROOT } from '../../parts/lib.ts';

export interface ProjectCopy {
  /** Where `docker compose` is called. */
  readonly folder: string;
  /** The configuration that the controller reads. */
  readonly config: string;
  /** All variables of its .env. */
  readonly env: Readonly<Record<string, string>>;
}

export function copyProject(target: string): ProjectCopy {
  for (const part of ['deploy/compose', 'deploy/prometheus', 'deploy/grafana', 'config']) {
    mkdirSync(join(target, part), { recursive: true });
    cpSync(join(ROOT, part), join(target, part), {
      recursive: true,
      // A .env of whoever works here is theirs.
      filter: (path) => !path.endsWith('/.env'),
    });
  }
  const folder = join(target, 'deploy/compose');
  execFileSync('sh', ['make-env.sh'], { cwd: folder, stdio: 'ignore' });
  const file = join(folder, '.env');
  // What comes later in the file holds.
  for (const [name, value] of Object.entries(IMAGE_VARIABLES)) appendFileSync(file, `${name}=${value}\n`);
  return { folder, config: join(target, 'config/stack.yaml'), env: parseEnv(readFileSync(file, 'utf8')) };
}
