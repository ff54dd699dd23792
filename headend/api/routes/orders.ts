/** Orders to meters: asking for one, and following it. */
import type { FastifyInstance } from "fastify";
import type { OrderNumber, OrderOperation } from "../../../protocols/orders.ts";
import { parseDecimal } from "../../../src/core/decimal.ts";
import { currencyOf, minor } from "../../../src/core/money.ts";
import { assert } from "../../../src/core/result.ts";
import type { MeterId, Precondition, StoreQuery } from "../../ports.ts";
import { orderReceiptView, orderView } from "../../view.ts";
import { type ApiOptions, actorOf, knownMeter } from "../context.ts";
import { pageOf, readCursor } from "../cursor.ts";
import { fromStore, Problem, refused } from "../problems.ts";
import { answers, meterParams, orderBody, orderParams, ordersQuery, responses } from "../schemas.ts";
import { timeOf } from "./times.ts";

interface OrderBody {
  readonly operation: OrderOperation;
  readonly argument?: number;
  readonly key: string;
  readonly expiresAt?: string;
  readonly precondition?: { readonly relay?: "open" | "closed"; readonly balanceAtMost?: string };
}

export function orderRoutes(app: FastifyInstance, options: ApiOptions): void {
  askingRoutes(app, options);
  decidingRoutes(app, options);
  followingRoutes(app, options);
}

function askingRoutes(app: FastifyInstance, { store, submit }: ApiOptions): void {
  app.post<{ Params: { id: MeterId }; Body: OrderBody }>(
    "/meters/:id/orders",
    {
      schema: {
        operationId: "createOrder",
        summary: "Open or close the relay, allow its closing by the button, or set the clock",
        description:
          "Answered once the order is stored, before the meter has it: 202 for a new order, 200 when this key was used for " +
          "it before. Follow it at GET /api/v1/orders/{id}: `done` means that the meter was read back after it. Where the " +
          "configuration asks for more persons it stays `requested` until they have approved it.",
        tags: ["orders"],
        params: meterParams,
        body: orderBody,
        response: responses({ 200: answers.orderReceipt, 202: answers.orderReceipt }, 404, 409, 413, 415, 422, 429),
      },
    },
    async (request, reply) => {
      const { params, body } = request;
      const { operation, key } = body;
      const result = await submit({
        ...{ kind: "order", meter: params.id, operation, argument: argumentOf(body), key, actor: actorOf(request) },
        ...(body.expiresAt === undefined ? {} : { expiresAt: timeOf("expiresAt", body.expiresAt, "body") }),
        ...(body.precondition === undefined
          ? {}
          : { precondition: await preconditionOf(store, params.id, body.precondition) }),
      });
      if (!result.ok) throw refused(result.error);
      assert(result.value.kind === "order", "an order is answered by its receipt");
      const { order, created } = result.value;
      reply.header("location", `/api/v1/orders/${order.id}`);
      return reply.code(created ? 202 : 200).send(orderReceiptView(result.value));
    },
  );
}

const DECISIONS = {
  approve: ["Approve an order", "For an order that is `requested`; who requested it can't approve it."],
  reject: ["Reject an order", "For an order that is `requested`: it is refused and never sent."],
  cancel: ["Cancel an order", "Possible until it is sent: after that it may have been carried out."],
} as const;

function decidingRoutes(app: FastifyInstance, { submit }: ApiOptions): void {
  for (const decision of ["approve", "reject", "cancel"] as const) {
    const [summary, description] = DECISIONS[decision];
    app.post<{ Params: { id: string } }>(
      `/orders/:id/${decision}`,
      {
        config: { scope: decision === "cancel" ? "operate" : "approve" },
        schema: {
          operationId: `${decision}Order`,
          ...{ summary, description, tags: ["orders"], params: orderParams },
          response: responses({ 200: answers.order }, 403, 404, 409),
        },
      },
      async (request) => {
        const order = orderNumberOf(request.params.id);
        const result = await submit({ kind: "decide-order", order, decision, actor: actorOf(request) });
        if (!result.ok) throw refused(result.error);
        assert(result.value.kind === "order", "a decision is answered by the order's receipt");
        return orderView(result.value.order);
      },
    );
  }
}

function followingRoutes(app: FastifyInstance, { store }: ApiOptions): void {
  app.get<{ Params: { id: string } }>(
    "/orders/:id",
    {
      schema: {
        operationId: "getOrder",
        summary: "One order",
        tags: ["orders"],
        params: orderParams,
        response: responses({ 200: answers.order }, 404),
      },
    },
    async ({ params: { id } }) => {
      const order = await fromStore(store.order(orderNumberOf(id)));
      if (order === undefined) throw unknownOrder(id);
      return orderView(order);
    },
  );

  app.get<{ Querystring: { meter: MeterId; limit: number; cursor?: string } }>(
    "/orders",
    {
      schema: {
        operationId: "listOrders",
        summary: "The orders of a meter, newest first",
        tags: ["orders"],
        querystring: ordersQuery,
        response: responses({ 200: answers.orders }, 404),
      },
    },
    async ({ query: { meter, limit, cursor } }) => {
      const list = `orders ${meter}`;
      const before = cursor === undefined ? undefined : (Number(readCursor(list, cursor)) as OrderNumber);
      await knownMeter(store, meter);
      const found = await fromStore(store.orders(meter, limit + 1, before));
      const { items, next } = pageOf(list, found, limit, ({ id }) => String(id));
      return { orders: items.map(orderView), next };
    },
  );
}

function unknownOrder(id: string): Problem {
  return new Problem(404, "unknown-order", `there is no order ${id}: GET /api/v1/orders?meter=ID lists a meter's`);
}

function orderNumberOf(id: string): OrderNumber {
  const number = Number(id);
  if (!Number.isSafeInteger(number)) throw unknownOrder(id);
  return number as OrderNumber;
}

/** The balance is in the currency of the meter's account. */
async function preconditionOf(
  store: StoreQuery,
  meter: MeterId,
  { relay, balanceAtMost }: NonNullable<OrderBody["precondition"]>,
): Promise<Precondition> {
  const ofRelay = relay === undefined ? {} : { relay };
  if (balanceAtMost === undefined) return ofRelay;
  const account = await fromStore(store.account(meter));
  if (account === undefined)
    throw new Problem(422, "bad-precondition", `${meter} has no prepaid account whose balance could be a precondition`);
  const amount = parseDecimal(balanceAtMost, currencyOf(account.currency).decimals);
  if (!amount.ok) throw new Problem(400, "bad-request", `body: "precondition.balanceAtMost": ${amount.error}`);
  return { ...ofRelay, balanceAtMost: { amount: minor(amount.value), currency: account.currency } };
}

function argumentOf({ operation, argument }: OrderBody): number {
  if ((operation === "clock-set") === (argument !== undefined)) return argument ?? 0;
  const detail =
    operation === "clock-set"
      ? 'body: "argument" is missing: clock-set needs the time, in whole seconds since 1970 in UTC'
      : `body: "argument" belongs to clock-set only: leave it out for ${operation}`;
  throw new Problem(400, "bad-request", detail);
}
