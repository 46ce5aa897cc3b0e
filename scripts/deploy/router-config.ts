/** The configuration that the chart writes, as its pods would read it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { keysRequired } from '../../services/router-controller/src/authenticate/index.ts';
import { loadConfig, type RouterConfig } from '../../services/router-controller/src/config/index.ts';
import { type Manifest, pick } from './chart.ts';

/** Where the chart mounts secrets. */
const MOUNT = '/etc/llm-router/secrets/';

/** Text of router.yaml. */
export const routerYaml = (manifests: readonly Manifest[]): string =>
  pick(manifests, 'ConfigMap', '-config').data!['router.yaml']!;

/**
 * Reads it with exactly the environment and the secret files that the pod has, filled with stand-ins.
 *
 * @throws ConfigError, or Error when nobody could call.
 */
export async function readRouterConfig(manifests: readonly Manifest[]): Promise<RouterConfig> {
  const [container] = pick(manifests, 'Deployment', '-controller').spec.template.spec.containers;
  const env: Record<string, string> = Object.fromEntries(
    (container.env as { name: string; value?: string }[]).map(({ name, value }) => [
      name,
      value ?? `stand-in-of-${name}`,
    ]),
  );
  const mounted = (container.volumeMounts as { mountPath: string }[])
    .map(({ mountPath }) => mountPath)
    .filter((path) => path.startsWith(MOUNT));
  const folder = mkdtempSync(join(tmpdir(), 'llm-router-chart-'));
  try {
    const text = routerYaml(manifests).replaceAll(/file:(\S+)/g, (whole, path: string) => {
      if (!mounted.some((mount) => path.startsWith(`${mount}/`))) return whole;
      const file = join(folder, path);
      mkdirSync(dirname(file), { recursive: true });
      // Any certificate stands in for one.
      writeFileSync(file, file.endsWith('.crt') ? rootCertificates[0]! : 'stand-in-of-24-characters-or-more');
      return `file:${file}`;
    });
    const file = join(folder, 'router.yaml');
    writeFileSync(file, text);
    const config = await loadConfig(file, { env });
    keysRequired(config.file);
    return config;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
