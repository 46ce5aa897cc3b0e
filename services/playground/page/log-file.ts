/** A decision log that a reader brings. Free of the DOM, so that Node tests it. */
import { readLogLine } from '../../router-controller/src/replay/log-line.ts';
import { FileProblem } from './csv.ts';
import type { LoggedDecision } from './decisions.ts';

export const MAX_LOG_BYTES = 100 * 1024 * 1024;

/**
 * @returns its decisions, the oldest first. Scores of answers are left out, and so is a last line that is half written.
 * @throws FileProblem that says which line is wrong
 */
export function readLog(text: string): LoggedDecision[] {
  const lines = text.split('\n');
  const last = lines.findLastIndex((line) => line.trim() !== '');
  const decisions: LoggedDecision[] = [];
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') continue;
    try {
      const record = readLogLine<LoggedDecision>(line);
      if (record) decisions.push(record);
    } catch (error) {
      const { message } = error as Error;
      if (index === last && message === 'not JSON' && decisions.length > 0) break;
      throw new FileProblem(`Line ${index + 1}: ${message}`);
    }
  }
  if (decisions.length === 0)
    throw new FileProblem(
      'The file has no decisions; decision_log.path of the router’s configuration says where the log is',
    );
  return decisions;
}
