/** A table from targets: each label to the kind of model that its work wants. */
import { dump } from 'js-yaml';
import type { NewTarget, Role } from './providers.ts';

/** Labels of the shipped classifier by what they want, hardest last. */
const WORK: readonly (readonly [label: string, role: Role, rank: number])[] = [
  ['Chatbot', 'small', 0],
  ['Classification', 'small', 0],
  ['Extraction', 'small', 0],
  ['Rewrite', 'small', 0],
  ['Other', 'small', 0],
  ['Unknown', 'small', 0],
  ['Brainstorming', 'large', 1],
  ['Closed QA', 'large', 1],
  ['Open QA', 'large', 1],
  ['Summarization', 'large', 1],
  ['Text Generation', 'large', 1],
  ['Code Generation', 'thinks', 2],
];

/** Who stands in for whom where nobody has the role. */
const NEXT: Readonly<Record<Role, readonly Role[]>> = {
  small: ['small', 'large', 'thinks'],
  large: ['large', 'small'],
  thinks: ['thinks', 'large', 'small'],
  sees: ['sees'],
};

function inOrder(targets: readonly NewTarget[], role: Role): string[] {
  const names = NEXT[role].flatMap((each) => targets.filter(({ roles }) => roles.includes(each)));
  return [...new Set(names.map(({ name }) => name))];
}

const HEAD = `# Written by \`llm-router init\`. Each key's meaning and default: docs/reference/configuration.md.
# \`llm-router check-config FILE\` checks it, \`llm-router doctor --config FILE\` asks every upstream,
# \`llm-router start --config FILE\` runs it.
`;

/** As the configuration has them. */
export const targetsOf = (targets: readonly NewTarget[]): object[] =>
  targets.map(({ name, api_base, key, model, more }) => ({
    name,
    api_base,
    ...(key !== null && { api_key: `\${${key}}` }),
    model,
    ...more,
  }));

/** @returns the file's text. */
export function configOf(targets: readonly NewTarget[]): string {
  const seeing = inOrder(targets, 'sees');
  const table = {
    default_policy: 'task_router',
    // A laptop's CPU with other work on it may take longer than what suits a server.
    classifier: { deadline_ms: 2000 },
    targets: targetsOf(targets),
    policies: [
      {
        name: 'task_router',
        url: 'grpc://127.0.0.1:8001/task_router_ensemble',
        fallback: 'Chatbot',
        rules: [
          {
            name: 'titles and summaries that clients ask for',
            when: { side_request: true },
            label: 'Rewrite',
          },
          { name: 'coding agents', when: { agent: 'coding' }, label: 'Code Generation' },
        ],
        llms: WORK.map(([name, role, rank]) => {
          const [first, ...others] = inOrder(targets, role);
          // What sees must be in the policy's reach, whatever the label of a picture's question is.
          const eyes = name === 'Closed QA' ? seeing.filter((each) => each !== first) : [];
          const fallbacks = [...new Set([...others.slice(0, 2), ...eyes])];
          return { name, target: first, rank, ...(fallbacks.length > 0 && { fallbacks }) };
        }),
      },
    ],
  };
  return HEAD + dump(table, { lineWidth: 120, flowLevel: 4, noRefs: true });
}
