/** The description as a page to read: no script, nothing from elsewhere. */
import { ERRORS } from '../../errors.ts';
import { OPERATIONS, type Operation } from './operations.ts';
import { SCHEMAS } from './schemas.ts';

const html = (text: string) =>
  text
    .replaceAll(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
    .replaceAll(/`([^`]*)`/g, '<code>$1</code>');

const STYLE = `:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
summary{cursor:pointer;padding:.3rem 0}b{display:inline-block;min-width:4.5rem}code,pre{font-family:ui-monospace,monospace;font-size:.9em}
pre{overflow:auto;padding:.8rem;border:1px solid #8886;border-radius:6px}table{border-collapse:collapse}td,th{text-align:left;padding:.2rem .8rem .2rem 0;vertical-align:top}`;

function operation({
  method,
  path,
  summary,
  description,
  body,
  answer,
  stream,
  parameters = [],
  open,
}: Operation): string {
  const shape = (name: string) => `<a href="#${name}">${name}</a>`;
  const lines = [
    description && html(description),
    open && 'Needs no key.',
    ...parameters.map(({ name, where, about }) => `<code>${html(name)}</code> (${where}): ${html(about)}`),
    body && `Body: ${shape(body)}`,
    answer?.schema && `Answer: ${shape(answer.schema)}`,
    stream && `Stream: ${html(stream)}`,
  ].filter(Boolean);
  return `<details><summary><b>${method.toUpperCase()}</b> <code>${html(path)}</code> ${html(summary)}</summary><ul>${lines.map((line) => `<li>${line}</li>`).join('')}</ul></details>`;
}

/** @param version of the router */
export function openApiPage(version: string): string {
  const tags = ['routed', 'passed', 'router', 'health'] as const;
  const sections = tags.map(
    (tag) =>
      `<h2>${tag}</h2>${OPERATIONS.filter((each) => each.tag === tag)
        .map(operation)
        .join('\n')}`,
  );
  const shapes = Object.entries(SCHEMAS).map(
    ([name, schema]) =>
      `<details id="${name}"><summary>${name}</summary><pre>${html(JSON.stringify(schema, null, 2))}</pre></details>`,
  );
  const errors = Object.entries(ERRORS).map(
    ([code, { status, help }]) =>
      `<tr><td>${status}</td><td><code>${code}</code></td><td>${html(help)}</td></tr>`,
  );
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>LLM Router API</title>
<style>${STYLE}</style><h1>LLM Router ${html(version)}</h1><p>The same for programs: <a href="openapi.json">openapi.json</a>.</p>
${sections.join('\n')}<h2>Shapes</h2>${shapes.join('\n')}<h2>Errors</h2><table>${errors.join('')}</table></html>`;
}
