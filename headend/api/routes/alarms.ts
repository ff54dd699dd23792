/** What is wrong and where, and what was. */
import type { FastifyInstance } from "fastify";
import { assert } from "../../../src/core/result.ts";
import { decodeIncident, INCIDENTS, type Incident } from "../../alarms/incident.ts";
import type { StoreQuery } from "../../ports.ts";
import { alarmView } from "../../view.ts";
import { type ApiOptions, actorOf } from "../context.ts";
import { pageOf, readCursor } from "../cursor.ts";
import { fromStore, Problem, refused } from "../problems.ts";
import { acknowledgeBody, alarmParams, alarmsQuery, answers, responses } from "../schemas.ts";

interface AlarmsQuery {
  readonly state: "open" | "all";
  readonly limit: number;
  readonly cursor?: string;
}

export function alarmRoutes(app: FastifyInstance, { store, alarms, submit }: ApiOptions): void {
  app.get<{ Querystring: AlarmsQuery }>(
    "/alarms",
    {
      schema: {
        operationId: "listAlarms",
        summary: "What is wrong now, or all that ever was, newest first",
        tags: ["alarms"],
        querystring: alarmsQuery,
        response: responses({ 200: answers.alarms }),
      },
    },
    async ({ query: { state, limit, cursor } }) => {
      const list = `alarms ${state}`;
      const before = cursor === undefined ? null : readCursor(list, cursor);
      const found = state === "open" ? [] : await storedIncidents(store, before, limit + 1);
      const page = newestFirst([...alarms.open(), ...found], before);
      const { items, next } = pageOf(list, page, limit, ({ id }) => id);
      return { alarms: items.map(alarmView), unlisted: alarms.unlisted, next };
    },
  );

  app.get<{ Params: { id: string } }>(
    "/alarms/:id",
    {
      schema: {
        operationId: "getAlarm",
        summary: "One alarm, whether it lasts or not",
        tags: ["alarms"],
        params: alarmParams,
        response: responses({ 200: answers.alarm }, 404),
      },
    },
    async ({ params: { id } }) => {
      const lasting = alarms.open().find((incident) => incident.id === id);
      if (lasting !== undefined) return alarmView(lasting);
      const stored = await fromStore(store.document(INCIDENTS, id));
      if (stored === undefined)
        throw new Problem(404, "unknown-alarm", `there is no alarm ${id}: GET /api/v1/alarms lists them`);
      return alarmView(decodeIncident(stored.text));
    },
  );

  app.post<{ Params: { id: string }; Body: { note?: string } }>(
    "/alarms/:id/acknowledgement",
    {
      schema: {
        operationId: "acknowledgeAlarm",
        summary: "Note that a person has seen an alarm that lasts",
        description: "It goes on to last until its cause is gone. The audit says who it was.",
        tags: ["alarms"],
        params: alarmParams,
        body: acknowledgeBody,
        response: responses({ 200: answers.alarm }, 404, 413, 415),
      },
    },
    async (request) => {
      const { id } = request.params;
      const { note = "" } = request.body;
      const result = await submit({ kind: "acknowledge", incident: id, note, actor: actorOf(request) });
      if (!result.ok) throw refused(result.error);
      assert(result.value.kind === "acknowledge", "an acknowledgement is answered by its receipt");
      return alarmView(result.value.incident);
    },
  );
}

/** What lasts is newer in memory than in the store. */
function newestFirst(incidents: readonly Incident[], before: string | null): readonly Incident[] {
  const byId = new Map<string, Incident>();
  for (const incident of incidents)
    if (!byId.has(incident.id) && (before === null || incident.id < before)) byId.set(incident.id, incident);
  return [...byId.values()].sort((a, b) => (a.id > b.id ? -1 : 1));
}

async function storedIncidents(store: StoreQuery, before: string | null, limit: number): Promise<readonly Incident[]> {
  const found = await fromStore(store.documents(INCIDENTS, before, "down", limit));
  return found.map(({ text }) => decodeIncident(text));
}
