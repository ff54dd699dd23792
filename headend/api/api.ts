/** The HTTP API of the head-end: reads go to the store, wishes go to the collector. */
import swagger from "@fastify/swagger";
import fastify, { type FastifyError, type FastifyInstance } from "fastify";
import { assert } from "../../src/core/result.ts";
import { guard } from "./auth.ts";
import { badRequest, parseQuery } from "./bad-requests.ts";
import { COMPONENTS } from "./components.ts";
import type { ApiOptions } from "./context.ts";
import { Problem, sendProblem } from "./problems.ts";
import { REGISTRY_COMPONENTS } from "./registry-schemas.ts";
import { logRequests, requestIds } from "./request-log.ts";
import { accountRoutes } from "./routes/accounts.ts";
import { alarmRoutes } from "./routes/alarms.ts";
import { availabilityRoutes } from "./routes/availability.ts";
import { completenessRoutes } from "./routes/completeness.ts";
import { eventRoutes } from "./routes/events.ts";
import { massOrderRoutes } from "./routes/mass-orders.ts";
import { meterRoutes } from "./routes/meters.ts";
import { orderRoutes } from "./routes/orders.ts";
import { registryRoutes } from "./routes/registry.ts";
import { scheduleRoutes } from "./routes/schedules.ts";
import { publicRoutes, systemRoutes } from "./routes/system.ts";

/** Of everything below /api/v1. */
const ROUTES = [
  meterRoutes,
  registryRoutes,
  accountRoutes,
  orderRoutes,
  massOrderRoutes,
  completenessRoutes,
  scheduleRoutes,
  alarmRoutes,
  availabilityRoutes,
  eventRoutes,
  systemRoutes,
];

const BODY_LIMIT_BYTES = 64 * 1024;
/** For a whole request to arrive: a client that sends a byte a minute must not hold a connection. */
const REQUEST_TIMEOUT_MS = 10_000;
const TOKEN_CHARACTERS_MIN = 16;

/** A server that does not listen yet: the caller chooses host and port (loopback unless told otherwise) and closes it. */
export function buildApi(options: ApiOptions): FastifyInstance {
  assert(options.token.length >= TOKEN_CHARACTERS_MIN, "the API's token is too short to be a secret");
  const app = fastify({
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    routerOptions: { querystringParser: parseQuery },
    // Wrong types and unknown fields are refused, never bent into shape; verbose errors carry the field's description.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, verbose: true } },
    genReqId: requestIds(),
    frameworkErrors: (error, _request, reply) => sendProblem(reply, new Problem(400, "bad-request", error.message)),
  });
  // Answers are written as they are: a serializer built from the schema would silently drop what the schema forgot.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  app.removeContentTypeParser("text/plain");
  logRequests(app, options);
  guard(app, { token: options.token, tokens: options.tokens ?? (() => []), now: options.now });
  app.addHook("onRequest", (_request, reply, done) => {
    reply.header("cache-control", "no-store");
    done();
  });
  handleErrors(app, options);
  describeApi(app, options.version);
  for (const [id, schema] of Object.entries({ ...COMPONENTS, ...REGISTRY_COMPONENTS }))
    app.addSchema({ $id: id, ...schema });
  // Registered, so that the routes are made after the plugin that describes them has been loaded.
  app.register(async (root) => publicRoutes(root, options));
  app.register(
    async (api) => {
      for (const routes of ROUTES) routes(api, options);
    },
    { prefix: "/api/v1" },
  );
  return app;
}

function handleErrors(app: FastifyInstance, { log }: ApiOptions): void {
  app.setNotFoundHandler((request, reply) =>
    sendProblem(
      reply,
      new Problem(404, "no-such-route", `there is no ${request.method} ${request.url}: see /openapi.json`),
    ),
  );
  app.setErrorHandler((error: FastifyError | Problem, request, reply) => {
    const problem = error instanceof Problem ? error : badRequest(error);
    if (problem !== undefined) return sendProblem(reply, problem);
    const fields = {
      request: request.id,
      route: request.routeOptions.url ?? request.url,
      reason: error.stack ?? error.message,
    };
    log?.({ kind: "log", level: "error", event: "api.failed", fields });
    return sendProblem(reply, new Problem(500, "internal", "an error inside the head-end: its log says more"));
  });
}

function describeApi(app: FastifyInstance, version: string): void {
  app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "meterworks head-end",
        version,
        description:
          "Times are ISO 8601 in UTC; values and money are decimal strings. Requests that change something carry a `key` " +
          "chosen by the caller: the same key again is the same thing, so a repeated request is done once.",
        license: { name: "Apache-2.0", identifier: "Apache-2.0" },
      },
      security: [{ token: [] }],
      components: { securitySchemes: { token: { type: "http", scheme: "bearer" } } },
      tags: ["meters", "registry", "accounts", "orders", "alarms", "system"].map((name) => ({ name })),
    },
    refResolver: { buildLocalReference: ({ $id }: { $id?: string }, _base, _fragment, i) => $id ?? `schema-${i}` },
  });
}
