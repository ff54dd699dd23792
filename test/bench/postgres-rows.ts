/** The PostgreSQL store in the report: each row on both sides in each round, on a server of the bench's own. */
import { type PostgresServer, postgresProgram, startPostgres } from "../postgres-server.ts";
import { SetupError } from "./machine.ts";
import {
  fillMonth,
  type MonthTable,
  measureIngest,
  measureMonth,
  POSTGRES_SIDES,
  type PostgresSide,
  SERVER_SETTINGS,
} from "./postgres.ts";
import { median, table } from "./table.ts";

/** Ingest: rows per second. Month: ms at the 99th percentile, for which less is better. */
export interface PostgresRow {
  readonly name: string;
  readonly unit: "rows/s" | "ms p99";
  /** What ours has to reach of the other side's. */
  readonly goal: { readonly atLeast: number } | { readonly atMost: number };
  readonly batch?: number;
}

const ROWS: readonly PostgresRow[] = [
  { name: "PostgreSQL ingest, batches of 1,000", unit: "rows/s", goal: { atLeast: 0.8 }, batch: 1_000 },
  { name: "PostgreSQL ingest, batches of 10,000", unit: "rows/s", goal: { atLeast: 0.8 }, batch: 10_000 },
  { name: "PostgreSQL, a meter-month out of 100,000 meters", unit: "ms p99", goal: { atMost: 1.2 } },
];

export interface MeasuredPostgres {
  readonly row: PostgresRow;
  readonly samples: Readonly<Record<PostgresSide, number>>[];
}

export function noPostgres(only: string): readonly MeasuredPostgres[] {
  return ROWS.filter(({ name }) => name.includes(only)).map((row) => ({ row, samples: [] }));
}

/** The server, and what is filled into it once. */
export class PostgresBench {
  readonly #server: PostgresServer;
  readonly #quick: boolean;
  #month: MonthTable | undefined;

  private constructor(server: PostgresServer, quick: boolean) {
    this.#server = server;
    this.#quick = quick;
  }

  /** @throws SetupError where PostgreSQL is missing. */
  static async start(quick: boolean): Promise<PostgresBench> {
    const program = postgresProgram();
    if (program === undefined)
      throw new SetupError('PostgreSQL is missing: run "make peers" (Debian package postgresql)');
    return new PostgresBench(await startPostgres(program, SERVER_SETTINGS), quick);
  }

  /** One round: the ingest rows make their tables anew, the month's is filled once. */
  async measure({ row, samples }: MeasuredPostgres, round: number): Promise<void> {
    const { batch } = row;
    if (batch === undefined) {
      this.#month ??= await fillMonth(this.#server, this.#quick ? 2_000 : 100_000);
      samples.push((await measureMonth(this.#month, this.#quick ? 50 : 400)).p99);
      return;
    }
    const rows = this.#quick ? 20_000 : 200_000;
    const sample: Record<PostgresSide, number> = { meterworks: 0, "by hand": 0 };
    // By turns who comes first.
    for (const side of round % 2 === 0 ? POSTGRES_SIDES : [...POSTGRES_SIDES].reverse())
      sample[side] = await measureIngest(this.#server, side, batch, rows);
    samples.push(sample);
  }

  stop(): Promise<void> {
    return this.#server.stop();
  }
}

export function postgresReport(measured: readonly MeasuredPostgres[]): readonly string[] {
  if (measured.length === 0) return [];
  const rows = measured.flatMap(({ row, samples }) =>
    POSTGRES_SIDES.map((side) => {
      const all = samples.map((sample) => sample[side]);
      const show = (value: number) => value.toFixed(row.unit === "rows/s" ? 0 : 2);
      return [row.name, side, row.unit, show(median(all)), all.map(show).join(" ")];
    }),
  );
  return [
    "PostgreSQL store, rows of 8 values, synchronous_commit and fsync on, 1 GB shared_buffers; by hand: pg, COPY into a",
    "temporary table and INSERT ... ON CONFLICT on a table with the same key and months; the month: the same SELECT by pg on the",
    "same table, warm: 100,000 meters with a row a day, 200 of them with one each 15 minutes (2,880 rows), in order of time",
    ...table([["row", "side", "unit", "median", "all runs"], ...rows], new Set([0, 1, 2, 4])),
    ...postgresVerdicts(measured).map(
      ({ goal, reached, pass }) => `${pass ? "PASS  " : "MISSED"}  ${goal}: ${reached.toFixed(2)}x`,
    ),
    "",
  ];
}

export function postgresVerdicts(measured: readonly MeasuredPostgres[]) {
  return measured.map(({ row: { name, goal }, samples }) => {
    const of = (side: PostgresSide) => median(samples.map((sample) => sample[side]));
    const reached = of("meterworks") / of("by hand");
    return "atLeast" in goal
      ? { goal: `${name} >= ${goal.atLeast}x by hand`, reached, pass: reached >= goal.atLeast }
      : { goal: `${name}, p99 <= ${goal.atMost}x by hand`, reached, pass: reached <= goal.atMost };
  });
}
