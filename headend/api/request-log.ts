/** One log line for each request, under the id that its answer carries too: how a caller's trace finds ours. */
import type { IncomingMessage } from "node:http";
import type { FastifyInstance } from "fastify";
import { MICROS_PER_MS } from "../../src/core/time.ts";
import type { ApiOptions } from "./context.ts";

const HEADER = "x-request-id";
const GIVEN = /^[A-Za-z0-9_.-]{1,64}$/;

/** Gives ids: the caller's, where it is one; else one of ours, unique in this process. */
export function requestIds(): (request: Pick<IncomingMessage, "headers">) => string {
  let last = 0;
  return ({ headers }) => {
    const given = headers[HEADER];
    if (typeof given === "string" && GIVEN.test(given)) return given;
    last += 1;
    return `r${last}`;
  };
}

/** What changes something is worth an info line, what only reads is not. */
export function logRequests(app: FastifyInstance, { log }: Pick<ApiOptions, "log">): void {
  app.addHook("onRequest", (request, reply, done) => {
    reply.header(HEADER, request.id);
    done();
  });
  app.addHook("onResponse", (request, reply, done) => {
    const { method, routeOptions, params } = request;
    const { id } = (params ?? {}) as { readonly id?: string };
    const path = routeOptions.url ?? "";
    const subject = id === undefined ? {} : { [path.includes("/meters/") ? "meter" : "subject"]: id };
    const fields = {
      ...{ request: request.id, method, route: path, status: reply.statusCode, by: request.caller?.name ?? null },
      ...{ ...subject, micros: Math.round(reply.elapsedTime * MICROS_PER_MS) },
    };
    const quiet = method === "GET" || method === "HEAD";
    log?.({ kind: "log", level: quiet ? "debug" : "info", event: "api.request", fields });
    done();
  });
}
