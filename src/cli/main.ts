#!/usr/bin/env node
/** The command line: every command registers here, and every error ends as one clear line and the right exit code. */
import { Command, CommanderError } from "commander";
import { PlatformError } from "../platform/errors.ts";
import { addDemo } from "./commands/demo.ts";
import { addHeadend } from "./commands/headend.ts";
import { addMeter } from "./commands/meter.ts";
import { addModels } from "./commands/models.ts";
import { addRead } from "./commands/read.ts";
import { addRelay } from "./commands/relay.ts";
import { addSim } from "./commands/sim.ts";
import { addTopup } from "./commands/topup.ts";
import { CommandError } from "./errors.ts";
import { VERSION } from "./version.ts";

const USAGE = 2;

function program(): Command {
  const top = new Command("meterworks")
    .description("smart-meter firmware simulator and head-end collector")
    .version(VERSION)
    .showSuggestionAfterError(true)
    .exitOverride()
    .configureOutput({ outputError: () => {} });
  for (const add of [addDemo, addHeadend, addMeter, addModels, addRead, addRelay, addSim, addTopup]) add(top);
  for (const command of top.commands) command.exitOverride().configureOutput({ outputError: () => {} });
  return top;
}

/** Says what went wrong on stderr; the exit code is 1 for what failed, 2 for what was asked wrongly. */
function report(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    process.stderr.write(
      `${error.message
        .replace(/^error: /, "meterworks: ")
        .split("\n")
        .join(" ")}; see meterworks --help\n`,
    );
    return USAGE;
  }
  if (error instanceof CommandError || error instanceof PlatformError) {
    const hint = error.hint === undefined || error.hint === "" ? "" : `; ${error.hint}`;
    process.stderr.write(`meterworks: ${error.message}${hint}\n`);
    return error instanceof CommandError ? error.exitCode : error.code === "unreachable" ? 1 : USAGE;
  }
  process.stderr.write(
    `meterworks: a bug: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  return 1;
}

try {
  await program().parseAsync();
} catch (error) {
  process.exitCode = report(error);
}
