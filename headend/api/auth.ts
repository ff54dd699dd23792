/** Bearer tokens guard everything that is not marked public; each route asks for one scope. */
import type { FastifyInstance, FastifyReply, FastifyRequest, onRequestHookHandler, RouteOptions } from "fastify";
import type { Civil } from "../../src/core/time.ts";
import { Problem } from "./problems.ts";
import { type ApiToken, allows, type Caller, findToken, type Scope, tokenDigest } from "./tokens.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Answered without a token. */
    readonly public?: boolean;
    /** What the caller's token must allow; default: `read` for GET, `operate` for all others. */
    readonly scope?: Scope;
  }
  interface FastifyRequest {
    /** Whose token it was; on public routes there is none. */
    caller: Caller;
    /** Whether its token still holds: for answers that last. */
    stillAllowed(): boolean;
  }
}

export interface Guard {
  /** The head-end's own token: allowed everything, under the name `operator`. */
  readonly token: string;
  /** Further tokens, asked for at each request: one that was taken out of the file is refused at once. */
  readonly tokens: () => readonly ApiToken[];
  readonly now: () => Civil;
}

/** Puts the guard before every route and its scope into the description. */
export function guard(app: FastifyInstance, options: Guard): void {
  const own: ApiToken = { name: "operator", scopes: ["admin"], expires: null, digest: tokenDigest(options.token) };
  app.decorateRequest("caller", undefined as never);
  app.decorateRequest("stillAllowed", function stillAllowed(this: FastifyRequest) {
    const token = findToken([own, ...options.tokens()], givenToken(this) ?? "");
    return token !== undefined && !isOver(token, options.now()) && forbidden(this, token) === undefined;
  });
  app.addHook("onRequest", requireToken(options, own));
  app.addHook("onRoute", (route) => {
    if (route.config?.public === true || route.schema === undefined) return;
    Object.assign(route.schema, { security: [{ token: [scopeOf(route)] }] });
  });
}

function scopeOf({ config, method }: Pick<RouteOptions, "config" | "method">): Scope {
  const reads = [method].flat().every((name) => name === "GET" || name === "HEAD");
  return config?.scope ?? (reads ? "read" : "operate");
}

function requireToken({ tokens, now }: Guard, own: ApiToken): onRequestHookHandler {
  return (request, reply, done) => {
    const { config } = request.routeOptions;
    if (config.public === true) return done();
    const given = givenToken(request);
    if (given === undefined)
      return unauthorized(
        reply,
        done,
        'send the header "Authorization: Bearer TOKEN" with a token of this head-end: it wrote one at its start',
      );
    const token = findToken([own, ...tokens()], given);
    if (token === undefined)
      return unauthorized(reply, done, "this is no token of this head-end: take the one it wrote at its start");
    if (isOver(token, now()))
      return unauthorized(reply, done, `the token of "${token.name}" has expired: have a new one made`);
    request.caller = token;
    done(forbidden(request, token));
  };
}

function givenToken({ headers }: FastifyRequest): string | undefined {
  return /^Bearer +(\S+)$/i.exec(headers.authorization ?? "")?.[1];
}

function isOver({ expires }: ApiToken, now: Civil): boolean {
  return expires !== null && expires <= now;
}

function unauthorized(reply: FastifyReply, done: (problem: Problem) => void, detail: string): void {
  reply.header("www-authenticate", 'Bearer realm="meterworks"');
  done(new Problem(401, "unauthorized", detail));
}

function forbidden(request: FastifyRequest, token: ApiToken): Problem | undefined {
  const scope = scopeOf({ config: request.routeOptions.config, method: request.method });
  if (allows(token, scope)) return undefined;
  const detail = `the token of "${token.name}" may ${token.scopes.join(", ")}, and this needs "${scope}"`;
  return new Problem(403, "forbidden", detail);
}
