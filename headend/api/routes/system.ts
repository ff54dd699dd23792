/** The head-end itself: health, status, audit and the description of this API. */
import type { FastifyInstance } from "fastify";
import { auditView } from "../../view.ts";
import type { ApiOptions } from "../context.ts";
import { fromStore } from "../problems.ts";
import { answers, limitQuery, responses } from "../schemas.ts";

/** Routes that need no token and stand outside the versioned paths. */
export function publicRoutes(app: FastifyInstance): void {
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

  app.get<{ Querystring: { limit: number } }>(
    "/audit",
    {
      schema: {
        operationId: "listAudit",
        summary: "What was done by whom, newest first",
        tags: ["system"],
        querystring: limitQuery,
        response: responses({ 200: answers.audit }),
      },
    },
    async ({ query: { limit } }) => ({ entries: (await fromStore(store.audit(limit))).map(auditView) }),
  );
}
