/** How much of the time meters could be reached. */
import type { FastifyInstance } from "fastify";
import { type Civil, civil, MICROS_PER_SECOND, SECONDS_PER_DAY, toIso } from "../../../src/core/time.ts";
import { CONTACTS } from "../../alarms/alarms.ts";
import { availability, type By, type History } from "../../alarms/availability.ts";
import { decodeIncident, INCIDENTS, type Incident } from "../../alarms/incident.ts";
import { decodeRun, RUNS } from "../../alarms/runs.ts";
import type { StoredDocument, StoreQuery } from "../../ports.ts";
import { availabilityView } from "../../view.ts";
import type { ApiOptions } from "../context.ts";
import { pageOf, readCursor } from "../cursor.ts";
import { fromStore, Problem } from "../problems.ts";
import { answers, availabilityQuery, responses } from "../schemas.ts";
import { timeOf } from "./times.ts";

interface AvailabilityQuery {
  readonly by: By;
  readonly from?: string;
  readonly to?: string;
  readonly limit: number;
  readonly cursor?: string;
}

const PAGE = 1_000;
const DEFAULT_PERIOD = 30 * SECONDS_PER_DAY * MICROS_PER_SECOND;

export function availabilityRoutes(app: FastifyInstance, { store, alarms, now }: ApiOptions): void {
  app.get<{ Querystring: AvailabilityQuery }>(
    "/availability",
    {
      schema: {
        operationId: "getAvailability",
        summary: "How much of the time meters could be reached, by meter, line or site",
        description:
          "Counted is the time from a meter's first contact on in which a head-end ran. A line's or site's figures are the " +
          "sums over its meters. MTBF is the time up and MTTR the time down, each divided by the number of outages.",
        tags: ["alarms"],
        querystring: availabilityQuery,
        response: responses({ 200: answers.availability }),
      },
    },
    async ({ query: { by, from, to, limit, cursor } }) => {
      const at = now();
      const end = to === undefined ? at : timeOf("to", to);
      const start = from === undefined ? civil(end - DEFAULT_PERIOD) : timeOf("from", from);
      if (start >= end) throw new Problem(400, "bad-request", 'query: "from" must be before "to"');
      const list = `availability ${by}`;
      const after = cursor === undefined ? "" : readCursor(list, cursor);
      const places = alarms.places().filter(({ meter }) => by !== "meter" || meter > after);
      const history = await historyUntil(store, alarms.open(), end, at);
      const rows = availability(by, places, history, { from: start, to: end }, at).filter(({ name }) => name > after);
      const { items, next } = pageOf(list, rows, limit, ({ name }) => name);
      return { by, from: toIso(start), to: toIso(end), rows: items.map(availabilityView), next };
    },
  );
}

/** The newest run is this process: it lasts until now. */
async function historyUntil(store: StoreQuery, open: readonly Incident[], to: Civil, now: Civil): Promise<History> {
  const incidents = new Map<string, Incident>();
  for (const incident of [...(await all(store, INCIDENTS)).map(({ text }) => decodeIncident(text)), ...open])
    if (incident.since < to) incidents.set(incident.id, incident);
  const runs = (await all(store, RUNS)).map(({ text }) => decodeRun(text));
  const contacts = (await all(store, CONTACTS)).map(
    ({ key, text }) => [key, (JSON.parse(text) as { at: Civil }).at] as const,
  );
  return {
    runs: runs.map((run, i) => (i === runs.length - 1 ? { ...run, seen: now } : run)),
    incidents: [...incidents.values()],
    contacts: new Map(contacts),
  };
}

async function all(store: StoreQuery, collection: string): Promise<readonly StoredDocument[]> {
  const found: StoredDocument[] = [];
  for (let after: string | null = null; ; ) {
    const page: readonly StoredDocument[] = await fromStore(store.documents(collection, after, "up", PAGE));
    found.push(...page);
    if (page.length < PAGE) return found;
    after = page.at(-1)?.key ?? null;
  }
}
