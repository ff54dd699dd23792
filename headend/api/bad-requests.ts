/** Requests that cannot be right, as problems: what the schema refuses and what the HTTP layer refuses. */
import type { FastifyError, FastifySchemaValidationError } from "fastify";
import { Problem } from "./problems.ts";

/** With Ajv's `verbose` an error carries the schema that refused. */
interface Verbose extends FastifySchemaValidationError {
  readonly params: { readonly missingProperty?: string; readonly additionalProperty?: string };
  readonly parentSchema?: { readonly description?: string; readonly properties?: object };
}

/** The problem for an error of fastify's, or undefined where the error is no fault of the request. */
export function badRequest(error: FastifyError): Problem | undefined {
  if (error.validation !== undefined) {
    const [first] = error.validation as Verbose[];
    return new Problem(400, "bad-request", explainValidation(first, error.validationContext ?? "request"));
  }
  const known = BY_CODE[error.code];
  if (known !== undefined) return new Problem(...known);
  const status = error.statusCode ?? 500;
  return status < 500 ? new Problem(status, "bad-request", error.message) : undefined;
}

const BY_CODE: Readonly<Record<string, readonly [number, string, string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: [413, "too-large", "the body is larger than 64 KiB: no request needs that much"],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [415, "not-json", 'send JSON, with the header "content-type: application/json"'],
  FST_ERR_CTP_EMPTY_JSON_BODY: [400, "bad-request", "the body is empty: send a JSON object, see /openapi.json"],
  FST_ERR_CTP_INVALID_JSON_BODY: [400, "bad-request", "the body is not valid JSON: check quotes, commas and braces"],
};

/** `query "limit" must be …`: the place, then the schema's own description of what belongs there. */
function explainValidation(error: Verbose | undefined, context: string): string {
  const where = context === "querystring" ? "query" : context === "params" ? "path" : context;
  if (error === undefined) return `the ${where} is not as /openapi.json says`;
  const { keyword, params, instancePath, message } = error;
  if (keyword === "required") return `${where}: "${params.missingProperty}" is missing`;
  if (keyword === "additionalProperties") {
    const allowed = Object.keys(error.parentSchema?.properties ?? {}).join(", ");
    const rule = allowed === "" ? "nothing is taken here" : `it takes ${allowed}`;
    return `${where}: "${params.additionalProperty}" is not known; ${rule}`;
  }
  const field = instancePath.slice(1);
  const description = error.parentSchema?.description;
  if (field === "") return `${where} must be a JSON object, sent as application/json`;
  return `${where}: "${field}" must be ${description ?? (message ?? "").replace(/^must be /, "")}`;
}

/**
 * Query strings: `limit` is the one number. A `+` stays a plus, because people write `+01:00` unencoded and no parameter
 * has blanks; a parameter given twice becomes a list, which every schema refuses.
 */
export function parseQuery(text: string): Record<string, unknown> {
  const query: Record<string, unknown> = Object.create(null);
  for (const [name, value] of new URLSearchParams(text.replaceAll("+", "%2B"))) {
    const parsed = name === "limit" && /^\d{1,9}$/.test(value) ? Number(value) : value;
    query[name] = name in query ? [query[name], parsed] : parsed;
  }
  return query;
}
