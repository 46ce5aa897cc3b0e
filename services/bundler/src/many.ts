/** Many programs of one repository at once, with what they share in files of its own: tests, each of which is a process. */
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { dirname, join, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, type Plugin, stop } from 'esbuild';
import { ROOT } from './place.ts';
import { madeOf } from './program.ts';
import { replace } from './replace.ts';

/** Packages that look for files of their own or bring a library of the machine's; they are imported from where they are installed. */
const OUTSIDE =
  /^(?:@opentelemetry\/(?:exporter-trace-otlp-.*|resources|sdk-trace)|esbuild|onnxruntime-node|playwright-core|tokenizers|typescript|vite|vitepress)(?:\/|$)/;

/** What has not been part of any build for so long is removed: a run that goes on may still load it. */
const KEPT_MS = 60 * 60_000;

/** Names under which a file finds its own place, whatever file it has become a part of. */
const PLACES = {
  'import.meta.url': 'urlOfSource',
  'import.meta.dirname': 'dirnameOfSource',
  'import.meta.filename': 'filenameOfSource',
  'import.meta.resolve': 'resolveOfSource',
  'import.meta.main': 'isMainOfSource',
};

/** CommonJS asks for names that an ES module lacks; packages that look where they lie find the program. `var`: sources have such names, too. */
const BANNER = [
  "import { createRequire as requireOfBundle } from 'node:module';",
  'const require = requireOfBundle(import.meta.url);',
  'var { url: urlOfSource, dirname: dirnameOfSource, filename: filenameOfSource, resolve: resolveOfSource } = import.meta;',
  'var isMainOfSource = false, __dirname = dirnameOfSource, __filename = filenameOfSource;',
].join(' ');

const readFileOr = (path: string): Buffer => {
  try {
    return readFileSync(path);
  } catch {
    return Buffer.alloc(0);
  }
};

const sources: Plugin = {
  name: 'sources keep their places',
  setup(building) {
    building.onResolve({ filter: OUTSIDE }, async ({ path, resolveDir, kind, pluginData }) => {
      // Else it would be asked for again, for ever.
      if (pluginData === sources) return null;
      const found = await building.resolve(path, { resolveDir, kind, pluginData: sources });
      if (found.errors.length > 0) return { errors: found.errors };
      return { path: kind === 'require-call' ? found.path : pathToFileURL(found.path).href, external: true };
    });
    building.onLoad({ filter: /\.ts$/ }, ({ path }) => {
      if (path.split(sep).includes('node_modules')) return null;
      const text = readFileSync(path, 'utf8');
      if (!text.includes('import.meta.')) return { contents: text, loader: 'ts' };
      const url = JSON.stringify(pathToFileURL(path).href);
      // On the first line, so that all keep their numbers.
      const places = [
        `const urlOfSource = ${url}, dirnameOfSource = ${JSON.stringify(dirname(path))};`,
        `const filenameOfSource = ${JSON.stringify(path)}, isMainOfSource = false;`,
        `const resolveOfSource = (name: string) => new URL(name, ${url}).href;`,
      ];
      return { contents: `${places.join(' ')} ${text}`, loader: 'ts' };
    });
  },
};

function removeOld(folder: string, current: ReadonlySet<string>): void {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || current.has(path)) continue;
    if (Date.now() - statSync(path).mtimeMs > KEPT_MS) rmSync(path, { force: true });
  }
}

/**
 * Makes a program of each of these files, in one pass. What has not changed is left alone, and with it what Node compiled of it.
 *
 * @param files relative to the repository
 * @param folder where they are put, by the same names with `.mjs`
 * @returns the program of each file
 * @throws Error with esbuild's message when a source can't be read as TypeScript.
 */
export async function bundleMany(
  files: readonly string[],
  folder: string,
  root: string = ROOT,
): Promise<ReadonlyMap<string, string>> {
  // Of esbuild's work a third is collecting what it will not need again in so short a life.
  const { GOGC } = process.env;
  process.env.GOGC = '800';
  const building = build({
    absWorkingDir: root,
    entryPoints: files.map((file) => join(root, file)),
    outdir: folder,
    outbase: root,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    define: PLACES,
    banner: { js: BANNER },
    plugins: [sources],
    // Beside them, for `placesInSources`: no process reads them.
    sourcemap: 'external',
    sourcesContent: false,
    write: false,
    logLevel: 'silent',
  }).finally(stop);
  if (GOGC === undefined) delete process.env.GOGC;
  else process.env.GOGC = GOGC;
  const { outputFiles } = await building;
  for (const { path, contents } of outputFiles) {
    mkdirSync(dirname(path), { recursive: true });
    if (!readFileOr(path).equals(contents)) replace(path, contents);
  }
  removeOld(folder, new Set(outputFiles.map(({ path }) => path)));
  return new Map(files.map((file) => [file, madeOf(folder, file)]));
}

/**
 * Puts the sources' files and lines in the place of those of programs in the folder, wherever a text names them.
 *
 * @param text of a failed test, say
 */
export function placesInSources(text: string, folder: string): string {
  const maps = new Map<string, SourceMap | null>();
  const mapOf = (program: string) => {
    if (!maps.has(program)) {
      const map = readFileOr(`${program}.map`);
      maps.set(program, map.length > 0 ? new SourceMap(JSON.parse(map.toString())) : null);
    }
    return maps.get(program);
  };
  return text.replaceAll(
    /(?:file:\/\/)?(\/[^\s:()'"]+\.mjs):(\d+):(\d+)/g,
    (whole, program: string, row: string, column: string) => {
      if (!program.startsWith(`${folder}${sep}`)) return whole;
      const entry = mapOf(program)?.findEntry(Number(row) - 1, Number(column) - 1);
      if (!entry || !('originalSource' in entry)) return whole;
      const { originalSource, originalLine, originalColumn } = entry;
      return `${join(dirname(program), originalSource)}:${originalLine + 1}:${originalColumn + 1}`;
    },
  );
}
