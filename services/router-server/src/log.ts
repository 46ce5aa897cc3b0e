/** The server's few lines: as text for people, or as JSON for logs of a cloud, with the fields that the controller's have. */

export type Level = 'info' | 'warn' | 'error';
export type Log = (line: string, level?: Level) => void;

export const LOG_FORMATS = ['text', 'json'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

const SEVERITIES: Readonly<Record<Level, string>> = { info: 'INFO', warn: 'WARNING', error: 'ERROR' };

/** One line. Text goes to standard error, JSON to standard output, which such clouds don't take for errors. */
export function lineOf(format: LogFormat, line: string, level: Level): string {
  if (format === 'text') return `router-server: ${line}`;
  const timestamp = new Date().toISOString();
  return JSON.stringify({
    level,
    message: line,
    timestamp,
    severity: SEVERITIES[level],
    service: 'router-server',
  });
}

export function createLog(format: LogFormat): Log {
  const write = format === 'text' ? console.error : console.log;
  return (line, level = 'info') => write(lineOf(format, line, level));
}
