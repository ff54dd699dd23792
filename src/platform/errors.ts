/** What goes wrong between us and the operating system, said so that a person can act on it. */

export type PlatformErrorCode = "missing-program" | "not-found" | "permission" | "in-use" | "bad-address" | "failed";

/** An error for people: `message` says what happened, `hint` what to do next. Usage errors of a command end in exit 2. */
export class PlatformError extends Error {
  readonly code: PlatformErrorCode;
  readonly hint: string;

  constructor(code: PlatformErrorCode, message: string, hint: string) {
    super(message);
    this.name = "PlatformError";
    this.code = code;
    this.hint = hint;
  }
}

/** The `ENOENT`, `EACCES`, … of a Node error; empty where there is none. */
export function systemCode(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : "";
}

export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
