/**
 * The outcome of handling bytes or text from outside: a value, or one of a closed list of reasons.
 * Business refusals use status unions of their own; a bug uses {@link assert}.
 */
export type Result<T, E> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: E };

export function success<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value };
}

export function failure<E>(error: E): { readonly ok: false; readonly error: E } {
  return { ok: false, error };
}

/** Stops on a bug of ours. Never for input from outside: that gives a {@link Result}. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`);
}
