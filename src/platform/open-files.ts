/** How many files and sockets this process may have open. */
import { readFileSync } from "node:fs";

/**
 * The limit of the running process (RLIMIT_NOFILE; Node raises the soft limit to the hard one at its start). Undefined
 * where the system has no /proc.
 */
export function openFileLimit(): number | undefined {
  try {
    return parseOpenFileLimit(readFileSync("/proc/self/limits", "utf8"));
  } catch {
    return undefined;
  }
}

/** The soft limit in the text of proc(5) `limits`; `unlimited` is infinite. */
export function parseOpenFileLimit(limits: string): number | undefined {
  const soft = /^Max open files\s+(\S+)/m.exec(limits)?.[1];
  if (soft === undefined) return undefined;
  return soft === "unlimited" ? Number.POSITIVE_INFINITY : Number(soft);
}
