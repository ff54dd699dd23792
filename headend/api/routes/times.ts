/** Times in query strings and bodies. */
import { type Civil, parseIso } from "../../../src/core/time.ts";
import { Problem } from "../problems.ts";

/** @throws Problem 400 that names the parameter */
export function timeOf(name: string, text: string, part: "query" | "body" = "query"): Civil {
  const parsed = parseIso(text);
  if (!parsed.ok) throw new Problem(400, "bad-request", `${part}: "${name}": ${parsed.error}`);
  return parsed.value;
}
