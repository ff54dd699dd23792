/** What `meterworks scan --json` found, as meters that the registry holds. */
import { usage } from "./errors.ts";
import type { Proposal } from "./registry-api.ts";

interface Found {
  readonly protocol?: unknown;
  readonly unit?: unknown;
  readonly model?: unknown;
  readonly name?: unknown;
  readonly confidence?: unknown;
}

export interface Proposals {
  readonly proposals: readonly Proposal[];
  /** Found, but by a protocol that the head-end does not poll. */
  readonly left: number;
}

/**
 * @param line the configuration's name of the line that was scanned
 * @throws usage where the text is no scan
 */
export function proposalsOf(text: string, file: string, line: string): Proposals {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    document = undefined;
  }
  const found = (document as { found?: unknown } | undefined)?.found;
  if (!Array.isArray(found))
    throw usage(`${file} is no result of a scan`, "meterworks scan … --json > scan.json writes one");
  const polled = found.filter(isPolled);
  const proposals = polled.map(({ unit, model, name, confidence }) => ({
    id: `${line.replace(/[^A-Za-z0-9_.-]/g, "-").slice(0, 50)}-unit-${unit}`,
    where: `line ${line} unit ${unit}`,
    model: typeof model === "string" ? model : "unknown",
    note: noteOf(name, confidence),
  }));
  return { proposals, left: found.length - polled.length };
}

function isPolled(value: unknown): value is Found & { readonly unit: number } {
  const { protocol, unit } = (value ?? {}) as Found;
  return typeof protocol === "string" && protocol.startsWith("modbus") && Number.isInteger(unit);
}

function noteOf(name: unknown, confidence: unknown): string {
  const what = typeof name === "string" ? `found by scan: ${name}` : "found by scan";
  const sure = typeof confidence === "number" ? `, ${confidence} % sure of the model` : "";
  return `${what.replace(/\p{Cc}/gu, " ").slice(0, 400)}${sure}`;
}
