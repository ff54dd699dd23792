import { createHash } from "node:crypto";

/** What chains the audit, as hex. */
export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
