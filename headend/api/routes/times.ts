/** Times in query strings. */
import { type Civil, parseIso } from "../../../src/core/time.ts";
import { Problem } from "../problems.ts";

/** @throws Problem 400 that names the parameter */
export function timeOf(name: string, text: string): Civil {
  const parsed = parseIso(text);
  if (!parsed.ok) throw new Problem(400, "bad-request", `query: "${name}": ${parsed.error}`);
  return parsed.value;
}
