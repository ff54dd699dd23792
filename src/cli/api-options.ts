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
  if (flags.token !== undefined) return checked(flags.token, "--token");
  if (flags.tokenFile !== undefined) {
    let text: string;
    try {
      text = readFileSync(flags.tokenFile, "utf8").trim();
    } catch (error) {
      throw usage(`--token-file ${flags.tokenFile} can't be read: ${(error as Error).message}`);
    }
    return checked(text, `--token-file ${flags.tokenFile}`);
  }
  const { METERWORKS_TOKEN: token } = process.env;
  if (token !== undefined) return checked(token, "METERWORKS_TOKEN");
  throw usage(
    "no token for the API",
    "give --token-file FILE.token (beside the head-end's store) or set METERWORKS_TOKEN",
  );
}

/** What a header can't carry is refused here: whoever names a wrong file must not find its content in an error message. */
function checked(token: string, source: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw usage(`${source} holds no token: it is one word`, "the head-end wrote it beside its store, as FILE.token");
}
