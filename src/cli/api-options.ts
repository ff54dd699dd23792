/** `--api` and the token: how operations reach the head-end. */
import { readFileSync } from "node:fs";
import type { Command } from "commander";
import type { ApiAccess } from "./api-client.ts";
import { usage } from "./errors.ts";

export interface ApiFlags {
  readonly api: string;
  readonly token?: string;
  readonly tokenFile?: string;
}

export function addApiFlags(command: Command): Command {
  return command
    .option("--api <URL>", "the head-end's API", "http://127.0.0.1:8086")
    .option("--token <TOKEN>", "the API's token (better: METERWORKS_TOKEN or --token-file)")
    .option("--token-file <FILE>", "where the head-end keeps its token");
}

export function apiAccess(flags: ApiFlags): ApiAccess {
  if (!URL.canParse(flags.api) || !/^https?:/.test(flags.api))
    throw usage(`--api "${flags.api}" is no URL`, "for example http://127.0.0.1:8086");
  return { url: flags.api, token: tokenOf(flags) };
}

function tokenOf(flags: ApiFlags): string {
  if (flags.token !== undefined) return flags.token;
  if (flags.tokenFile !== undefined) {
    try {
      return readFileSync(flags.tokenFile, "utf8").trim();
    } catch (error) {
      throw usage(`--token-file ${flags.tokenFile} can't be read: ${(error as Error).message}`);
    }
  }
  const { METERWORKS_TOKEN: token } = process.env;
  if (token !== undefined) return token;
  throw usage(
    "no token for the API",
    "give --token-file FILE.token (beside the head-end's store) or set METERWORKS_TOKEN",
  );
}
