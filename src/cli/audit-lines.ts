/** Audit entries as JSON lines: what `audit export` writes and `audit verify --file` reads. */
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import type { ChainedEntry } from "../../headend/audit/chain.ts";
import type { MeterId } from "../../headend/ports.ts";
import type { OrderNumber } from "../../protocols/orders.ts";
import { failure, type Result, success } from "../core/result.ts";
import { civil } from "../core/time.ts";

/** One line; times are exact, in µs since 1970. */
export function auditLine({ number, entry, hash }: ChainedEntry): string {
  const { at, actor, action, meter, order, detail } = entry;
  return JSON.stringify({ number, atMicros: at, actor, action, meter, order, detail, hash });
}

function parseAuditLine(line: string): Result<ChainedEntry, string> {
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return failure("it is no JSON");
  }
  const { number, atMicros, actor, action, meter, order, detail, hash } = fields ?? {};
  const isText = [actor, action, detail, hash].every((text) => typeof text === "string");
  const isNumber = Number.isSafeInteger(number) && Number.isSafeInteger(atMicros);
  const isAbout = (meter === null || typeof meter === "string") && (order === null || Number.isSafeInteger(order));
  if (!isText || !isNumber || !isAbout) return failure("it is no audit entry as `audit export` writes it");
  const entry = {
    at: civil(atMicros as number),
    ...{ actor: actor as string, action: action as string, detail: detail as string },
    ...{ meter: meter as MeterId | null, order: order as OrderNumber | null },
  };
  return success({ number: number as number, entry, hash: hash as string });
}

/** Shows the entries of a file one after the other until `take` gives false. Rejects with a sentence. */
export async function readAuditLines(file: string, take: (entry: ChainedEntry) => boolean): Promise<void> {
  const input = createReadStream(file);
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  // The reader of lines does not hear of what its stream cannot read.
  const failed = new Promise<never>((_resolve, reject) => input.once("error", reject));
  const read = async () => {
    let count = 0;
    for await (const line of lines) {
      count += 1;
      const parsed = parseAuditLine(line);
      if (!parsed.ok) throw new Error(`line ${count}: ${parsed.error}`);
      if (!take(parsed.value)) return;
    }
  };
  try {
    await Promise.race([read(), failed]);
  } finally {
    input.destroy();
  }
}
