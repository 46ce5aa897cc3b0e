/** A compose file as Docker Compose itself reads it. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setupCompose } from '../parts/compose.ts';
import { ROOT } from '../parts/lib.ts';

export const COMPOSE_FILE = 'deploy/compose/compose.yaml';
export const ENV_EXAMPLE = 'deploy/compose/.env.example';

export interface Mount {
  readonly type: string;
  readonly source?: string;
  readonly target: string;
  readonly read_only?: boolean;
}

/** What the rules look at; Compose writes more. */
export interface Service {
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly command?: readonly string[] | null;
  readonly user?: string;
  readonly restart?: string;
  readonly profiles?: readonly string[];
  readonly environment?: Readonly<Record<string, string | null>>;
  readonly healthcheck?: { readonly disable?: boolean; readonly test?: readonly string[] };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string; readonly required?: boolean }>>;
  readonly ports?: readonly {
    readonly host_ip?: string;
    readonly target: number;
    readonly published?: string;
  }[];
  readonly volumes?: readonly Mount[];
  readonly networks?: Readonly<Record<string, { readonly aliases?: readonly string[] } | null>>;
  readonly mem_limit?: string;
  readonly pids_limit?: number;
  readonly read_only?: boolean;
  readonly privileged?: boolean;
  readonly network_mode?: string;
  readonly pid?: string;
  readonly cap_add?: readonly string[];
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
}

export interface Project {
  readonly services: Readonly<Record<string, Service>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>;
}

/** Compose refuses the file; the message is its own. */
export class ComposeRefusal extends Error {}

export interface Reading {
  /** Variables and their values, in place of .env and of this machine's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Default: the environment's COMPOSE_PROFILES. */
  readonly profiles?: readonly string[];
  /** Leave `${…}` as they stand. */
  readonly raw?: boolean;
  /** Another compose file than ours. */
  readonly file?: string;
}

/**
 * Docker Compose's own reading: the specification's schema, its consistency checks, profiles, variables.
 *
 * @throws ComposeRefusal
 */
export async function readProject({ env, profiles = [], raw, file }: Reading): Promise<Project> {
  const compose = await setupCompose();
  const folder = mkdtempSync(join(tmpdir(), 'llm-router-compose-'));
  const envFile = join(folder, 'env');
  try {
    writeFileSync(
      envFile,
      Object.entries(env)
        .map(([name, value]) => `${name}='${value}'\n`)
        .join(''),
    );
    const args = [
      ['--file', file ?? join(ROOT, COMPOSE_FILE), '--env-file', envFile],
      profiles.flatMap((profile) => ['--profile', profile]),
      ['config', '--format', 'json'],
      raw ? ['--no-interpolate'] : [],
    ].flat();
    const { PATH, HOME } = process.env;
    return await new Promise((resolve, reject) => {
      execFile(
        compose,
        args,
        { env: { PATH, HOME: HOME ?? folder }, maxBuffer: 16 * 1024 * 1024 },
        (error, stdout, stderr) => {
          // A refusal of --quiet's kind comes on either output.
          if (error) reject(new ComposeRefusal((stderr.trim() || stdout.trim() || error.message).trim()));
          else resolve(JSON.parse(stdout) as Project);
        },
      );
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Variables of an env file: name → value. */
export const parseEnv = (text: string): Record<string, string> =>
  Object.fromEntries(
    text
      .split('\n')
      .filter((line) => /^[A-Z]/.test(line))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
