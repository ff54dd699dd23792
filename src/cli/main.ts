#!/usr/bin/env node
/**
 * The command line: every command is listed here, and every error ends as one clear line and the right exit code.
 * Only the command that was asked for is loaded: nobody who wants `--help` waits for a broker and a database.
 */
import { Command, CommanderError } from "commander";
import { PlatformError } from "../platform/errors.ts";
import { CommandError } from "./errors.ts";
import { VERSION } from "./version.ts";

interface Listed {
  readonly summary: string;
  readonly load: () => Promise<(program: Command) => void>;
}

const COMMANDS: Readonly<Record<string, Listed>> = {
  demo: {
    summary: "the main job in one process, to look at",
    load: async () => (await import("./commands/demo.ts")).addDemo,
  },
  meter: { summary: "one virtual meter on a wire", load: async () => (await import("./commands/meter.ts")).addMeter },
  chip: { summary: "a bare metering chip on TCP", load: async () => (await import("./commands/chip.ts")).addChip },
  models: { summary: "the meter models it knows", load: async () => (await import("./commands/models.ts")).addModels },
  scan: { summary: "finds meters on a line", load: async () => (await import("./commands/scan.ts")).addScan },
  "read-now": {
    summary: "one reading of a meter, through the head-end",
    load: async () => (await import("./commands/read-now.ts")).addReadNow,
  },
  read: { summary: "one reading of a meter", load: async () => (await import("./commands/read.ts")).addRead },
  watch: { summary: "a meter live in the terminal", load: async () => (await import("./commands/watch.ts")).addWatch },
  replay: {
    summary: "a recording of a line, decoded again",
    load: async () => (await import("./commands/replay.ts")).addReplay,
  },
  doctor: {
    summary: "what is wrong with a line or a meter's wiring, in plain words",
    load: async () => (await import("./commands/doctor.ts")).addDoctor,
  },
  write: {
    summary: "sets address, baud, clock, tables or relay of a meter",
    load: async () => (await import("./commands/write.ts")).addWrite,
  },
  decode: {
    summary: "captured bytes explained field by field",
    load: async () => (await import("./commands/decode.ts")).addDecode,
  },
  conformance: {
    summary: "a protocol's checklist against a device",
    load: async () => (await import("./commands/conformance.ts")).addConformance,
  },
  accuracy: {
    summary: "the class test of a virtual meter, as a laboratory runs it",
    load: async () => (await import("./commands/accuracy.ts")).addAccuracy,
  },
  headend: {
    summary: "the collector with its API",
    load: async () => (await import("./commands/headend.ts")).addHeadend,
  },
  backup: {
    summary: "a copy of the store, also of a running head-end",
    load: async () => (await import("./commands/backup.ts")).addBackup,
  },
  store: {
    summary: "what the store's file is made of; compacts it by hand",
    load: async () => (await import("./commands/store.ts")).addStore,
  },
  restore: {
    summary: "a backup becomes the store again",
    load: async () => (await import("./commands/restore.ts")).addRestore,
  },
  registry: {
    summary: "what is known of each meter: list, accept, exchange, import and export",
    load: async () => (await import("./commands/registry.ts")).addRegistry,
  },
  completeness: {
    summary: "which intervals are read, late or missing",
    load: async () => (await import("./commands/completeness.ts")).addCompleteness,
  },
  alarms: {
    summary: "what is wrong, where and since when",
    load: async () => (await import("./commands/alarms.ts")).addAlarms,
  },
  availability: {
    summary: "how much of the time meters could be reached",
    load: async () => (await import("./commands/availability.ts")).addAvailability,
  },
  topup: { summary: "credit for a prepaid meter", load: async () => (await import("./commands/topup.ts")).addTopup },
  audit: {
    summary: "is the audit's chain whole, and the audit as a file",
    load: async () => (await import("./commands/audit.ts")).addAudit,
  },
  order: {
    summary: "how an order stands; approve, reject or cancel it",
    load: async () => (await import("./commands/order.ts")).addOrder,
  },
  mass: {
    summary: "switch the relays of many meters as one order",
    load: async () => (await import("./commands/mass.ts")).addMass,
  },
  relay: { summary: "open or close a meter's relay", load: async () => (await import("./commands/relay.ts")).addRelay },
  sim: {
    summary: "the system in simulated time with faults",
    load: async () => (await import("./commands/sim.ts")).addSim,
  },
};

const HELP = `
Examples:
  meterworks demo
  meterworks meter --model eastron-sdm630 --tcp 127.0.0.1:1502 --current 5 --pf 0.8
  meterworks read --model eastron-sdm630 --tcp 127.0.0.1:1502

meterworks COMMAND --help explains a command.`;

const FAILED = 1;
const USAGE = 2;

async function program(asked: string | undefined): Promise<Command> {
  const top = new Command("meterworks")
    .description("smart-meter firmware simulator and head-end collector")
    .version(VERSION)
    .addHelpText("after", HELP)
    .exitOverride()
    .configureOutput({ outputError: () => {} });
  for (const [name, { summary, load }] of Object.entries(COMMANDS)) {
    if (name === asked) (await load())(top);
    else top.command(name).description(summary);
  }
  quieten(top.commands);
  return top;
}

/** Errors are told here and not by commander, also those of commands that have commands of their own. */
function quieten(commands: readonly Command[]): void {
  for (const command of commands) {
    command.exitOverride().configureOutput({ outputError: () => {} });
    quieten(command.commands);
  }
}

/** Says what went wrong on stderr; the exit code is 1 for what failed, 2 for what was asked wrongly. */
function report(error: unknown, asked: string | undefined): number {
  if (error instanceof CommanderError) {
    // Help and version come as errors too; without any command commander has shown the help on stderr's channel.
    if (error.exitCode === 0) return 0;
    if (error.code === "commander.help") {
      process.stderr.write("meterworks: no command is named; see meterworks --help\n");
      return USAGE;
    }
    const text = error.message.replace(/^error: /, "").replace(/\s*\n\s*/g, " ");
    const command = asked !== undefined && Object.hasOwn(COMMANDS, asked) ? `${asked} ` : "";
    process.stderr.write(`meterworks: ${text}; see meterworks ${command}--help\n`);
    return USAGE;
  }
  if (error instanceof CommandError || error instanceof PlatformError) {
    const hint = error.hint === undefined || error.hint === "" ? "" : `; ${error.hint}`;
    process.stderr.write(`meterworks: ${error.message}${hint}\n`);
    return error instanceof CommandError ? error.exitCode : USAGE;
  }
  process.stderr.write(
    `meterworks: a bug: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  return FAILED;
}

// `meterworks … | head` closes our stdout: that is its right and no error of ours.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

try {
  await (await program(process.argv[2])).parseAsync();
} catch (error) {
  process.exitCode = report(error, process.argv[2]);
}
