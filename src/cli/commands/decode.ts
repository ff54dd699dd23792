/** `meterworks decode`: explains captured bytes, field by field. */
import { Argument, type Command } from "commander";
import { explainDlt645 } from "../../../protocols/dlt645/explain.ts";
import type { Explanation } from "../../../protocols/explain.ts";
import { explainIec62056 } from "../../../protocols/iec62056-21/explain.ts";
import { printable } from "../../../protocols/json.ts";
import { explainModbusAscii, explainModbusRtu, explainModbusTcp } from "../../../protocols/modbus/explain.ts";
import { toHex } from "../../core/bytes.ts";
import { capturedBytes, type TextForm } from "../captured-bytes.ts";
import { failed, usage } from "../errors.ts";
import { print, printJson, table } from "../output.ts";
import { choice } from "../values.ts";

const DIRECTIONS = ["request", "reply"] as const;
type Direction = (typeof DIRECTIONS)[number];

interface Decoder {
  readonly text: TextForm;
  readonly explain: (bytes: Uint8Array, direction: Direction) => Explanation;
}

const DECODERS: Readonly<Record<string, Decoder>> = {
  "modbus-rtu": { text: "none", explain: explainModbusRtu },
  "modbus-ascii": { text: "modbus-ascii", explain: explainModbusAscii },
  "modbus-tcp": { text: "none", explain: explainModbusTcp },
  dlt645: { text: "none", explain: explainDlt645 },
  "iec62056-21": { text: "any", explain: explainIec62056 },
};

interface Flags {
  readonly file?: string;
  readonly direction: Direction;
  readonly json?: true;
}

const HELP = `
Examples:
  meterworks decode modbus-rtu 010404436633341b38
  meterworks decode modbus-rtu --direction request "01 03 00 00 00 02 c4 0b"
  meterworks decode dlt645 6861010000000068910833333433593333338a16 --json
  meterworks decode iec62056-21 --file readout.txt`;

export function addDecode(program: Command): void {
  program
    .command("decode")
    .description("explains captured bytes: every field with its offset, value, and what is wrong; exit 1 when refused")
    .addArgument(new Argument("<protocol>", Object.keys(DECODERS).join(", ")))
    .argument("[hex...]", "the bytes in hex, blanks allowed (iec62056-21: or text), or - for stdin")
    .option("--file <FILE>", "read them from here: hex, or the bytes as they are")
    .option("--direction <D>", "Modbus: request or reply", choice("--direction", DIRECTIONS), "reply")
    .option("--json", "{ok, error?, fields, readings}, values as decimal strings")
    .addHelpText("after", HELP)
    .action(run);
}

async function run(protocol: string, hex: readonly string[], flags: Flags): Promise<void> {
  const decoder = Object.hasOwn(DECODERS, protocol) ? DECODERS[protocol] : undefined;
  if (protocol === "sts") throw usage("decode sts is not offered in this version");
  if (decoder === undefined)
    throw usage(`protocol "${printable(protocol, 40)}" is unknown`, `one of: ${Object.keys(DECODERS).join(", ")}`);
  const source = { hex: hex.length === 0 ? undefined : hex.join(" "), file: flags.file };
  const bytes = await capturedBytes(source, decoder.text);
  const explanation = decoder.explain(bytes, flags.direction);
  if (flags.json === true) printJson(explanation);
  else show(bytes, explanation);
  if (!explanation.ok) throw failed(`the bytes are refused: ${printable(explanation.error ?? "", 300)}`);
}

/** Wider columns would wrap in a terminal and break the table; --json has everything. */
const BYTES_SHOWN = 8;
const TEXT_SHOWN = 60;

function show(bytes: Uint8Array, { fields, readings }: Explanation): void {
  const rows = fields.map(({ offset, length, name, value, fault }) => {
    const part = toHex(bytes.subarray(offset, offset + Math.min(length, BYTES_SHOWN)), " ");
    return [
      String(offset),
      length > BYTES_SHOWN ? `${part} …` : part,
      name,
      printable(value, TEXT_SHOWN),
      fault === undefined ? "" : `✗ ${printable(fault, 200)}`,
    ];
  });
  print(table([["offset", "bytes", "field", "value", ""], ...rows], [0]));
  if (readings.length === 0) return;
  const values = readings.map(({ id, obis, value, unit }) => [
    id,
    obis ?? "",
    value === null ? "no value" : printable(value, TEXT_SHOWN),
    value === null ? "" : unit,
  ]);
  print(`\n${table([["reading", "OBIS", "value", "unit"], ...values], [2])}`);
}
