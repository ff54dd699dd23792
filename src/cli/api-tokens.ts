/** The API's tokens from the flags of `meterworks headend`: its own, and the file of named ones. */
import { existsSync, readFileSync, statSync } from "node:fs";
import type { Command } from "commander";
import {
  type ApiToken,
  parseScopes,
  parseTokens,
  type Scope,
  TOKEN_NAME,
  tokenDigest,
  tokenLine,
} from "../../headend/api/tokens.ts";
import { type Civil, civil, MICROS_PER_SECOND, parseIso, SECONDS_PER_DAY } from "../core/time.ts";
import { writeFileAtomic } from "../platform/atomic-file.ts";
import { randomToken } from "../platform/entropy.ts";
import { errorText } from "../platform/errors.ts";
import { usage } from "./errors.ts";
import { print } from "./output.ts";

export interface TokenFlags {
  readonly tokenFile?: string;
  readonly tokens?: string;
  readonly addToken?: string;
  readonly removeToken?: string;
  readonly scope?: readonly Scope[];
  readonly expires?: string;
}

/** A changed file is noticed within this time. */
const LOOK_EVERY_MS = 1_000;

export function addTokenFlags(command: Command): Command {
  return command
    .option("--token-file <FILE>", "keeps the API's own token (default: the store's file with .token)")
    .option("--tokens <FILE>", "further tokens of the API, with names and scopes; changes are taken up while it runs")
    .option("--add-token <NAME>", "only adds a token to --tokens and prints it, once", tokenName("--add-token"))
    .option("--remove-token <NAME>", "only takes a token out of --tokens", tokenName("--remove-token"))
    .option("--scope <LIST>", "of --add-token: of read, operate, approve and admin (default: read)", scopes)
    .option("--expires <WHEN>", "of --add-token: a date such as 2027-12-31, a time, or days such as 90d");
}

function tokenName(flag: string): (text: string) => string {
  return (text) => {
    if (TOKEN_NAME.test(text)) return text;
    throw usage(`${flag} "${text}" is no name`, "use 1 to 64 letters, digits, dots, dashes, underscores");
  };
}

function scopes(text: string): readonly Scope[] {
  const parsed = parseScopes(text);
  if (!parsed.ok) throw usage(`--scope: ${parsed.error}`, "for example --scope read,operate");
  return parsed.value;
}

/** `--add-token` and `--remove-token`: true when that was all that was asked for. */
export function administerTokens(flags: TokenFlags, now: Civil): boolean {
  const name = flags.addToken ?? flags.removeToken;
  if (flags.addToken === undefined && (flags.scope !== undefined || flags.expires !== undefined))
    throw usage(
      "--scope and --expires belong to --add-token",
      "write: --tokens FILE --add-token NAME --scope read,operate",
    );
  if (name === undefined) return false;
  const { tokens: file } = flags;
  if (file === undefined) throw usage("--add-token and --remove-token need to know the file", "give --tokens FILE");
  const before = existsSync(file) ? readText(file) : "";
  const others = before.split("\n").filter((line) => line !== "" && !line.startsWith(`${name}:`));
  const isThere = others.length < before.split("\n").filter((line) => line !== "").length;
  if (flags.addToken === undefined) {
    if (!isThere)
      throw usage(
        `--remove-token: there is no token "${name}" in ${file}`,
        "the names are before the first colon of its lines",
      );
    writeFileAtomic(file, [...others, ""].join("\n"));
    return true;
  }
  // A new one in its place would end the other at once, and with another scope.
  if (isThere) throw usage(`--add-token: there is a token "${name}" in ${file} already`, "give --remove-token first");
  const token = randomToken();
  const line = tokenLine({
    name,
    scopes: flags.scope ?? ["read"],
    expires: expiry(flags.expires, now),
    digest: tokenDigest(token),
  });
  const text = [...others, line, ""].join("\n");
  checked(text, file);
  writeFileAtomic(file, text);
  print(token);
  return true;
}

function expiry(text: string | undefined, now: Civil): Civil | null {
  if (text === undefined) return null;
  const days = /^([1-9]\d{0,4})d$/.exec(text)?.[1];
  if (days !== undefined) {
    const day = SECONDS_PER_DAY * MICROS_PER_SECOND;
    return civil(Math.floor(now / MICROS_PER_SECOND) * MICROS_PER_SECOND + Number(days) * day);
  }
  const parsed = parseIso(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text);
  if (!parsed.ok) throw usage(`--expires: ${parsed.error}`, "for example 2027-12-31 or 90d");
  if (parsed.value <= now) throw usage(`--expires ${text} is over already`, "for example 90d");
  return parsed.value;
}

/**
 * The named tokens, read again when their file changes: who is taken out is out without a restart. A file that is broken
 * meanwhile lets nobody in until it is repaired.
 * @param broken told why, once per change
 */
export function namedTokens(file: string, broken: (reason: string) => void): () => readonly ApiToken[] {
  let known = checked(readText(file), file);
  let stamp = stampOf(file);
  let lookAt = performance.now() + LOOK_EVERY_MS;
  return () => {
    if (performance.now() < lookAt) return known;
    lookAt = performance.now() + LOOK_EVERY_MS;
    const found = stampOf(file);
    if (found === stamp) return known;
    stamp = found;
    try {
      known = checked(readText(file), file);
    } catch (error) {
      known = [];
      broken(errorText(error));
    }
    return known;
  };
}

function stampOf(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat === undefined ? "none" : `${stat.mtimeMs} ${stat.size} ${stat.ino}`;
}

function checked(text: string, file: string): readonly ApiToken[] {
  const parsed = parseTokens(text);
  if (!parsed.ok) throw usage(`--tokens ${file}: ${parsed.error}`);
  return parsed.value;
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw usage(`--tokens ${file} can't be read: ${errorText(error)}`, "make it with --add-token NAME");
  }
}

/** The head-end's own token: the environment's, the one kept in the file, or a new one. */
export function ownToken(file: string): string {
  const { METERWORKS_TOKEN: given } = process.env;
  if (given !== undefined) {
    if (given.length < 16)
      throw usage("METERWORKS_TOKEN is shorter than 16 characters", "a token is a secret: make it longer");
    return given;
  }
  if (existsSync(file)) {
    const kept = readFileSync(file, "utf8").trim();
    if (kept.length >= 16) return kept;
  }
  const token = randomToken();
  writeFileAtomic(file, `${token}\n`);
  return token;
}
