/**
 * Named tokens of the API with what each may do: a text file with one line each, `name:scopes:expiry:sha256$…`. A token is
 * 256 random bits, so that a plain hash of it can't be guessed back and needs no salt.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { failure, type Result, success } from "../../src/core/result.ts";
import { type Civil, parseIso, toIso } from "../../src/core/time.ts";

/** `operate`: orders, top-ups, acknowledging; `approve`: what needs a second person; `admin`: everything. */
export const SCOPES = ["read", "operate", "approve", "admin"] as const;
export type Scope = (typeof SCOPES)[number];

export interface ApiToken {
  /** Who the audit says it was. */
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** From then on it is refused; null: never. */
  readonly expires: Civil | null;
  /** SHA-256 of the token. */
  readonly digest: Buffer;
}

/** Who makes a request. */
export type Caller = Pick<ApiToken, "name" | "scopes">;

export const TOKEN_NAME = /^[A-Za-z0-9_.-]{1,64}$/;
const LINE = /^([A-Za-z0-9_.-]{1,64}):([a-z,]+):(never|[0-9T:.Z+-]+):sha256\$([A-Za-z0-9+/=]+)$/;
const DIGEST_BYTES = 32;

/** Digests have one length, so that comparing takes the same time whatever was sent. */
export function tokenDigest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

/** A line of the file. */
export function tokenLine({ name, scopes, expires, digest }: ApiToken): string {
  const until = expires === null ? "never" : toIso(expires);
  return `${name}:${scopes.join(",")}:${until}:sha256$${digest.toString("base64")}`;
}

/** Reads a file of token lines; blank lines and `#` comments are passed over. The error names the line. */
export function parseTokens(text: string): Result<readonly ApiToken[], string> {
  const tokens = new Map<string, ApiToken>();
  for (const [i, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const token = parseLine(line);
    if (!token.ok) return failure(`line ${i + 1}: ${token.error}`);
    if (tokens.has(token.value.name)) return failure(`line ${i + 1}: "${token.value.name}" is there twice`);
    tokens.set(token.value.name, token.value);
  }
  return success([...tokens.values()]);
}

function parseLine(line: string): Result<ApiToken, string> {
  const [, name, list, until, hash] = LINE.exec(line) ?? [];
  if (name === undefined || list === undefined || until === undefined || hash === undefined)
    return failure("NAME:SCOPES:never|TIME:sha256$HASH is needed");
  const scopes = parseScopes(list);
  if (!scopes.ok) return scopes;
  const expires = until === "never" ? success(null) : parseIso(until);
  if (!expires.ok) return expires;
  const digest = Buffer.from(hash, "base64");
  if (digest.length !== DIGEST_BYTES) return failure("the hash is damaged");
  return success({ name, scopes: scopes.value, expires: expires.value, digest });
}

/** A list of scopes such as `read,operate`. */
export function parseScopes(list: string): Result<readonly Scope[], string> {
  const given = new Set(list.split(","));
  for (const scope of given)
    if (!(SCOPES as readonly string[]).includes(scope))
      return failure(`"${scope}" is no scope: take of ${SCOPES.join(", ")}`);
  return success(SCOPES.filter((scope) => given.has(scope)));
}

/** The token that was given, expired or not. Every one is compared, so that the time taken tells nothing. */
export function findToken(tokens: readonly ApiToken[], given: string): ApiToken | undefined {
  const digest = tokenDigest(given);
  let found: ApiToken | undefined;
  for (const token of tokens) if (timingSafeEqual(digest, token.digest)) found = token;
  return found;
}

/** `admin` is allowed everything. */
export function allows({ scopes }: Caller, scope: Scope): boolean {
  return scopes.includes(scope) || scopes.includes("admin");
}
