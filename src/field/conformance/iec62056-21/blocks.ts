/** Blocks in what was heard: data, commands of the meter, error messages. */
import { errorMessage, parseDataSets } from "../../../../protocols/iec62056-21/dataset.ts";
import { type Block, Scanner } from "../../../../protocols/iec62056-21/scanner.ts";
import { MOST_HEARD } from "../../probe.ts";

/** The first block, good or with a wrong check character; undefined where there is none. */
export function blockIn(bytes: Uint8Array): Block | undefined {
  const scanner = new Scanner(MOST_HEARD);
  scanner.expecting = "frames";
  for (const byte of bytes) {
    const token = scanner.feed(byte);
    if (token?.kind === "block") return token;
  }
  return undefined;
}

/** Whether the data of a block are an error message: `(ERnn)`, or a text alone in parentheses as other meters have it. */
export function isError(data: string): boolean {
  const sets = parseDataSets(data);
  if (!sets.ok || sets.value.length !== 1) return false;
  return errorMessage(sets.value) !== undefined || /^\([A-Za-z]+ ?\w*\)$/.test(data);
}

export function noError(data: string): string {
  return `${data.slice(0, 40)} is no error message`;
}
