/** The page `docs/models.md`: every map as a table, made from the models themselves. */
import { measure } from "../../src/core/measures.ts";
import { type ExtraFunction, type MeterModel, type RegisterEntry, registerCount } from "./model.ts";

const INTRO = `# Meter models

This page is made from the model files in \`protocols/models/\`; a test keeps it true. Addresses are PDU addresses, 0-based:
the number in a request, not 30001 or 40001. A file of your own with the same members works wherever a model's id does:
\`--model ./my-meter.json\`.
`;

/** The whole page as Markdown, models in the order given. */
export function modelsPage(models: readonly MeterModel[]): string {
  return [INTRO, ...models.map(section)].join("\n");
}

function section(model: MeterModel): string {
  return [
    `## ${model.id}`,
    "",
    `${model.manufacturer} ${model.name}`,
    "",
    ...facts(model),
    "",
    ...registers(model),
    "",
  ].join("\n");
}

const FUNCTION_NAMES: Readonly<Record<ExtraFunction, string>> = {
  [0x07]: "07 exception status (serial lines)",
  [0x11]: "11 server id",
  [0x2b]: "2B/0E device identification",
};

function facts(model: MeterModel): string[] {
  const { plate, modbus } = model;
  const { defaults, control, line: own, functions = [] } = modbus;
  const line = `${defaults.baud} baud, 8 data bits, parity ${defaults.parity}, ${defaults.stopBits} stop bit(s), unit ${defaults.unit}`;
  const currents = `Ist ${plate.ist} A, Imin ${plate.imin} A, Itr ${plate.itr} A, Imax ${plate.imax} A`;
  const classes = `class ${plate.activeClass} active, ${plate.reactiveClass} reactive`;
  const pulses = `${plate.impPerKwh} imp/kWh, ${plate.impPerKvarh} imp/kvarh`;
  const totals =
    model.polyphaseTotal === "net"
      ? "the net of the phases at each instant"
      : "each phase's import and export by itself";
  return [
    `- Source: ${model.source}`,
    `- Plate: ${plate.wiring}, Un ${plate.un} V, ${plate.frequency} Hz, ${currents}; ${classes}; ${pulses}`,
    `- Relay: ${plate.relayAmps === null ? "none" : `${plate.relayAmps} A`}`,
    `- Line: ${line}`,
    `- Words of a longer value: ${modbus.wordOrder}; at most ${modbus.readLimit} registers a read; addresses between are ${modbus.holes === "zero" ? "zeros" : "refused with exception 02"}`,
    `- Tables: ${modbus.tables === "shared" ? "FC 03 and FC 04 reach the same registers" : "FC 03 and FC 04 reach different tables"}`,
    `- Sign of the power factor: ${model.pfSign}`,
    ...(model.phases === 3 ? [`- Totals: ${totals}`] : []),
    ...(control === undefined
      ? ["- Control: none"]
      : [
          `- Control: unlock ${hex(control.unlock)} (2 registers, open for ${control.unlockSeconds} s), order mailbox ${hex(control.mailbox)} (9), outcome ${hex(control.outcome)} (6), relay coil ${hex(control.relayCoil)}${control.functions === undefined ? "" : `, functions from ${hex(control.functions)} on (see [modbus.md](modbus.md))`}`,
        ]),
    ...(own === undefined
      ? []
      : [
          `- Line settings, holding registers: unit ${hex(own.unit.address)} (${own.unit.encoding}), rate ${hex(own.baud.address)} (${own.baud.encoding}: ${rates(own.baud.rates)})`,
        ]),
    ...(functions.length === 0
      ? []
      : [`- Further functions: ${functions.map((code) => FUNCTION_NAMES[code]).join(", ")}`]),
    `- Examples: ${model.examples.length} frames, each checked by a test`,
  ];
}

function rates(known: Readonly<Record<string, number>>): string {
  const codes = Object.entries(known);
  return codes.map(([code, rate]) => (Number(code) === rate ? code : `${code} is ${rate}`)).join(", ");
}

function registers(model: MeterModel): string[] {
  const sorted = [...model.modbus.registers].sort((a, b) =>
    a.table === b.table ? a.address - b.address : a.table < b.table ? -1 : 1,
  );
  return [
    "| address | decimal | table | measure | OBIS | encoding | unit | no value |",
    "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ...sorted.map(row),
  ];
}

function row(entry: RegisterEntry): string {
  const scale = entry.scale === undefined || entry.scale === 0 ? "" : ` × 10^${entry.scale}`;
  const digits = entry.digits === undefined ? "" : `, rolls over at ${entry.digits} digits`;
  const last = entry.address + registerCount(entry.encoding) - 1;
  return `| ${[
    hex(entry.address),
    last === entry.address ? entry.address : `${entry.address}–${last}`,
    entry.table,
    entry.measure,
    measure(entry.measure).obis,
    `${entry.encoding}${digits}`,
    `${entry.unit}${scale}`,
    entry.noValue ?? "",
  ].join(" | ")} |`;
}

function hex(address: number): string {
  return address.toString(16).toUpperCase().padStart(4, "0");
}
