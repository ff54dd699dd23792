/** The intervals of a meter as one row of blocks for each day, a block for half an hour. */

const BLOCK_MS = 1_800_000;
const BLOCKS_PER_DAY = 48;
const DAY_MS = BLOCK_MS * BLOCKS_PER_DAY;

/** Of several states in one block the worst is shown. */
const BLOCKS = { open: "?", missing: "·", late: "▒", read: "█" } as const;
const BAD_FIRST = Object.keys(BLOCKS) as readonly (keyof typeof BLOCKS)[];

export const LEGEND = `            ${BLOCKS.read} read  ${BLOCKS.late} late  ${BLOCKS.missing} missing  ${BLOCKS.open} open; days in UTC, a block for half an hour`;

interface Run {
  readonly from: string;
  readonly to: string;
  readonly state: string;
}

/** `2026-11-28  ████▒▒··…`, oldest day first; blank where nothing was expected. */
export function dayPictures(runs: readonly Run[]): readonly string[] {
  const days = new Map<number, string[]>();
  for (const { from, to, state } of runs) {
    const [start, end] = [Date.parse(from), Date.parse(to)];
    for (let block = Math.floor(start / BLOCK_MS); block * BLOCK_MS < end; block++) {
      const day = Math.floor(block / BLOCKS_PER_DAY);
      const states = days.get(day) ?? Array<string>(BLOCKS_PER_DAY).fill("");
      days.set(day, states);
      const place = block - day * BLOCKS_PER_DAY;
      states[place] = worseOf(states[place] as string, state);
    }
  }
  return [...days]
    .sort(([a], [b]) => a - b)
    .map(([day, states]) => {
      const blocks = states.map((state) => BLOCKS[state as keyof typeof BLOCKS] ?? " ").join("");
      return `${new Date(day * DAY_MS).toISOString().slice(0, "2026-11-28".length)}  ${blocks.trimEnd()}`;
    });
}

function worseOf(a: string, b: string): string {
  return BAD_FIRST.find((state) => state === a || state === b) ?? b;
}
