/** Which intervals are read, late or missing: by meter, line and day, and of one meter in full. */
import type { FastifyInstance } from "fastify";
import { civil, daysFromDate, MICROS_PER_SECOND, SECONDS_PER_DAY, toIso } from "../../../src/core/time.ts";
import { INTERVALS_CODEC, INTERVALS_COLLECTION } from "../../completeness/meter-intervals.ts";
import {
  type Days,
  type FollowedMeter,
  figuresBy,
  GROUPINGS,
  type Grouping,
  keptDays,
  percentOf,
  timedRuns,
} from "../../completeness/report.ts";
import { type Figures, INTERVAL_STATES } from "../../completeness/runs.ts";
import type { MeterId, StoredDocument, StoreQuery } from "../../ports.ts";
import { type ApiOptions, knownMeter } from "../context.ts";
import { fromStore, Problem } from "../problems.ts";
import { DEFAULT_LIMIT, MAXIMUM_LIMIT, meterParams, responses } from "../schemas.ts";
import { timeOf } from "./times.ts";

const PAGE = 500;
const END_OF_TIME = civil(Number.MAX_SAFE_INTEGER);
const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;

const integer = { type: "integer" } as const;
const text = { type: "string" } as const;
const FIGURES = {
  expected: integer,
  read: integer,
  late: { ...integer, description: "read more than an hour after its end" },
  missing: { ...integer, description: "the meter was asked and does not have it, or what it has cannot be right" },
  open: { ...integer, description: "not read yet; it may still be" },
  percent: { anyOf: [text, { type: "null" }], description: "read and late of expected, cut: 100.000 is all" },
};

function record(properties: Readonly<Record<string, object>>) {
  return { type: "object", additionalProperties: false, required: Object.keys(properties), properties } as const;
}

const overview = record({
  by: { enum: GROUPINGS },
  from: { ...text, description: "first day in UTC" },
  to: { ...text, description: "last day, included" },
  total: record(FIGURES),
  rows: { type: "array", items: record({ key: text, ...FIGURES }) },
});

const ofMeter = record({
  meter: text,
  minutes: { anyOf: [integer, { type: "null" }], description: "length of an interval; null where none is expected" },
  total: record(FIGURES),
  runs: {
    type: "array",
    description: "intervals of one state that follow each other, oldest first; the last five minutes are under way",
    items: record({ from: text, to: text, state: { enum: [...INTERVAL_STATES, "open"] } }),
  },
});

const query = (properties: Readonly<Record<string, object>>) => ({
  type: "object",
  additionalProperties: false,
  properties,
});

export function completenessRoutes(app: FastifyInstance, { store, now }: ApiOptions): void {
  app.get<{ Querystring: { day?: string; by: Grouping; limit: number } }>(
    "/completeness",
    {
      schema: {
        operationId: "getCompleteness",
        summary: "How many of the expected intervals are there, worst first",
        tags: ["meters"],
        querystring: query({
          day: { ...text, description: "a day in UTC such as 2026-11-29; default: all that is kept, 35 days" },
          by: { description: `one of ${GROUPINGS.join(", ")}`, enum: GROUPINGS, default: "meter" },
          limit: {
            ...integer,
            description: `a whole number from 1 to ${MAXIMUM_LIMIT} (default ${DEFAULT_LIMIT}): rows, of which the worst come first`,
            minimum: 1,
            maximum: MAXIMUM_LIMIT,
            default: DEFAULT_LIMIT,
          },
        }),
        response: responses({ 200: overview }),
      },
    },
    async ({ query: { day, by, limit } }) => {
      const time = now();
      const days = day === undefined ? keptDays(time) : dayOf(day);
      const { total, rows } = figuresBy(by, await followed(store), days, time, dayName);
      return {
        by,
        from: dayName(days.from),
        to: dayName(days.to),
        total: figuresView(total),
        rows: rows.slice(0, limit).map(({ key, ...figures }) => ({ key, ...figuresView(figures) })),
      };
    },
  );

  app.get<{ Params: { id: MeterId }; Querystring: { from?: string; to?: string } }>(
    "/meters/:id/completeness",
    {
      schema: {
        operationId: "getMeterCompleteness",
        summary: "The intervals of a meter as runs of one state",
        tags: ["meters"],
        params: meterParams,
        querystring: query({
          from: { ...text, description: "an ISO 8601 time such as 2026-11-24T16:00:00Z; default: the oldest" },
          to: { ...text, description: "an ISO 8601 time, behind which no interval ends; default: now" },
        }),
        response: responses({ 200: ofMeter }, 404),
      },
    },
    async ({ params: { id }, query: { from, to } }) => {
      const { via } = await knownMeter(store, id);
      const document = await fromStore(store.document(INTERVALS_COLLECTION, id));
      const [start, end] = [
        from === undefined ? civil(0) : timeOf("from", from),
        to === undefined ? END_OF_TIME : timeOf("to", to),
      ];
      if (start >= end) throw new Problem(400, "bad-request", 'query: "from" must be before "to"');
      if (document === undefined)
        return {
          meter: id,
          minutes: null,
          total: figuresView({ expected: 0, read: 0, late: 0, missing: 0, open: 0 }),
          runs: [],
        };
      const meter = { id, via, intervals: INTERVALS_CODEC.decode(document.text) };
      const { figures, runs } = timedRuns(meter, start, end, now());
      return {
        meter: id,
        minutes: meter.intervals.minutes,
        total: figuresView(figures),
        runs: runs.map((run) => ({ from: toIso(run.from), to: toIso(run.to), state: run.state })),
      };
    },
  );
}

function figuresView(figures: Figures) {
  const { expected, read, late, missing, open } = figures;
  return { expected, read, late, missing, open, percent: percentOf(figures) };
}

/** Every meter whose intervals are followed. */
async function followed(store: StoreQuery): Promise<readonly FollowedMeter[]> {
  const via = new Map((await fromStore(store.meters())).map((meter) => [meter.id as string, meter.via]));
  const meters: FollowedMeter[] = [];
  let after: string | null = null;
  for (;;) {
    const page: readonly StoredDocument[] = await fromStore(store.documents(INTERVALS_COLLECTION, after, "up", PAGE));
    for (const { key, text: kept } of page)
      meters.push({ id: key as MeterId, via: via.get(key) ?? "", intervals: INTERVALS_CODEC.decode(kept) });
    after = page.at(-1)?.key ?? null;
    if (page.length < PAGE) return meters;
  }
}

/** `2026-11-29`. */
function dayName(day: number): string {
  return toIso(civil(day * SECONDS_PER_DAY * MICROS_PER_SECOND)).slice(0, "2026-11-29".length);
}

function dayOf(name: string): Days {
  const [, year, month, date] = (DATE.exec(name) ?? []).map(Number);
  const day = year === undefined ? undefined : daysFromDate(year, month as number, date as number);
  if (day === undefined || dayName(day) !== name)
    throw new Problem(400, "bad-request", `query: "day": "${name}" is no day such as 2026-11-29`);
  return { from: day, to: day };
}
