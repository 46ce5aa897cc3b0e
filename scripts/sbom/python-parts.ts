/** Parts from Python: what the requirements pin, and what came with it when the list was written. */
import { execFile } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CACHE, ROOT } from '../parts/lib.ts';
import { spdx } from './licence.ts';
import type { Part } from './part.ts';

/** Where packages are asked for, and the environment that they are installed into. */
const SOURCES: Readonly<Record<string, string>> = {
  'services/triton/requirements.txt': 'triton-venv',
  'services/trainer/requirements-policy.txt': 'trainer-venv',
  'services/trainer/requirements.txt': 'trainer-venv',
  'scripts/parts/trainer.ts': 'trainer-venv',
  'scripts/parts/requirements-tests.txt': 'python-tools',
  'scripts/parts/requirements-deploy.txt': 'deploy-tools',
  'scripts/parts/requirements-notebooks.txt': 'notebooks-venv',
  'scripts/parts/requirements-envoy.txt': 'envoy',
};
/** Only these come into an image that serves. */
const RUNTIME = new Set(['services/triton/requirements.txt']);

const canonical = (name: string) => name.toLowerCase().replaceAll(/[-_.]+/g, '-');
const purlOf = (name: string, version: string) => `pkg:pypi/${canonical(name)}@${version}`;

export interface Pin {
  readonly name: string;
  readonly version: string;
  readonly file: string;
}

/** `name[extra]==1.2; marker` lines of a requirements file, `'name==1.2'` in a set-up's code. */
export function pinsOf(file: string, text: string): Pin[] {
  const pattern = file.endsWith('.ts')
    ? /'([A-Za-z][\w.-]*)==([\w.]+)'/g
    : /^([A-Za-z][\w.-]*)(?:\[[^\]]*\])?==([\w.]+)/gm;
  return Array.from(text.matchAll(pattern), ([, name, version]) => ({
    name: canonical(name!),
    version: version!,
    file,
  }));
}

export function allPins(): Pin[] {
  const found = globSync('{services/*,scripts/parts}/requirements*.txt', { cwd: ROOT });
  const stranger = found.find((file) => !(file in SOURCES));
  if (stranger)
    throw new Error(`${stranger} is not in scripts/sbom/python-parts.ts; say where it is installed`);
  return Object.keys(SOURCES).flatMap((file) => pinsOf(file, readFileSync(join(ROOT, file), 'utf8')));
}

interface Installed {
  readonly name: string;
  readonly version: string;
  readonly licence: string | null;
  readonly needs: readonly string[];
}

/** Names, versions, licences and needs, from the packages' own metadata. */
const LIST = `
import importlib.metadata as m, json, re
rows = []
for d in m.distributions():
    md = d.metadata
    said = [md.get("License-Expression"), md.get("License")]
    said += [c.split(" :: ")[-1] for c in md.get_all("Classifier", []) if c.startswith("License ::") and c.count("::") > 1]
    needs = [re.split(r"[ ;<>=!~\\[(]", r, maxsplit=1)[0] for r in (d.requires or []) if "extra ==" not in r]
    rows.append({"name": md["Name"], "version": d.version, "said": said, "needs": needs})
print(json.dumps(rows))`;

async function installed(venv: string): Promise<Installed[]> {
  const python = join(CACHE, venv, 'bin', 'python');
  if (!existsSync(python)) throw new Error(`${venv} is not set up; run npm run setup first`);
  const { stdout } = await promisify(execFile)(python, ['-c', LIST], { maxBuffer: 16 * 1024 * 1024 });
  return (
    JSON.parse(stdout) as { name: string; version: string; said: (string | null)[]; needs: string[] }[]
  ).map(({ name, version, said, needs }) => ({
    name: canonical(name),
    version,
    licence: said.map(spdx).find((licence) => licence) ?? null,
    needs: needs.map(canonical),
  }));
}

/** What the environments hold now: the pinned packages and everything under them. */
export async function installedParts(pins: readonly Pin[]): Promise<Part[]> {
  const parts = new Map<string, Part>();
  for (const venv of new Set(Object.values(SOURCES))) {
    const there = new Map((await installed(venv)).map((row) => [row.name, row]));
    for (const file of Object.keys(SOURCES).filter((name) => SOURCES[name] === venv)) {
      const queue = pins.filter((pin) => pin.file === file).map(({ name }) => name);
      const seen = new Set<string>();
      while (queue.length > 0) {
        const row = there.get(queue.pop()!);
        if (!row || seen.has(row.name)) continue;
        seen.add(row.name);
        queue.push(...row.needs);
        const purl = purlOf(row.name, row.version);
        const known = parts.get(purl);
        parts.set(purl, {
          name: row.name,
          version: row.version,
          purl,
          licence: row.licence ?? 'NOASSERTION',
          sha512: null,
          isRuntime: RUNTIME.has(file) || (known?.isRuntime ?? false),
          needs: row.needs.flatMap((name) =>
            there.has(name) ? [purlOf(name, there.get(name)!.version)] : [],
          ),
          from: [...new Set([...(known?.from ?? []), file])].sort(),
        });
      }
    }
  }
  return [...parts.values()];
}

/**
 * The pins as they stand in the files, with what is known of them and of what came with them.
 *
 * @param known from the environments, or from the list that was written before.
 * @throws Error naming a package without a licence.
 */
export function pythonParts(pins: readonly Pin[], known: readonly Part[]): Part[] {
  const parts = new Map<string, Part>();
  const pinned = new Set(pins.map(({ name, file }) => `${file} ${name}`));
  // A pin's other version is of an older list, unless another file brings it in.
  const wanted = new Set(pins.map(({ name, version }) => purlOf(name, version)));
  for (const part of known) {
    const from = part.from.filter((file) => !pinned.has(`${file} ${part.name}`) || wanted.has(part.purl));
    if (from.length > 0) parts.set(part.purl, { ...part, from });
  }
  for (const { name, version, file } of pins) {
    const purl = purlOf(name, version);
    const old = parts.get(purl);
    // Pinned for another Python than this one: the same package, and so the same licence.
    const licence = old?.licence ?? known.find((part) => part.name === name)?.licence;
    if (!licence) throw new Error(`${name} ${version} of ${file} is not in the list yet; run npm run sbom`);
    parts.set(purl, {
      name,
      version,
      purl,
      licence,
      sha512: null,
      isRuntime: RUNTIME.has(file) || (old?.isRuntime ?? false),
      needs: old?.needs ?? [],
      from: [...new Set([...(old?.from ?? []), file])].sort(),
    });
  }
  const all = [...parts.values()];
  const purls = new Set(all.map(({ purl }) => purl));
  const nameless = all.filter((part) => part.licence === 'NOASSERTION').map(({ purl }) => purl);
  if (nameless.length > 0) throw new Error(`no licence is known of ${nameless.join(', ')}`);
  return all.map((part) => ({ ...part, needs: part.needs.filter((purl) => purls.has(purl)) }));
}
