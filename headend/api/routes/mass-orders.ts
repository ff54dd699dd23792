/** Mass orders: asking for one, deciding on it, and following it. */
import type { FastifyInstance } from "fastify";
import { assert } from "../../../src/core/result.ts";
import {
  MASS_DECISIONS,
  MASS_OPERATIONS,
  MASS_ORDERS,
  MASS_STATES,
  type MassDecision,
  type MassRequest,
  massOrderCodec,
} from "../../commands/mass-order.ts";
import type { MeterId } from "../../ports.ts";
import { massView } from "../../view.ts";
import { type ApiOptions, actorOf } from "../context.ts";
import { readCursor, writeCursor } from "../cursor.ts";
import { fromStore, Problem, refused } from "../problems.ts";
import { integer, list, meterId, next, orNull, pageQuery, record, responses, text, time } from "../schemas.ts";

const id = {
  type: "string",
  description:
    "the name of the mass order, chosen by whoever asks for it: 1 to 64 letters, digits, dots, dashes and underlines; the " +
    "same again is the same mass order",
  pattern: "^[A-Za-z0-9_.-]{1,64}$",
};
const body = record(
  {
    id,
    operation: { description: `one of ${MASS_OPERATIONS.join(", ")}`, enum: MASS_OPERATIONS },
    meters: { ...list(meterId), description: "the meters, each by its id", maxItems: 5_000 },
    model: { ...text, description: "only those of this model" },
    via: { ...text, description: "only those on this line; mqtt: those on the broker" },
    all: { const: true, description: "all meters that can be switched" },
    note: { ...text, description: "why, for the audit: at most 500 characters", maxLength: 500 },
  },
  ["meters", "model", "via", "all", "note"],
);
const mass = record({
  ...{ id: text, operation: { enum: MASS_OPERATIONS }, state: { enum: MASS_STATES }, why: text, requester: text },
  ...{ note: text, requestedAt: time, persons: integer, approvedBy: list(text), perMinute: integer },
  ...{ stopPercent: integer, stopWindow: integer, total: integer, issued: integer, open: integer, skipped: integer },
  ends: record({ done: integer, failed: integer, expired: integer, refused: integer, cancelled: integer }),
  finishedAt: orNull(time),
});

interface Body extends Pick<MassRequest, "id" | "operation"> {
  readonly meters?: readonly MeterId[];
  readonly model?: string;
  readonly via?: string;
  readonly all?: true;
  readonly note?: string;
}

export function massOrderRoutes(app: FastifyInstance, options: ApiOptions): void {
  askingRoutes(app, options);
  decidingRoutes(app, options);
  followingRoutes(app, options);
}

function askingRoutes(app: FastifyInstance, { submit }: ApiOptions): void {
  app.post<{ Body: Body }>(
    "/mass-orders",
    {
      schema: {
        operationId: "createMassOrder",
        summary: "Open or close the relays of many meters, or allow their closing",
        description:
          "Nothing is sent until another person has approved it. Its orders are then given one after the other at the " +
          "configured rate; it stops by itself when too many of them come to nothing.",
        tags: ["orders"],
        body,
        response: responses({ 200: mass, 202: mass }, 404, 409, 413, 415, 422),
      },
    },
    async (request, reply) => {
      const { id, operation, note = "" } = request.body;
      const selection = selectionOf(request.body);
      const result = await submit({ kind: "mass", id, operation, selection, note, actor: actorOf(request) });
      if (!result.ok) throw refused(result.error);
      assert(result.value.kind === "mass", "a mass order is answered by its receipt");
      return reply.code(result.value.created ? 202 : 200).send(massView(result.value.mass));
    },
  );
}

const DECISIONS: Readonly<Record<MassDecision["decision"], readonly [string, string]>> = {
  approve: ["Approve a mass order", "Who requested it can't approve it. With enough persons it runs."],
  reject: ["Reject a mass order", "It is over, and nothing was sent."],
  stop: ["Stop a mass order", "What was not sent waits; what is with a meter already runs to its end."],
  resume: ["Resume a mass order", "It goes on where it was."],
  cancel: ["Cancel a mass order", "What was not sent is cancelled, for good."],
};

function decidingRoutes(app: FastifyInstance, { submit }: ApiOptions): void {
  for (const decision of MASS_DECISIONS) {
    const [summary, description] = DECISIONS[decision];
    app.post<{ Params: { id: string } }>(
      `/mass-orders/:id/${decision}`,
      {
        config: { scope: decision === "approve" || decision === "reject" ? "approve" : "operate" },
        schema: {
          operationId: `${decision}MassOrder`,
          ...{ summary, description, tags: ["orders"], params: record({ id }) },
          response: responses({ 200: mass }, 403, 404, 409),
        },
      },
      async (request) => {
        const result = await submit({ kind: "decide-mass", id: request.params.id, decision, actor: actorOf(request) });
        if (!result.ok) throw refused(result.error);
        assert(result.value.kind === "mass", "a decision is answered by the mass order");
        return massView(result.value.mass);
      },
    );
  }
}

function selectionOf({ meters, model, via, all }: Body): MassRequest["selection"] {
  // Nobody switches all meters by having forgotten which.
  if ([meters, model ?? via, all].filter((way) => way !== undefined).length !== 1)
    throw new Problem(400, "bad-request", 'body: give one of "meters", "all", or "model" and "via"');
  return {
    ...(meters === undefined ? {} : { meters }),
    ...(model === undefined ? {} : { model }),
    ...(via === undefined ? {} : { via }),
  };
}

function followingRoutes(app: FastifyInstance, { store }: ApiOptions): void {
  app.get<{ Params: { id: string } }>(
    "/mass-orders/:id",
    {
      schema: {
        operationId: "getMassOrder",
        summary: "How far a mass order is",
        tags: ["orders"],
        params: record({ id }),
        response: responses({ 200: mass }, 404),
      },
    },
    async ({ params: { id } }) => {
      const document = await fromStore(store.document(MASS_ORDERS, id));
      if (document === undefined) throw new Problem(404, "unknown-order", `there is no mass order "${id}"`);
      return massView(massOrderCodec.decode(document.text));
    },
  );

  app.get<{ Querystring: { limit: number; cursor?: string } }>(
    "/mass-orders",
    {
      schema: {
        operationId: "listMassOrders",
        summary: "All mass orders, by name",
        tags: ["orders"],
        querystring: pageQuery,
        response: responses({ 200: record({ massOrders: list(mass), next }) }),
      },
    },
    async ({ query: { limit, cursor } }) => {
      const after = cursor === undefined ? null : readCursor(MASS_ORDERS, cursor);
      const found = await fromStore(store.documents(MASS_ORDERS, after, "up", limit + 1));
      const last = found.length > limit ? found[limit - 1] : undefined;
      return {
        massOrders: found.slice(0, limit).map(({ text }) => massView(massOrderCodec.decode(text))),
        next: last === undefined ? null : writeCursor(MASS_ORDERS, last.key),
      };
    },
  );
}
