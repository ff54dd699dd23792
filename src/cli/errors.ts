/** How a command ends badly. Exit codes are fixed: 1 the thing asked for failed, 2 wrong usage or configuration. */

export class CommandError extends Error {
  readonly exitCode: 1 | 2;
  /** What to do next; shown on the same line. */
  readonly hint: string | undefined;

  constructor(exitCode: 1 | 2, message: string, hint?: string) {
    super(message);
    this.name = "CommandError";
    this.exitCode = exitCode;
    this.hint = hint;
  }
}

/** Wrong usage or configuration: exit 2. */
export function usage(message: string, hint?: string): CommandError {
  return new CommandError(2, message, hint);
}

/** The thing asked for did not come about: exit 1. */
export function failed(message: string, hint?: string): CommandError {
  return new CommandError(1, message, hint);
}
