/** Meters and their readings. */
import type { FastifyInstance } from "fastify";
import { type Civil, civil } from "../../../src/core/time.ts";
import type { MeterId } from "../../ports.ts";
import { transformersAt } from "../../registry/ratio.ts";
import { meterView, readingView } from "../../view.ts";
import { type ApiOptions, knownMeter } from "../context.ts";
import { readCursor, writeCursor } from "../cursor.ts";
import { fromStore, Problem } from "../problems.ts";
import { entryOf } from "../registry-reads.ts";
import { answers, meterParams, pageQuery, readingsQuery, responses } from "../schemas.ts";
import { timeOf } from "./times.ts";

interface PageQuery {
  readonly limit: number;
  readonly cursor?: string;
}

interface ReadingsQuery extends PageQuery {
  readonly from?: string;
  readonly to?: string;
}

/** Beyond every time that a meter can show. */
const END_OF_TIME = civil(Number.MAX_SAFE_INTEGER);

export function meterRoutes(app: FastifyInstance, { store }: ApiOptions): void {
  app.get<{ Querystring: PageQuery }>(
    "/meters",
    {
      schema: {
        operationId: "listMeters",
        summary: "The registered meters, by id",
        tags: ["meters"],
        querystring: pageQuery,
        response: responses({ 200: answers.meters }),
      },
    },
    async ({ query: { limit, cursor } }) => {
      const all = await fromStore(store.meters());
      const from = cursor === undefined ? "" : readCursor("meters", cursor);
      const rest = all.filter((meter) => meter.id >= from);
      const beyond = rest[limit];
      return {
        meters: rest.slice(0, limit).map(meterView),
        next: beyond === undefined ? null : writeCursor("meters", beyond.id),
      };
    },
  );

  app.get<{ Params: { id: MeterId } }>(
    "/meters/:id",
    {
      schema: {
        operationId: "getMeter",
        summary: "One meter and its newest reading",
        tags: ["meters"],
        params: meterParams,
        response: responses({ 200: answers.meter }, 404),
      },
    },
    async ({ params: { id } }) => {
      const meter = await knownMeter(store, id);
      const latest = await fromStore(store.latest(id));
      const entry = await entryOf(store, id);
      const shown = latest && readingView(latest, transformersAt(meter, entry, latest.time));
      return { meter: meterView(meter), latest: shown ?? null };
    },
  );

  app.get<{ Params: { id: MeterId }; Querystring: ReadingsQuery }>(
    "/meters/:id/readings",
    {
      schema: {
        operationId: "listReadings",
        summary: "Readings with from <= time < to, oldest first",
        tags: ["meters"],
        params: meterParams,
        querystring: readingsQuery,
        response: responses({ 200: answers.readings }, 404),
      },
    },
    async ({ params: { id }, query }) => {
      const { from, to } = period(id, query);
      const meter = await knownMeter(store, id);
      const entry = await entryOf(store, id);
      // One more than asked: where the next page begins. Times of a meter are unique, so a time is a sufficient cursor.
      const found = await fromStore(store.readings(id, from, to, query.limit + 1));
      const beyond = found[query.limit];
      return {
        meter: id,
        readings: found
          .slice(0, query.limit)
          .map((reading) => readingView(reading, transformersAt(meter, entry, reading.time))),
        next: beyond === undefined ? null : writeCursor(readingsOf(id), String(beyond.time)),
      };
    },
  );
}

function readingsOf(id: MeterId): string {
  return `readings ${id}`;
}

function period(id: MeterId, { from, to, cursor }: ReadingsQuery): { from: Civil; to: Civil } {
  const start = from === undefined ? civil(0) : timeOf("from", from);
  const end = to === undefined ? END_OF_TIME : timeOf("to", to);
  if (start >= end) throw new Problem(400, "bad-request", 'query: "from" must be before "to"');
  return { from: cursor === undefined ? start : civil(Number(readCursor(readingsOf(id), cursor))), to: end };
}
