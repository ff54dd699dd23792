/** The users of the embedded broker: a text file with one line each, passwords as scrypt hashes (RFC 7914). */
import { createHmac, randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { failure, type Result, success } from "../core/result.ts";

/** What a role may do is not known here: see the rules in broker-access.ts. */
export type BrokerRole = "meter" | "reader";

export interface BrokerUser {
  readonly name: string;
  readonly role: BrokerRole;
  /** Undefined for a user who comes by certificate only. */
  readonly secret: Secret | undefined;
}

interface Secret {
  readonly cost: number;
  readonly salt: Buffer;
  readonly hash: Buffer;
}

/** Each check takes 16 MiB and some 30 ms of one core: too slow for guessing, quick enough for a fleet that comes back. */
const COST = 16_384;
const HASH_BYTES = 32;
/** Checks that wait at one time; a flood of logins is refused, not queued. */
const PENDING_LIMIT = 2_000;

/** A name that is also one level of a topic. */
export const USER_NAME = /^[A-Za-z0-9_.-]{1,64}$/;
const LINE =
  /^([A-Za-z0-9_.-]{1,64}):(meter|reader):(?:(certificate)|scrypt\$(\d+)\$([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+))$/;

/** Reads `name:role:secret` lines; blank lines and `#` comments are passed over. The error names the line. */
export function parseBrokerUsers(text: string): Result<readonly BrokerUser[], string> {
  const users = new Map<string, BrokerUser>();
  for (const [i, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const m = LINE.exec(line);
    const name = m?.[1];
    if (m === null || name === undefined)
      return failure(`line ${i + 1}: NAME:meter|reader:scrypt$… or NAME:meter|reader:certificate is needed`);
    if (users.has(name)) return failure(`line ${i + 1}: "${name}" is there twice`);
    const secret = m[3] === undefined ? secretOf(Number(m[4]), m[5] ?? "", m[6] ?? "") : undefined;
    if (m[3] === undefined && secret === undefined) return failure(`line ${i + 1}: the scrypt hash is damaged`);
    users.set(name, { name, role: m[2] as BrokerRole, secret });
  }
  return success([...users.values()]);
}

function secretOf(cost: number, salt: string, hash: string): Secret | undefined {
  const secret = { cost, salt: Buffer.from(salt, "base64"), hash: Buffer.from(hash, "base64") };
  const power = cost >= 2 && cost <= 1 << 17 && Number.isInteger(Math.log2(cost));
  return power && secret.hash.length === HASH_BYTES && secret.salt.length >= 8 ? secret : undefined;
}

/** A line of the file for this user. */
export async function brokerUserLine(name: string, role: BrokerRole, password: string): Promise<string> {
  const salt = randomBytes(16);
  const hash = await derive(Buffer.from(password), salt, COST);
  return `${name}:${role}:scrypt$${COST}$${salt.toString("base64")}$${hash.toString("base64")}`;
}

function derive(password: Buffer, salt: Buffer, cost: number): Promise<Buffer> {
  // N, r and p as in the file; OpenSSL's own ceiling of 32 MiB is too low for the higher costs.
  const options = { N: cost, r: 8, p: 1, maxmem: 256 * cost * 8 };
  return new Promise((resolve, reject) => {
    scrypt(password, salt, HASH_BYTES, options, (error, key) => (error === null ? resolve(key) : reject(error)));
  });
}

/** Checks passwords. One that was right is remembered as a keyed digest, so that a fleet comes back at once. */
export class PasswordCheck {
  readonly #key = randomBytes(32);
  readonly #known = new Map<string, Buffer>();
  #pending = 0;

  /** False also while too many wait. */
  async right(user: BrokerUser, password: Buffer): Promise<boolean> {
    if (user.secret === undefined) return false;
    const digest = createHmac("sha256", this.#key).update(password).digest();
    const known = this.#known.get(user.name);
    if (known !== undefined && timingSafeEqual(known, digest)) return true;
    if (this.#pending >= PENDING_LIMIT) return false;
    this.#pending += 1;
    const hash = await derive(password, user.secret.salt, user.secret.cost).finally(() => {
      this.#pending -= 1;
    });
    const right = timingSafeEqual(hash, user.secret.hash);
    if (right) this.#known.set(user.name, digest);
    return right;
  }
}
