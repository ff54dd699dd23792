/** Orders to meters: asking for one, and following it. */
import type { FastifyInstance } from "fastify";
import type { OrderNumber, OrderOperation } from "../../../protocols/orders.ts";
import { assert } from "../../../src/core/result.ts";
import type { MeterId } from "../../ports.ts";
import { orderReceiptView, orderView } from "../../view.ts";
import { type ApiOptions, actorOf, knownMeter } from "../context.ts";
import { fromStore, Problem, refused } from "../problems.ts";
import { answers, meterParams, orderBody, orderParams, ordersQuery, responses } from "../schemas.ts";

interface OrderBody {
  readonly operation: OrderOperation;
  readonly argument?: number;
  readonly key: string;
}

export function orderRoutes(app: FastifyInstance, { store, submit }: ApiOptions): void {
  app.post<{ Params: { id: MeterId }; Body: OrderBody }>(
    "/meters/:id/orders",
    {
      schema: {
        operationId: "createOrder",
        summary: "Open or close the relay, or set the clock",
        description:
          "Answered once the order is stored, before the meter has it: 202 for a new order, 200 when this key was used for " +
          "it before. Follow it at GET /api/v1/orders/{id}: `done` means that the meter was read back after it.",
        tags: ["orders"],
        params: meterParams,
        body: orderBody,
        response: responses({ 200: answers.orderReceipt, 202: answers.orderReceipt }, 404, 409, 413, 415, 422, 429),
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const { body } = request;
      const { operation, key } = body;
      const argument = argumentOf(body);
      const result = await submit({ kind: "order", meter: id, operation, argument, key, actor: actorOf(request) });
      if (!result.ok) throw refused(result.error);
      assert(result.value.kind === "order", "an order is answered by its receipt");
      const { order, created } = result.value;
      reply.header("location", `/api/v1/orders/${order.id}`);
      return reply.code(created ? 202 : 200).send(orderReceiptView(result.value));
    },
  );

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
      const number = Number(id);
      const order = Number.isSafeInteger(number) ? await fromStore(store.order(number as OrderNumber)) : undefined;
      if (order === undefined)
        throw new Problem(404, "unknown-order", `there is no order ${id}: GET /api/v1/orders?meter=ID lists a meter's`);
      return orderView(order);
    },
  );

  app.get<{ Querystring: { meter: MeterId; limit: number } }>(
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
    async ({ query: { meter, limit } }) => {
      await knownMeter(store, meter);
      return { orders: (await fromStore(store.orders(meter, limit))).map(orderView) };
    },
  );
}

function argumentOf({ operation, argument }: OrderBody): number {
  if ((operation === "clock-set") === (argument !== undefined)) return argument ?? 0;
  const detail =
    operation === "clock-set"
      ? 'body: "argument" is missing: clock-set needs the time, in whole seconds since 1970 in UTC'
      : `body: "argument" belongs to clock-set only: leave it out for ${operation}`;
  throw new Problem(400, "bad-request", detail);
}
