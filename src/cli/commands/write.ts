/** `meterworks write`: sets something on a meter, asks before, and reads back what is now true. */
import type { Command } from "commander";
import { checkDlt645Flags, dlt645Choices, readAddress } from "../dlt645-options.ts";
import { usage } from "../errors.ts";
import { addIec62056ReadFlags, checkIec62056Flags } from "../iec62056-line.ts";
import { CommandProcess } from "../process.ts";
import { choice, integer } from "../values.ts";
import { addWireFlags, type Spoken, wireOf } from "../wires.ts";
import { carryOut, checkAsking, confirm, type Plan, report } from "../write/change.ts";
import { planDlt645 } from "../write/dlt645.ts";
import { clockWish, RELAY_WISHES, setting, tableFile, type WriteFlags } from "../write/flags.ts";
import { planIec62056 } from "../write/iec62056-21.ts";
import { planModbus } from "../write/modbus.ts";

const HELP = `
Shows the meter, the old and the new values, and asks; --yes answers for scripts. Every value is read back: exit code 1
when one of them is not as asked. The first failure ends it; docs/write.md says what each protocol can set.

Examples:
  meterworks write --model meterworks-3p --tcp 192.168.1.50:502 --clock now --relay open --password 1234
  meterworks write --model eastron-sdm120 --serial /dev/ttyUSB0 --table registers.json
  meterworks write --protocol dlt645 --serial /dev/ttyUSB0 --address 000000000161 --set 04000103=15 --password 123456
  meterworks write --protocol dlt645 --serial /dev/ttyUSB0 --set address=000000000162 --set baud=9600 --yes
  meterworks write --protocol dlt645 --tcp 192.168.1.60:8000 --table tariff.json --relay allow-close
  meterworks write --protocol iec62056-21 --serial /dev/ttyUSB0 --clock now --password 00000000`;

function level(text: string): number {
  if (/^\d{2}$/.test(text)) return Number.parseInt(text, 16);
  throw usage(`--level "${text}" is no level`, "give two digits, such as 04");
}

function operator(text: string): string {
  if (/^\d{8}$/.test(text)) return text;
  throw usage(`--operator "${text}" is no operator code`, "give 8 digits");
}

export function addWrite(program: Command): void {
  const command = program
    .command("write")
    .description("sets address, baud, clock, tables or relay of a meter: asks first, reads back")
    .option("--model <ID|FILE>", "Modbus: the meter model, see `meterworks models`, or a model file");
  addIec62056ReadFlags(addWireFlags(command))
    .option("--unit <N>", "Modbus unit address, 1..247 (default: the model's)", integer("--unit", 1, 247))
    .option("--address <12DIGITS>", "DL/T 645 address of the meter (default: asks for it)", readAddress)
    .option("--dlt645 <KEY=VALUE,...>", "how this meter differs, such as baud=bcd,zone=480", dlt645Choices("write"))
    .option("--set <NAME=VALUE>", "repeatable: address, baud, unit, an identifier or an OBIS code", setting)
    .option("--clock <TIME>", "now, or ISO 8601 such as 2026-11-24T16:00:00Z", clockWish)
    .option("--broadcast", "DL/T 645: the time as a broadcast (08H), without password; meters take up to 5 minutes")
    .option("--relay <STATE>", "open, close, or (DL/T 645) allow-close", choice("--relay", RELAY_WISHES))
    .option("--table <FILE>", "JSON: identifiers (DL/T 645), codes (IEC 62056-21) or registers (Modbus)", tableFile)
    .option("--password <P>", "Modbus: a number; DL/T 645: 6 digits; IEC 62056-21: as the meter wants it (default: 0s)")
    .option("--level <NN>", "DL/T 645: level of the password (default: 04 to write, 02 for the relay)", level)
    .option("--operator <8DIGITS>", "DL/T 645: operator code, kept in the meter's records", operator, "00000000")
    .option("--echo", "Modbus: the serial adapter hears itself")
    .option("--timeout <MS>", "wait this long for each reply", integer("--timeout", 10, 60_000), 1_000)
    .option("--retries <N>", "further attempts of a read without a good reply", integer("--retries", 0, 10), 2)
    .option("--yes", "does not ask")
    .option("--json", "{meter, changes: [{what, before, wanted, now, ok, reason?}]}")
    .addHelpText("after", HELP)
    .action(run);
}

async function run(flags: WriteFlags): Promise<void> {
  const spoken = wireOf(flags, "--serial or --tcp");
  check(spoken, flags);
  checkAsking(flags.yes === true);
  await CommandProcess.run(
    1,
    async (proc) => {
      const plan = await planIn(proc, spoken, flags);
      const agreed = await Promise.race([confirm(plan, flags.yes === true), proc.stopped.then(() => false)]);
      if (!agreed) {
        process.stderr.write("nothing was changed\n");
        process.exitCode = 1;
        return;
      }
      const error = report(plan.meter, await carryOut(plan), flags.json === true);
      if (error !== undefined) throw error;
    },
    { interruptedExitCode: 1, onlyWarnings: true },
  );
}

function check({ protocol }: Spoken, flags: WriteFlags): void {
  if ((flags.set?.size ?? 0) === 0 && (flags.clock ?? flags.relay ?? flags.table) === undefined)
    throw usage("nothing is to be written", "give --set NAME=VALUE, --clock, --relay or --table");
  checkDlt645Flags(flags, protocol === "dlt645");
  checkIec62056Flags(flags, protocol === "iec62056-21", "auto");
  if (flags.mode !== "auto") throw usage(`--mode ${flags.mode} only listens`, "leave --mode out: write signs on");
  if (!protocol.startsWith("modbus") && (flags.model ?? flags.unit) !== undefined)
    throw usage("--model and --unit belong to Modbus", "leave them out");
  if (flags.echo === true && protocol !== "modbus-rtu" && protocol !== "modbus-ascii")
    throw usage("--echo is for Modbus on --serial", "the other protocols tell an echo by themselves: leave it out");
  const foreign = flags.broadcast ?? flags.level;
  if (foreign !== undefined && protocol !== "dlt645")
    throw usage("--broadcast and --level belong to DL/T 645", "add --protocol dlt645");
  if (flags.broadcast && flags.clock === undefined)
    throw usage("--broadcast is how the time goes out", "add --clock now");
}

function planIn(proc: CommandProcess, spoken: Spoken, flags: WriteFlags): Promise<Plan> {
  if (spoken.protocol === "dlt645") return planDlt645(proc, spoken.wire, flags);
  if (spoken.protocol === "iec62056-21") return planIec62056(proc, spoken.wire, flags);
  return planModbus(proc, spoken, flags);
}
