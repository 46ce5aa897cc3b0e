/** Makes the one file. The sources stay what is read, tested and named in stack traces. */
import { mkdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import { build, type Plugin, stop } from 'esbuild';
import { bundleFile, ROOT } from './place.ts';
import { replace } from './replace.ts';

/**
 * Packages of a service that stay in node_modules: what is loaded only when a configuration asks for it (what sends traces), and
 * what brings a library of the machine's own. Each has to be the service's own dependency, for it is looked for from there.
 */
const OUTSIDE = [
  '@opentelemetry/exporter-trace-otlp-*',
  '@opentelemetry/resources',
  '@opentelemetry/sdk-trace',
  'onnxruntime-node',
  'tokenizers',
];

/** CommonJS packages ask for these; an ES module has none. */
const BANNER = [
  "import pathOfBundle from 'node:path';",
  "import { createRequire as requireOfBundle } from 'node:module';",
  'const require = requireOfBundle(import.meta.url);',
  'const { dirname: __dirname, filename: __filename } = import.meta;',
].join(' ');

/**
 * The map is of our files: a process reads it whole at its start, and packages are six sevenths of it. esbuild goes by the map that a file
 * brings, so each file of a package brings one of its first line alone.
 */
const packagesWithoutMap: Plugin = {
  name: 'packages without map',
  setup(building) {
    building.onLoad({ filter: /[\\/]node_modules[\\/].*\.[cm]?js$/ }, ({ path }) => {
      const map = JSON.stringify({ version: 3, sources: [basename(path)], mappings: 'AAAA' });
      const comment = `//# sourceMappingURL=data:application/json;base64,${Buffer.from(map).toString('base64')}`;
      return { contents: `${readFileSync(path, 'utf8')}\n${comment}`, loader: 'js' };
    });
  },
};

/**
 * Characters beyond ASCII as escapes, which mean the same in texts and patterns. esbuild leaves those of patterns as they are, and of a
 * file with one beyond Latin-1 V8 holds all in two bytes a character: 5 MB more.
 */
const escaped = (source: string) =>
  // A backslash takes what follows it for itself, and before such a character says nothing.
  source.replaceAll(/(\\[\0-\x7f])|\\?([^\0-\x7f])/g, (whole, pair, unit) =>
    pair === undefined ? `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}` : whole,
  );

/** A source finds its files (a thread's code, a page, a .proto) beside itself, so each keeps its own place. */
const ownPlaces = (folder: string): Plugin => ({
  name: 'own places',
  setup(building) {
    building.onLoad({ filter: /\.ts$/ }, ({ path }) => {
      if (path.split(sep).includes('node_modules')) return null;
      const place = JSON.stringify(relative(folder, path));
      const contents = escaped(readFileSync(path, 'utf8')).replaceAll(
        /\bimport\.meta\.(url|dirname)\b/g,
        (_, member) =>
          member === 'url'
            ? `new URL(${place}, import.meta.url).href`
            : `pathOfBundle.join(import.meta.dirname, ${JSON.stringify(dirname(relative(folder, path)))})`,
      );
      return { contents, loader: 'ts' };
    });
  },
});

/**
 * Writes `dist/main.mjs` of a service, with a source map beside it.
 *
 * @returns the files of ours that it was made from, relative to the repository.
 * @throws Error with esbuild's message when a source can't be read as TypeScript.
 */
export async function bundle(service: string, root: string = ROOT): Promise<string[]> {
  const file = bundleFile(service, root);
  const folder = dirname(file);
  // Its own process would stay for the next one.
  const { metafile, outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [join(root, 'services', service, 'src', 'main.ts')],
    outfile: file,
    bundle: true,
    // Names stay, for stack traces; a process holds the text of what it runs.
    minifyWhitespace: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    external: OUTSIDE,
    banner: { js: BANNER },
    plugins: [packagesWithoutMap, ownPlaces(folder)],
    sourcemap: 'linked',
    // Beside it: a name in a licence is not ASCII either.
    legalComments: 'linked',
    sourcesContent: false,
    metafile: true,
    write: false,
    logLevel: 'silent',
  }).finally(stop);
  mkdirSync(folder, { recursive: true });
  // The map and the licences first.
  for (const { path, contents } of outputFiles.toSorted((a, b) => b.path.length - a.path.length))
    replace(path, contents);
  return Object.keys(metafile.inputs).filter((input) => !input.split('/').includes('node_modules'));
}
