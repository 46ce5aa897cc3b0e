/** What ends a command: the message is for the user, the code for scripts. */

/** Exit codes of every command. */
export const EXIT = {
  /** It did what it was asked. */
  ok: 0,
  /** It could not, or what it checked is not right. */
  failed: 1,
  /** It was asked for wrongly: an unknown command or option, a value out of bounds. */
  usage: 2,
} as const;

/** Ends the command with its message alone, without a stack. */
export class CommandError extends Error {
  readonly code: number;

  constructor(message: string, code: number = EXIT.failed) {
    super(message);
    this.code = code;
  }
}

/** It was asked for wrongly. */
export class UsageError extends CommandError {
  constructor(message: string) {
    super(message, EXIT.usage);
  }
}
