/** The registry: what is known of each meter, commissioning, exchange of devices, import and export. */
import type { FastifyInstance } from "fastify";
import { measure, parseShownValue } from "../../../src/core/measures.ts";
import { assert } from "../../../src/core/result.ts";
import type { MeterId } from "../../ports.ts";
import type { RegistryPatch } from "../../registry/columns.ts";
import { CSV_HEADER, csvOf, parseTable } from "../../registry/csv.ts";
import type { RegistryState } from "../../registry/entry.ts";
import type { PatchOutcome, RegistryReceipt } from "../../registry/requests.ts";
import { exchangeView, patchOf, type RegistryBody, registryView } from "../../registry/view.ts";
import { type ApiOptions, actorOf } from "../context.ts";
import { Problem, refused } from "../problems.ts";
import { registryFrom, registryMeter, registryPage } from "../registry-reads.ts";
import {
  exchangeBody,
  importBody,
  LONGEST_TABLE,
  proposalsBody,
  registryAnswers,
  registryBody,
  registryQuery,
} from "../registry-schemas.ts";
import { meterParams, responses } from "../schemas.ts";
import { timeOf } from "./times.ts";

interface ExchangeBody {
  readonly at?: string;
  readonly closing?: string;
  readonly opening: string;
  readonly serial?: string;
  readonly model?: string;
  readonly key: string;
}

interface Proposal {
  readonly id: MeterId;
  readonly where: string;
  readonly model: string;
  readonly serial?: string | null;
  readonly note?: string;
}

type Submit = ApiOptions["submit"];
/** UTF-8 takes up to three bytes for a character of JavaScript, JSON up to six. */
const TABLE_BODY_BYTES = 6 * LONGEST_TABLE;
const CSV_TYPE = "text/csv";

export function registryRoutes(app: FastifyInstance, { store, submit }: ApiOptions): void {
  app.get<{ Querystring: { limit: number; cursor?: string; state?: RegistryState } }>(
    "/registry",
    {
      schema: {
        operationId: "listRegistry",
        summary: "What is known of each meter, by id",
        tags: ["registry"],
        querystring: registryQuery,
        response: responses({ 200: registryAnswers.page }),
      },
    },
    async ({ query }) => {
      const { meters, next } = await registryPage(store, query);
      return { meters: meters.map(registryView), next };
    },
  );

  app.get<{ Params: { id: MeterId } }>(
    "/registry/:id",
    {
      schema: {
        operationId: "getRegistryMeter",
        summary: "What is known of one meter, with the devices it had",
        tags: ["registry"],
        params: meterParams,
        response: responses({ 200: registryAnswers.meter }, 404),
      },
    },
    async ({ params: { id } }) => registryView(await registryMeter(store, id)),
  );

  app.put<{ Params: { id: MeterId }; Body: RegistryBody }>(
    "/registry/:id",
    {
      schema: {
        operationId: "putRegistryMeter",
        summary: "Say what a meter is; accept, hold or remove it",
        description: "Members that are left out stay as they are. 201 where the meter was not known before.",
        tags: ["registry"],
        params: meterParams,
        body: registryBody,
        response: responses(
          { 200: registryAnswers.changed, 201: registryAnswers.changed },
          404,
          409,
          413,
          415,
          422,
          429,
        ),
      },
    },
    async (request, reply) => {
      const {
        params: { id },
        body,
      } = request;
      const patch = patchOf(id, body);
      if (!patch.ok) throw new Problem(422, "not-acceptable", patch.error);
      const { outcomes } = await change(submit, actorOf(request), [patch.value], {});
      const [outcome] = outcomes as [PatchOutcome];
      if (outcome.outcome === "refused") throw new Problem(422, "not-acceptable", mistakesText(outcome));
      const meter = registryView(await registryMeter(store, id));
      return reply
        .code(outcome.outcome === "new" ? 201 : 200)
        .send({ meter, outcome: outcome.outcome, changes: outcome.changes });
    },
  );

  exchangeRoute(app, submit);
  tableRoutes(app, { store, submit });
  proposalRoutes(app, submit);
}

function exchangeRoute(app: FastifyInstance, submit: Submit): void {
  app.post<{ Params: { id: MeterId }; Body: ExchangeBody }>(
    "/registry/:id/exchanges",
    {
      schema: {
        operationId: "exchangeMeter",
        summary: "Another device at the same metering point, with closing and opening read",
        description: "201 when it is recorded now, 200 when this key recorded it before.",
        tags: ["registry"],
        params: meterParams,
        body: exchangeBody,
        response: responses(
          { 200: registryAnswers.exchanged, 201: registryAnswers.exchanged },
          ...[404, 409, 413, 415, 422, 429],
        ),
      },
    },
    async (request, reply) => {
      const {
        params: { id },
        body,
      } = request;
      const { serial, model, key } = body;
      const closing = body.closing === undefined ? null : energyOf("closing", body.closing);
      const wish = {
        meter: id,
        at: body.at === undefined ? null : timeOf("at", body.at, "body"),
        closing,
        key,
        actor: actorOf(request),
      };
      const opening = energyOf("opening", body.opening);
      const result = await submit({ kind: "exchange", ...wish, opening, serial: serial ?? null, model: model ?? null });
      if (!result.ok) throw refused(result.error);
      assert(result.value.kind === "exchange", "an exchange is answered by its receipt");
      const { exchange, created, meter } = result.value;
      return reply.code(created ? 201 : 200).send({ meter, created, exchange: exchangeView(exchange) });
    },
  );
}

function tableRoutes(app: FastifyInstance, { store, submit }: Pick<ApiOptions, "store" | "submit">): void {
  app.get(
    "/registry.csv",
    {
      schema: {
        operationId: "exportRegistry",
        summary: "The registry as comma-separated values (RFC 4180)",
        tags: ["registry"],
        response: {
          ...responses({}),
          200: {
            description: "a header line, then a line for each meter",
            content: { [CSV_TYPE]: { schema: { type: "string" } } },
          },
        },
      },
    },
    async (_request, reply) => {
      const lines = [CSV_HEADER];
      for await (const meter of registryFrom(store, "")) lines.push(csvOf(meter));
      return reply.type(`${CSV_TYPE}; charset=utf-8; header=present`).send(`${lines.join("\r\n")}\r\n`);
    },
  );

  app.post<{ Body: { csv: string; partial?: boolean; dryRun?: boolean } }>(
    "/registry-import",
    {
      bodyLimit: TABLE_BODY_BYTES,
      schema: {
        operationId: "importRegistry",
        summary: "Take over a table as the export writes it",
        description:
          "Columns that are left out stay as they are, empty cells mean `none`. Nothing is changed where any line is wrong, " +
          "unless `partial` is true: look at `applied`.",
        tags: ["registry"],
        body: importBody,
        response: responses({ 200: registryAnswers.imported }, 413, 415, 429),
      },
    },
    async (request) => {
      const { csv, partial = false, dryRun = false } = request.body;
      const { rows, mistakes } = parseTable(csv);
      const held = mistakes.length > 0 && !partial;
      const receipt = await change(
        submit,
        actorOf(request),
        rows.map(({ patch }) => patch),
        { partial, dryRun: dryRun || held },
      );
      const { outcomes } = receipt;
      const wrong = outcomes.flatMap(({ mistakes }, i) =>
        mistakes.map((mistake) => ({ line: rows[i]?.line ?? 0, ...mistake })),
      );
      const count = (what: PatchOutcome["outcome"]) => outcomes.filter(({ outcome }) => outcome === what).length;
      const lost = new Set(mistakes.map(({ line }) => line)).size;
      return {
        applied: receipt.applied,
        counts: {
          new: count("new"),
          changed: count("changed"),
          unchanged: count("unchanged"),
          refused: count("refused") + lost,
        },
        rows: outcomes
          .filter(({ outcome }) => outcome === "new" || outcome === "changed")
          .map(({ meter, outcome, changes }) => ({ meter, outcome, changes })),
        mistakes: [...mistakes, ...wrong].sort((a, b) => a.line - b.line),
      };
    },
  );
}

function proposalRoutes(app: FastifyInstance, submit: Submit): void {
  app.post<{ Body: { meters: readonly Proposal[] } }>(
    "/registry-proposals",
    {
      schema: {
        operationId: "proposeMeters",
        summary: "Hold meters that were found, until a person accepts them",
        description: "Those that are known already stay as they are.",
        tags: ["registry"],
        body: proposalsBody,
        response: responses({ 200: registryAnswers.proposed }, 413, 415, 422, 429),
      },
    },
    async (request) => {
      const patches = request.body.meters.map(({ id, ...body }) => {
        const patch = patchOf(id, { ...body, state: "held" });
        if (!patch.ok) throw new Problem(422, "not-acceptable", `${id}: ${patch.error}`);
        return patch.value;
      });
      const { outcomes } = await change(submit, actorOf(request), patches, { partial: true, onlyNew: true });
      return {
        meters: outcomes.map(({ meter, outcome, ...rest }) => ({
          ...{ meter, outcome },
          reason: outcome === "refused" ? mistakesText({ meter, outcome, ...rest }) : null,
        })),
      };
    },
  );
}

async function change(
  submit: Submit,
  actor: string,
  patches: readonly RegistryPatch[],
  how: { readonly partial?: boolean; readonly dryRun?: boolean; readonly onlyNew?: boolean },
): Promise<RegistryReceipt> {
  const result = await submit({
    kind: "registry",
    ...{ patches, actor, partial: false, dryRun: false, onlyNew: false },
    ...how,
  });
  if (!result.ok) throw refused(result.error);
  assert(result.value.kind === "registry", "a change of the registry is answered by its receipt");
  return result.value;
}

function mistakesText({ mistakes }: PatchOutcome): string {
  return mistakes.map(({ column, problem }) => `${column}: ${problem}`).join("; ");
}

function energyOf(name: string, text: string): number {
  const parsed = parseShownValue(measure("activeEnergyImport"), text);
  if (!parsed.ok) throw new Problem(400, "bad-request", `body: "${name}": ${parsed.error}`);
  return parsed.value;
}
