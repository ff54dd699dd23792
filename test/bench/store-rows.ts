/** The store in the report: what it takes in a second, and what it takes on the disk. */

import { measureStore, STORE_SIDES, type StoreSample, type StoreSide } from "./store-ingest.ts";
import { PROFILES, type Profile } from "./store-profiles.ts";
import { measureSize, type SizeSample } from "./store-size.ts";
import { median, table } from "./table.ts";

export interface MeasuredStore {
  readonly sides: readonly { readonly side: StoreSide; readonly samples: StoreSample[] }[];
  /** Always the same, so measured once. */
  readonly sizes: readonly { readonly profile: Profile; sample?: SizeSample }[];
}

const LEAST = 5;
const MOST = 2;
const WHAT: Readonly<Record<StoreSide, string>> = {
  naive: "a row per value, 100 rows a transaction",
  writer: "100 readings a transaction, the thread that writes",
  store: "100 readings a commit, each awaited on the event loop",
};

const sideLabel = (side: StoreSide): string => `store ingest ${side}`;
const sizeLabel = ({ name }: Profile): string => `store size ${name}`;

export function noStore(only: string): MeasuredStore {
  return {
    sides: STORE_SIDES.filter((side) => sideLabel(side).includes(only)).map((side) => ({ side, samples: [] })),
    sizes: PROFILES.filter((profile) => sizeLabel(profile).includes(only)).map((profile) => ({ profile })),
  };
}

/** One round; tells of each row as it is done. */
export async function measureStoreRows(
  measured: MeasuredStore,
  quick: boolean,
  tell: (text: string) => void,
): Promise<void> {
  for (const { side, samples } of measured.sides) {
    const sample = await measureStore(side, quick ? 5 : 60);
    samples.push(sample);
    tell(`${sideLabel(side)}: ${Math.round(sample.valuesPerSecond)}/s`);
  }
  for (const row of measured.sizes) {
    if (row.sample !== undefined) continue;
    const [meters, days] = row.profile.minutes === 1 ? [20, 5] : [50, 20];
    row.sample = await measureSize(row.profile, quick ? meters / 5 : meters, quick ? 2 : days);
    tell(`${sizeLabel(row.profile)}: ${row.sample.bytesPerValue.toFixed(2)} bytes`);
  }
}

export function storeReport(measured: MeasuredStore): readonly string[] {
  const { sides, sizes } = measured;
  const out: string[] = [];
  if (sides.length > 0) {
    const rows = sides.map(({ side, samples }) => [
      ...[side, WHAT[side], rate(samples).toFixed(0)],
      ...[samples.map((sample) => sample.valuesPerSecond.toFixed(0)).join(" ")],
      median(samples.map((sample) => sample.cpu)).toFixed(2),
    ]);
    out.push("SQLite, 1,000 meters with 8 values a minute, synchronous=FULL (medians; CPU per value, all threads)");
    out.push(...table([["side", "", "values/s", "all runs", "CPU us"], ...rows], new Set([0, 1, 3])));
  }
  if (sizes.length > 0) {
    const rows = sizes.flatMap(({ profile, sample }) =>
      sample === undefined
        ? []
        : [
            [
              profile.name,
              String(sample.values),
              sample.bytesPerValue.toFixed(2),
              sample.naiveBytesPerValue.toFixed(1),
            ],
          ],
    );
    out.push("Bytes of the file per value after compaction: times, qualities, sequence numbers, indexes and all");
    out.push(...table([["profile", "values", "bytes", "naive"], ...rows], new Set([0])));
  }
  const verdicts = storeVerdicts(measured).map(
    ({ goal, reached, pass }) => `${pass ? "PASS  " : "MISSED"}  ${goal}: ${reached.toFixed(2)}`,
  );
  return out.length === 0 ? [] : [...out, ...verdicts, ""];
}

/** Only where what they compare was measured. */
export function storeVerdicts({ sides, sizes }: MeasuredStore) {
  const of = (side: StoreSide): number => rate(sides.find((s) => s.side === side)?.samples ?? []);
  const speed = of("store") / of("naive");
  const largest = Math.max(...sizes.map(({ sample }) => sample?.bytesPerValue ?? Number.NaN));
  return [
    ...(Number.isNaN(speed)
      ? []
      : [{ goal: `SQLite ingest by Store.commit >= ${LEAST}x a row per value`, reached: speed, pass: speed >= LEAST }]),
    ...(sizes.length === 0 || Number.isNaN(largest)
      ? []
      : [
          {
            goal: `bytes per value after compaction <= ${MOST.toFixed(1)}, every profile`,
            reached: largest,
            pass: largest <= MOST,
          },
        ]),
  ];
}

function rate(samples: readonly StoreSample[]): number {
  return median(samples.map((sample) => sample.valuesPerSecond));
}
