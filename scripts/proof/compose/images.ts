/** Our images, built by Compose from the Dockerfiles as they are, on bases that are named by their build arguments. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { filledExample } from '../../deploy/compose.ts';
import { COMPOSE_FILE, readProject } from '../../deploy/compose-project.ts';
import { IMAGE_VARIABLES } from '../../engine/bases.ts';
import type { DockerApi } from '../../engine/docker-api.ts';
import { withEngine } from '../../engine/engine.ts';
import { ROOT } from '../../parts/lib.ts';

export interface BuiltImage {
  readonly name: string;
  /** Bytes of all its layers. */
  readonly size: number;
}

/** Image → bytes, of those whose name begins so. */
async function sizes(api: DockerApi, names: readonly string[]): Promise<BuiltImage[]> {
  const all = await api.images();
  return names.map((name) => {
    const image = all.find(({ RepoTags }) => RepoTags?.includes(name));
    if (!image) throw new Error(`${name} was built, but the engine does not have it`);
    return { name, size: image.Size };
  });
}

/**
 * Builds the images of the services that these profiles start; a step that has not changed costs nothing.
 *
 * @throws Error with the end of the build's output.
 */
export async function buildImages(profiles: readonly string[]): Promise<BuiltImage[]> {
  const env = { ...filledExample(), ...IMAGE_VARIABLES };
  const { services } = await readProject({ env, profiles });
  const ours = Object.entries(services).filter(([, service]) => service.build);
  return withEngine({ network: 'machine' }, async (engine) => {
    const at = (name: string) => join(engine.box.folder, name);
    writeFileSync(
      at('build.env'),
      Object.entries(env)
        .map(([name, value]) => `${name}='${value}'\n`)
        .join(''),
    );
    // Installs in a build reach the package registries by the machine's own network.
    const override = {
      services: Object.fromEntries(ours.map(([name]) => [name, { build: { network: 'host' } }])),
    };
    writeFileSync(at('build.json'), JSON.stringify(override));
    const files = [
      '--file',
      join(ROOT, COMPOSE_FILE),
      '--file',
      at('build.json'),
      '--env-file',
      at('build.env'),
    ];
    const chosen = profiles.flatMap((profile) => ['--profile', profile]);
    await engine.compose(`building ${ours.map(([name]) => name).join(', ')}`, [
      ...files,
      ...chosen,
      '--progress',
      'plain',
      'build',
    ]);
    return sizes(
      engine.api,
      ours.map(([, { image }]) => image!),
    );
  });
}
