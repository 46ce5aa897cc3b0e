/** What of the other APIs becomes what in a chat completion, from the tables that the translations go by. */
import { MESSAGES_TABLES, RESPONSES_TABLES } from '../../services/router-controller/src/dialects/index.ts';
import type { DialectTables, Row } from '../../services/router-controller/src/dialects/table.ts';
import { cell, code, head, table } from './markdown.ts';

const FATES = {
  same: 'as it is',
  mapped: 'mapped',
  dropped: 'left out',
  refused: '**refused**',
  router: 'the router’s own',
};

function row(name: string, { fate, to, note, neutral, quiet }: Row): string[] {
  const asks =
    neutral && neutral.length > 0
      ? `${neutral.map((each) => code(String(each))).join(', ')} asks for nothing`
      : '';
  const told = fate === 'dropped' && !quiet ? 'told in the header' : '';
  return [code(name), FATES[fate], cell(to ?? ''), cell([note, asks, told].filter(Boolean).join('; '))];
}

function chapter({ title, tables }: DialectTables): string {
  const parts = tables.map(
    (each) =>
      `\n### ${each.title}\n\n${table(
        ['name', 'fate', 'in a chat completion', 'note'],
        Object.entries(each.rows).map(([name, said]) => row(name, said)),
      )}\n`,
  );
  return `\n## ${title}\n${parts.join('')}`;
}

export function dialectsPage(): string {
  const words =
    'Clients may speak OpenAI’s chat completions and Responses, and Anthropic’s Messages. A target says in `apis` which of them it\n' +
    'speaks. Where it speaks the client’s, bytes pass unchanged; where it speaks chat completions only, the request and its\n' +
    'answer are translated, and the answer says so: `x-llm-router-translated: responses->chat`. What is left out without\n' +
    'changing what the request means is named in `x-llm-router-dropped`; the log line has `api` and `translated`. What can’t be done without it is refused with its\n' +
    'place and the reason, unless another target of the entry speaks the API itself.\n' +
    '\n' +
    'A response lives on the target that made it. Its id, as the router tells it, says which that is: `GET` and `DELETE\n' +
    '/v1/responses/ID`, `/cancel`, `/input_items` and `previous_response_id` go there, from any replica, for the same tenant. Translated\n' +
    'answers are stored nowhere. `/v1/messages/count_tokens` and `/v1/responses/input_tokens` are asked of the decision’s target where it\n' +
    'speaks the API, else counted here, and the answer says how: `x-llm-router-counted-by`.\n' +
    '\n' +
    'Names that a table does not have, of a member that is new for example, are left out and told; items, content and tools\n' +
    'that it does not have are refused. Every name in the openai and Anthropic SDKs that the project pins is in the tables.';
  return (
    head('Dialects', 'services/router-controller/src/dialects/*/tables.ts', words) +
    chapter(RESPONSES_TABLES) +
    chapter(MESSAGES_TABLES)
  );
}
