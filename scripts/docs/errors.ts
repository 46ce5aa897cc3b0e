import { ERRORS } from '../../services/router-controller/src/errors.ts';
import { cell, code, head, table } from './markdown.ts';

/** Every error a client can get from the router itself. */
export function errorsPage(): string {
  const words =
    'Errors have OpenAI’s shape, `{"error": {"message", "type", "param", "code"}}`, so that stock clients raise their own classes.\n' +
    'An upstream’s own error comes back as it was, with its status, but for a 401, which speaks of the router’s key and not of the\n' +
    'client’s (`upstream_bad_credentials`). The message says what was wrong and what would be right;\n' +
    '`x-request-id` leads to the log line.';
  const rows = Object.entries(ERRORS).map(([name, { status, type, help }]) => [
    code(name),
    String(status),
    code(type),
    cell(help),
  ]);
  return `${head('Errors', 'services/router-controller/src/errors.ts', words)}\n${table(['code', 'status', 'type', 'when, and what helps'], rows)}\n`;
}
