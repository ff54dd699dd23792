/** True randomness, for seeds and secrets. Everything else random is drawn from a seeded generator. */
import { randomBytes } from "node:crypto";

/** A seed of 48 bits: printed in full, it is still a safe integer. */
export function randomSeed(): number {
  return randomBytes(6).readUIntBE(0, 6);
}

/** A secret for URLs and headers: 192 bits as base64url. */
export function randomToken(): string {
  return randomBytes(24).toString("base64url");
}
