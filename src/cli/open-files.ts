/** Whether the system lets the head-end open as many files and sockets as its lines and meters need. */
import { openFileLimit } from "../platform/open-files.ts";
import { usage } from "./errors.ts";

/** Beside lines and meters: store and its log, API clients, what Node itself has open. */
const BESIDE = 200;
/** What the embedded broker takes where nothing is in its way. */
const MOST_CONNECTIONS = 20_000;

export interface FileNeeds {
  readonly lines: number;
  /** Meters that connect to the embedded broker, as far as the configuration names them; 0 without it. */
  readonly meters: number;
}

/**
 * @returns how many connections the embedded broker may take, so that lines and store never find the last file taken
 * @throws CommandError (exit 2) where the limit is too low for what is configured
 */
export function requireOpenFiles({ lines, meters }: FileNeeds, limit = openFileLimit()): number {
  const needed = lines + meters + BESIDE;
  if (limit === undefined) return MOST_CONNECTIONS;
  if (limit < needed)
    throw usage(
      `${lines} lines and ${meters} meters need ${needed} open files, this process is allowed ${limit}`,
      `raise it before the start: ulimit -n ${needed}, or LimitNOFILE=${needed} in a systemd unit`,
    );
  return Math.min(MOST_CONNECTIONS, limit - lines - BESIDE);
}
