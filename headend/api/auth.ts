/** One bearer token guards everything that is not marked public. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { onRequestHookHandler } from "fastify";
import { Problem } from "./problems.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Answered without a token. */
    readonly public?: boolean;
  }
}

/** Digests have one length, so that the comparison takes the same time whatever was sent. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

export function requireToken(token: string): onRequestHookHandler {
  const expected = digest(token);
  return (request, reply, done) => {
    if (request.routeOptions.config.public === true) return done();
    const [, given] = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? "") ?? [];
    if (given !== undefined && timingSafeEqual(digest(given), expected)) return done();
    reply.header("www-authenticate", 'Bearer realm="meterworks"');
    const detail =
      given === undefined
        ? 'send the header "Authorization: Bearer TOKEN" with the token that the head-end wrote at its start'
        : "this is not the token of this head-end: take the one it wrote at its start";
    done(new Problem(401, "unauthorized", detail));
  };
}
