/** The head-end itself: health, readiness, metrics, status, audit and the description of this API. */
import type { FastifyInstance } from "fastify";
import { auditView } from "../../view.ts";
import type { ApiOptions } from "../context.ts";
import { pageOf, readCursor } from "../cursor.ts";
import { fromStore } from "../problems.ts";
import { answers, pageQuery, responses } from "../schemas.ts";

const METRICS_TYPE = "text/plain";

/** Routes that need no token and stand outside the versioned paths. */
export function publicRoutes(app: FastifyInstance, { metrics, readiness }: ApiOptions): void {
  app.get(
    "/health",
    {
      config: { public: true },
      schema: {
        operationId: "getHealth",
        summary: "Whether the process answers; needs no token",
        tags: ["system"],
        security: [],
        response: { 200: { description: "", ...answers.health } },
      },
    },
    async () => ({ status: "ok" }),
  );

  app.get(
    "/ready",
    {
      config: { public: true },
      schema: {
        operationId: "getReady",
        summary: "Whether the store takes commits and broker and lines are open; needs no token",
        tags: ["system"],
        security: [],
        response: {
          200: { description: "ready", ...answers.ready },
          503: { description: "not ready: `reason` says why", ...answers.ready },
        },
      },
    },
    async (_request, reply) => {
      const checks = await readiness();
      const ready = checks.every(({ ok }) => ok);
      return reply.code(ready ? 200 : 503).send({ ready, checks });
    },
  );

  app.get(
    "/metrics",
    {
      config: { public: true },
      schema: {
        operationId: "getMetrics",
        summary: "Counters and gauges in the Prometheus text format; needs no token",
        tags: ["system"],
        security: [],
        response: {
          200: { description: "text format 0.0.4", content: { [METRICS_TYPE]: { schema: { type: "string" } } } },
        },
      },
    },
    async (_request, reply) => reply.type(`${METRICS_TYPE}; version=0.0.4; charset=utf-8`).send(await metrics()),
  );

  app.get("/openapi.json", { config: { public: true }, schema: { hide: true } }, async () => app.swagger());
}

export function systemRoutes(app: FastifyInstance, { store, status, version }: ApiOptions): void {
  app.get(
    "/status",
    {
      schema: {
        operationId: "getStatus",
        summary: "Version, lines, queues, and how many readings are stored",
        tags: ["system"],
        response: responses({ 200: answers.status }),
      },
    },
    async () => ({ ...status(), version, readings: await fromStore(store.counts()) }),
  );

  app.get<{ Querystring: { limit: number; cursor?: string } }>(
    "/audit",
    {
      schema: {
        operationId: "listAudit",
        summary: "What was done by whom, newest first",
        tags: ["system"],
        querystring: pageQuery,
        response: responses({ 200: answers.audit }),
      },
    },
    async ({ query: { limit, cursor } }) => {
      const before = cursor === undefined ? undefined : Number(readCursor("audit", cursor));
      const found = await fromStore(store.audit(limit + 1, before));
      const { items, next } = pageOf("audit", found, limit, ({ number }) => String(number));
      return { entries: items.map(auditView), next };
    },
  );
}
