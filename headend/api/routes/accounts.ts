/** Prepaid accounts: how they stand, what was booked, and top-ups. */
import type { FastifyInstance } from "fastify";
import { parseDecimal } from "../../../src/core/decimal.ts";
import { currencyOf, type Minor, minor } from "../../../src/core/money.ts";
import { assert } from "../../../src/core/result.ts";
import type { MeterId, PrepaidAccount, StoreQuery } from "../../ports.ts";
import { accountView, postingView, topupView } from "../../view.ts";
import { type ApiOptions, actorOf, knownMeter } from "../context.ts";
import { pageOf, readCursor } from "../cursor.ts";
import { fromStore, Problem, refused } from "../problems.ts";
import { answers, meterParams, pageQuery, responses, topupBody } from "../schemas.ts";

interface TopupBody {
  readonly amount: string;
  readonly currency: string;
  readonly key: string;
}

export function accountRoutes(app: FastifyInstance, { store, submit }: ApiOptions): void {
  app.get<{ Params: { id: MeterId } }>(
    "/meters/:id/account",
    {
      schema: {
        operationId: "getAccount",
        summary: "The prepaid account of a meter",
        tags: ["accounts"],
        params: meterParams,
        response: responses({ 200: answers.account }, 404),
      },
    },
    async ({ params: { id } }) => accountView(await knownAccount(store, id)),
  );

  app.get<{ Params: { id: MeterId }; Querystring: { limit: number; cursor?: string } }>(
    "/meters/:id/postings",
    {
      schema: {
        operationId: "listPostings",
        summary: "Top-ups and charges of a meter, newest first",
        tags: ["accounts"],
        params: meterParams,
        querystring: pageQuery,
        response: responses({ 200: answers.postings }, 404),
      },
    },
    async ({ params: { id }, query: { limit, cursor } }) => {
      const { currency } = await knownAccount(store, id);
      const list = `postings ${id}`;
      const before = cursor === undefined ? undefined : readCursor(list, cursor);
      const found = await fromStore(store.postings(id, limit + 1, before));
      const { items, next } = pageOf(list, found, limit, ({ key }) => key);
      return { postings: items.map((posting) => postingView(posting, currency)), next };
    },
  );

  app.post<{ Params: { id: MeterId }; Body: TopupBody }>(
    "/meters/:id/topups",
    {
      schema: {
        operationId: "topUp",
        summary: "Raise the balance of a prepaid meter",
        description:
          "Answered after the booking is stored: 201 when it was booked now, 200 when this key was booked before. " +
          "Where no answer arrives, repeat with the same key; a new key would be a second top-up.",
        tags: ["accounts"],
        params: meterParams,
        body: topupBody,
        response: responses({ 200: answers.topup, 201: answers.topup }, 404, 409, 413, 415, 422, 429),
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const { amount, currency, key } = request.body;
      const money = parseMoney(amount, currency);
      await checkCurrency(store, id, currency);
      const result = await submit({ kind: "topup", meter: id, amount: money, key, actor: actorOf(request) });
      if (!result.ok) throw refused(result.error);
      assert(result.value.kind === "topup", "a top-up is answered by its receipt");
      return reply.code(result.value.booked ? 201 : 200).send(topupView(result.value));
    },
  );
}

async function knownAccount(store: StoreQuery, id: MeterId): Promise<PrepaidAccount> {
  await knownMeter(store, id);
  const account = await fromStore(store.account(id));
  if (account === undefined) throw new Problem(404, "not-prepaid", `meter "${id}" has no prepaid account`);
  return account;
}

function parseMoney(amount: string, code: string): Minor {
  const parsed = parseDecimal(amount, currencyOf(code).decimals);
  if (!parsed.ok) throw new Problem(422, "bad-amount", `${parsed.error}, and ${code} has no more: round the amount`);
  return minor(parsed.value);
}

/** Without an account the collector says which is wrong: there is no such meter, or it is not prepaid. */
async function checkCurrency(store: StoreQuery, id: MeterId, currency: string): Promise<void> {
  const account = await fromStore(store.account(id));
  if (account !== undefined && account.currency !== currency)
    throw new Problem(
      422,
      "wrong-currency",
      `the account of "${id}" is kept in ${account.currency}: give the amount in ${account.currency}, not in ${currency}`,
    );
}
