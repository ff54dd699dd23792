/** The API over a store that answers from plain data, and a check of every answer against the published description. */
import { Ajv2020 } from "ajv/dist/2020.js";
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from "fastify";
import { expect } from "vitest";
import { buildApi } from "../../../headend/api/api.ts";
import type { ApiOptions, ApiRequest } from "../../../headend/api/context.ts";
import { NoticeFeed } from "../../../headend/notice-feed.ts";
import type { Receipt, Refusal, StoreQuery } from "../../../headend/ports.ts";
import { minor } from "../../../src/core/money.ts";
import type { Result } from "../../../src/core/result.ts";
import { civil } from "../../../src/core/time.ts";
import { account, audit, meterId, order, orderNumber, posting, reading } from "../../contracts/store.ts";

export const TOKEN = "0123456789abcdef0123456789abcdef";
/** 2026-11-24T16:00:00Z. */
export const NOW = civil(1_795_536_000_000_000);

const METERS = ["a", "b", "prepaid"].map((id) => ({
  id: meterId(id),
  model: "meterworks-1p",
  ratio: 1,
  via: "line bus-1 unit 3",
}));
const READINGS = [0, 1, 2, 3, 4].map((s) =>
  reading("a", s, {
    source: "mqtt",
    sequence: s,
    values: { activeEnergyImport: 12_345_678, voltageL1: 230_100, activePower: -2_760_000, frequency: null },
  }),
);

/** What the fake store knows, in the order the port promises. */
export function fakeStore(change: Partial<StoreQuery> = {}): StoreQuery {
  const charge = posting("c1", "prepaid", { kind: "charge", amount: minor(3n), energyTo: 95_238 });
  const orders = [order(8, "a", { state: "done", outcome: "done", relayReadBack: 0 }), order(7, "a")];
  return {
    meters: async () => METERS,
    meter: async (id) => METERS.find((m) => m.id === id),
    readings: async (meter, from, to, limit) =>
      READINGS.filter((r) => r.meter === meter && r.time >= from && r.time < to).slice(0, limit),
    latest: async (meter) => READINGS.filter((r) => r.meter === meter).at(-1),
    order: async (id) => orders.find((o) => o.id === id),
    orders: async (meter, limit, before = orderNumber(99)) =>
      orders.filter((o) => o.meter === meter && o.id < before).slice(0, limit),
    account: async (meter) =>
      meter === "prepaid" ? account("prepaid", { charged: minor(1203n), energyFrom: 0, energyTo: 95_238 }) : undefined,
    accounts: async () => [account("prepaid")],
    postings: async (meter, limit, before) => {
      const all = meter === "prepaid" ? [charge, posting("t1", "prepaid")] : [];
      return all.slice(1 + all.findIndex(({ key }) => key === before)).slice(0, limit);
    },
    audit: async (limit, before = 99) =>
      [audit("b", { meter: meterId("a"), order: orderNumber(7) }), audit("a")]
        .map((entry, i) => ({ ...entry, number: 2 - i }))
        .filter(({ number }) => number < before)
        .slice(0, limit),
    document: async () => undefined,
    documents: async () => [],
    counts: async () => ({ modbus: 3, mqtt: 5, profile: 0 }),
    ...change,
  };
}

export interface Fixture {
  readonly app: FastifyInstance;
  /** What was asked of the collector. */
  readonly asked: ApiRequest[];
  readonly logged: unknown[];
  /** With the token, and the answer checked against the description. */
  call(options: InjectOptions): Promise<LightMyRequestResponse>;
}

type Reply = Result<Receipt, Refusal>;

export async function fixture(
  reply: (request: ApiRequest) => Reply | Promise<Reply> = () => expect.fail("nothing should reach the collector"),
  change: Partial<ApiOptions> = {},
): Promise<Fixture> {
  const asked: ApiRequest[] = [];
  const logged: unknown[] = [];
  const app = buildApi({
    store: fakeStore(),
    token: TOKEN,
    now: () => NOW,
    version: "1.2.3",
    metrics: async () => "up 1\n",
    readiness: async () => [],
    alarms: { open: () => [], unlisted: 0, places: () => [] },
    events: new NoticeFeed("run"),
    status: () => ({ lines: [{ link: "bus-1", open: true }] }),
    log: (entry) => logged.push(entry),
    submit: async (request) => {
      asked.push(request);
      return reply(request);
    },
    ...change,
  });
  await app.ready();
  const check = answerChecker((await app.inject("/openapi.json")).json());
  const call = async (options: InjectOptions) => {
    const headers = { authorization: `Bearer ${TOKEN}`, ...options.headers };
    const answer = await app.inject({ ...options, headers });
    check(options, answer);
    return answer;
  };
  return { app, asked, logged, call };
}

interface Described {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly responses: Responses }>>>>;
}
type Responses = Readonly<Record<string, { readonly content?: Readonly<Record<string, unknown>> }>>;

/** Fails where an answer is not what the description says for its route and status. */
function answerChecker(description: Described): (request: InjectOptions, answer: LightMyRequestResponse) => void {
  const ajv = new Ajv2020({ strict: false });
  ajv.addSchema(description, "api");
  const escaped = (part: string) =>
    part.replaceAll("~", "~0").replaceAll("/", "~1").replaceAll("{", "%7B").replaceAll("}", "%7D");
  return ({ method = "GET", url }, answer) => {
    const path = String(url).split("?")[0] as string;
    const template = Object.keys(description.paths).find((t) =>
      new RegExp(`^${t.replace(/\{\w+\}/g, "[^/]+")}$`).test(path),
    );
    if (template === undefined) return;
    const type = String(answer.headers["content-type"]).split(";")[0] as string;
    const content = description.paths[template]?.[method.toLowerCase()]?.responses[answer.statusCode]?.content?.[type];
    expect(content, `${method} ${template} describes ${answer.statusCode} ${type}`).toBeDefined();
    const pointer = [
      "paths",
      template,
      method.toLowerCase(),
      "responses",
      String(answer.statusCode),
      "content",
      type,
      "schema",
    ];
    const validate = ajv.compile({ $ref: `api#/${pointer.map(escaped).join("/")}` });
    expect(
      validate(type === "text/plain" ? answer.body : answer.json()),
      `${answer.body}\n${ajv.errorsText(validate.errors)}`,
    ).toBe(true);
  };
}
