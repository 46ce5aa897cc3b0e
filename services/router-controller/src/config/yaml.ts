/** YAML as people write it for other programs, too: YAML 1.2, and `<<`, by which a mapping takes over another's keys. */
import { CORE_SCHEMA, load, mergeTag } from 'js-yaml';

const SCHEMA = CORE_SCHEMA.withTags(mergeTag);

/** @throws YAMLException with the place */
export const readYaml = (text: string, filename?: string): unknown =>
  load(text, { schema: SCHEMA, ...(filename !== undefined && { filename }) });
