/** What is read by schedule and on demand. */
import type { FastifyInstance } from "fastify";
import { assert } from "../../../src/core/result.ts";
import { MICROS_PER_SECOND } from "../../../src/core/time.ts";
import { CLOCK_JUMPS, CLOCKS, clockFrom, jumpFrom } from "../../clock/records.ts";
import { eventFrom, METER_EVENTS } from "../../events/records.ts";
import type { MeterId } from "../../ports.ts";
import { transformersAt } from "../../registry/ratio.ts";
import { DATED_READS, datedReadFrom } from "../../schedule/records.ts";
import { clockView, datedReadView, jumpView, meterEventView, readingView } from "../../view.ts";
import { type ApiOptions, documentsOf, knownMeter } from "../context.ts";
import { fromStore, refused } from "../problems.ts";
import { registryMeter } from "../registry-reads.ts";
import { readBody, scheduleAnswers } from "../schedule-schemas.ts";
import { meterParams, pageQuery, responses } from "../schemas.ts";

interface Page {
  readonly limit: number;
  readonly cursor?: string;
}

const DEFAULT_WAIT_SECONDS = 10;

export function scheduleRoutes(app: FastifyInstance, options: ApiOptions): void {
  readRoutes(app, options);
  clockRoutes(app, options);
  eventRoutes(app, options);
}

function eventRoutes(app: FastifyInstance, { store }: ApiOptions): void {
  app.get<{ Params: { id: MeterId }; Querystring: Page }>(
    "/meters/:id/events",
    {
      schema: {
        operationId: "listMeterEvents",
        summary: "What a meter has noted: power failures, covers, programming and more, newest first",
        description: "Times are those of the meter's local clock, which tells no zone.",
        tags: ["meters"],
        params: meterParams,
        querystring: pageQuery,
        response: responses({ 200: scheduleAnswers.events }, 404),
      },
    },
    async ({ params: { id }, query }) => {
      await knownMeter(store, id);
      const { documents, next } = await documentsOf(store, METER_EVENTS, id, query);
      return { meter: id, events: documents.map((document) => meterEventView(eventFrom(document))), next };
    },
  );
}

function clockRoutes(app: FastifyInstance, { store }: ApiOptions): void {
  app.get<{ Params: { id: MeterId }; Querystring: Page }>(
    "/meters/:id/clock",
    {
      schema: {
        operationId: "getClock",
        summary: "How far a meter's clock is off, and its jumps, newest first",
        description:
          "Offsets are seconds, meter minus head-end. `clock` is null where no contact has told the meter's time yet.",
        tags: ["meters"],
        params: meterParams,
        querystring: pageQuery,
        response: responses({ 200: scheduleAnswers.clock }, 404),
      },
    },
    async ({ params: { id }, query }) => {
      await knownMeter(store, id);
      const document = await fromStore(store.document(CLOCKS, id));
      const { documents, next } = await documentsOf(store, CLOCK_JUMPS, id, query);
      const clock = document === undefined ? null : clockView(clockFrom(document.text));
      return { meter: id, clock, jumps: documents.map((jump) => jumpView(jumpFrom(jump))), next };
    },
  );
}

function readRoutes(app: FastifyInstance, { store, submit }: ApiOptions): void {
  app.post<{ Params: { id: MeterId }; Body: { waitSeconds?: number } | null }>(
    "/meters/:id/reads",
    {
      schema: {
        operationId: "readNow",
        summary: "Read a meter now",
        description:
          "Goes before everything but orders, and is answered with the reading once that is stored. 504 says since when and " +
          "why the meter does not answer; 429 that too many are being read. It changes nothing, so it may be repeated.",
        tags: ["meters"],
        params: meterParams,
        body: readBody,
        response: responses({ 200: scheduleAnswers.read }, 404, 413, 415, 429, 504),
      },
    },
    async ({ params: { id }, body }) => {
      const wait = (body?.waitSeconds ?? DEFAULT_WAIT_SECONDS) * MICROS_PER_SECOND;
      const result = await submit({ kind: "read", meter: id, wait });
      if (!result.ok) throw refused(result.error);
      assert(result.value.kind === "read", "a read is answered by its reading");
      const { reading } = result.value;
      const { registration, entry } = await registryMeter(store, id);
      return { meter: id, reading: readingView(reading, transformersAt(registration, entry, reading.time)) };
    },
  );

  app.get<{ Params: { id: MeterId }; Querystring: Page }>(
    "/meters/:id/dated-reads",
    {
      schema: {
        operationId: "listDatedReads",
        summary: "Billing reads and daily freezes of a meter, newest first",
        tags: ["meters"],
        params: meterParams,
        querystring: pageQuery,
        response: responses({ 200: scheduleAnswers.datedReads }, 404),
      },
    },
    async ({ params: { id }, query }) => {
      const { registration, entry } = await registryMeter(store, id);
      const { documents, next } = await documentsOf(store, DATED_READS, id, query);
      const reads = documents.map(datedReadFrom).map((read) => {
        return datedReadView(read, transformersAt(registration, entry, read.taken));
      });
      return { meter: id, reads, next };
    },
  );
}
