/** What must hold between the members of a model, beyond the form of each one. */
import { fromHex } from "../../src/core/bytes.ts";
import { type Measure, measure, parseShownValue, showValue } from "../../src/core/measures.ts";
import { crc16, uint16At } from "../modbus/frame.ts";
import { FUNCTION_BLOCKS } from "./function-blocks.ts";
import { type MeterModel, type ModelExample, type RegisterEntry, registerCount, WIRE_UNITS } from "./model.ts";
import { decodeValue } from "./registers.ts";
import type { Report } from "./shape.ts";

/** Adds every broken rule of a model whose shape is good. */
export function checkRules(model: MeterModel, report: Report): void {
  checkPlate(model, report);
  const before = report.problems.length;
  for (const [i, entry] of model.modbus.registers.entries())
    checkRegister(model, entry, `modbus.registers[${i}]`, report);
  checkReadLimit(model, report);
  checkMeasuresOnce(model, report);
  checkOverlaps(model, report);
  // Registers that are wrong read wrong: their examples would only repeat it.
  if (report.problems.length > before) return;
  for (const [i, example] of model.examples.entries()) checkExample(model, example, `examples[${i}]`, report);
}

function checkPlate(model: MeterModel, report: Report): void {
  const { ist, imin, itr, imax, wiring, relayAmps } = model.plate;
  if (!(ist <= imin && imin <= itr && itr <= imax))
    report.add(
      "plate",
      "the currents must rise: ist <= imin <= itr <= imax (IEC 62052-11; itr is Ib / 10 on direct meters)",
    );
  if (wiring.startsWith("1P") !== (model.phases === 1))
    report.add("plate.wiring", `${wiring} does not go with ${model.phases} phase(s)`);
  if (model.modbus.control !== undefined && relayAmps === null)
    report.add(
      "plate.relayAmps",
      "a model with modbus.control has a relay: give its rated current, or remove the control",
    );
}

function checkRegister(model: MeterModel, entry: RegisterEntry, place: string, report: Report): void {
  const m = measure(entry.measure);
  const words = registerCount(entry.encoding);
  if (model.phases === 1 && !onOnePhase(m))
    report.add(`${place}.measure`, `${m.key} does not exist on a meter of 1 phase`);
  if (WIRE_UNITS[entry.unit].base !== m.unit) {
    const fitting = Object.entries(WIRE_UNITS).filter(([, unit]) => unit.base === m.unit);
    const names = fitting.map(([name]) => name).join(" or ");
    report.add(`${place}.unit`, `${m.key} is not measured in ${entry.unit}; give ${names}`);
  }
  if (entry.address + words > 0x10000)
    report.add(`${place}.address`, `${words} registers from ${entry.address} pass the end of the table, 65535`);
  checkDigits(entry, m, place, report);
  checkNoValue(entry, m, place, report);
}

function checkReadLimit(model: MeterModel, report: Report): void {
  const { registers, readLimit } = model.modbus;
  const widest = registers.findIndex((entry) => registerCount(entry.encoding) > readLimit);
  if (widest >= 0)
    report.add(
      "modbus.readLimit",
      `modbus.registers[${widest}] is wider than ${readLimit} and is read in one piece; raise it`,
    );
}

function onOnePhase(m: Measure): boolean {
  return (m.phase ?? 1) === 1 && !/^voltageL(12|23|31)$/.test(m.key);
}

/** The highest raw integer an encoding holds. */
function highest(entry: RegisterEntry): bigint {
  const bits = 16n * BigInt(registerCount(entry.encoding));
  return 2n ** (entry.encoding.startsWith("u") ? bits : bits - 1n) - 1n;
}

function checkDigits(entry: RegisterEntry, m: Measure, place: string, report: Report): void {
  if (entry.digits === undefined) return;
  if (m.kind !== "energy" || entry.encoding.startsWith("float"))
    report.add(`${place}.digits`, "only an energy in an integer encoding rolls over at its digits; remove it");
  else if (10n ** BigInt(entry.digits) - 1n > highest(entry))
    report.add(`${place}.digits`, `${entry.digits} digits do not fit into ${entry.encoding}`);
}

function checkNoValue(entry: RegisterEntry, m: Measure, place: string, report: Report): void {
  if (entry.noValue === undefined) return;
  const digits = 4 * registerCount(entry.encoding);
  if (entry.noValue.length !== digits) {
    report.add(`${place}.noValue`, `${entry.encoding} has ${digits} hex digits, this has ${entry.noValue.length}`);
    return;
  }
  if (m.kind !== "energy" || entry.encoding.startsWith("float")) return;
  const last = entry.digits === undefined ? highest(entry) : 10n ** BigInt(entry.digits) - 1n;
  if (BigInt(`0x${entry.noValue}`) <= last)
    report.add(`${place}.noValue`, "an energy reaches this value before it rolls over; give digits that end below it");
}

function checkMeasuresOnce(model: MeterModel, report: Report): void {
  const first = new Map<string, number>();
  for (const [i, entry] of model.modbus.registers.entries()) {
    const earlier = first.get(entry.measure);
    if (earlier === undefined) first.set(entry.measure, i);
    else
      report.add(
        `modbus.registers[${i}].measure`,
        `${entry.measure} is already at modbus.registers[${earlier}]; a measure has one place`,
      );
  }
}

interface Span {
  readonly place: string;
  readonly table: "input" | "holding";
  readonly start: number;
  readonly end: number;
}

function checkOverlaps(model: MeterModel, report: Report): void {
  const { registers, control, line, tables } = model.modbus;
  const spans: Span[] = registers.map((entry, i) => ({
    place: `modbus.registers[${i}]`,
    table: tables === "shared" ? "holding" : entry.table,
    start: entry.address,
    end: entry.address + registerCount(entry.encoding),
  }));
  if (control !== undefined) {
    const sizes = [
      ["unlock", 2],
      ["mailbox", 9],
      ["outcome", 6],
    ] as const;
    const taken = sizes.map(([name, size]) => ({ name: name as string, start: control[name], size: size as number }));
    if (control.functions !== undefined)
      for (const { offset, count } of Object.values(FUNCTION_BLOCKS))
        taken.push({ name: "functions", start: control.functions + offset, size: count });
    for (const { name, start, size } of taken) {
      const span: Span = { place: `modbus.control.${name}`, table: "holding", start, end: start + size };
      if (span.end > 0x10000) report.add(span.place, `its ${size} registers pass the end of the table, 65535`);
      spans.push(span);
    }
  }
  if (line !== undefined)
    for (const [name, { address: start, encoding }] of Object.entries(line)) {
      const span: Span = {
        place: `modbus.line.${name}`,
        table: "holding",
        start,
        end: start + registerCount(encoding),
      };
      if (span.end > 0x10000) report.add(span.place, "its registers pass the end of the table, 65535");
      spans.push(span);
    }
  spans.sort((a, b) => (a.table === b.table ? a.start - b.start : a.table < b.table ? -1 : 1));
  let last: Span | undefined;
  for (const span of spans) {
    if (last !== undefined && last.table === span.table && span.start < last.end)
      report.add(span.place, `address ${span.start} is taken by ${last.place} (${last.start} to ${last.end - 1})`);
    if (last === undefined || last.table !== span.table || span.end > last.end) last = span;
  }
}

/** An RTU frame's bytes without the CRC; undefined when it was reported. */
function frame(text: string, place: string, report: Report): Uint8Array | undefined {
  const bytes = fromHex(text);
  if (!bytes.ok || bytes.value.length < 5) {
    report.add(place, bytes.ok ? "this is too short for a frame of unit, function, data and CRC" : bytes.error);
    return undefined;
  }
  const length = bytes.value.length - 2;
  const crc = crc16(bytes.value, 0, length);
  const wanted = ((crc & 0xff) << 8) | (crc >> 8);
  if (uint16At(bytes.value, length) !== wanted) {
    report.add(place, `the CRC does not match; it would be ${wanted.toString(16).padStart(4, "0")}`);
    return undefined;
  }
  return bytes.value.subarray(0, length);
}

function checkExample(model: MeterModel, example: ModelExample, place: string, report: Report): void {
  const request = frame(example.request, `${place}.request`, report);
  const response = frame(example.response, `${place}.response`, report);
  if (request === undefined || response === undefined) return;
  const fc = request[1];
  if (request.length !== 6 || (fc !== 3 && fc !== 4)) {
    report.add(`${place}.request`, "it must read registers: function 03 or 04 with address and quantity");
    return;
  }
  const start = uint16At(request, 2);
  const quantity = uint16At(request, 4);
  if (quantity < 1 || quantity > model.modbus.readLimit) {
    report.add(
      `${place}.request`,
      `it asks for ${quantity} registers, the model's readLimit is ${model.modbus.readLimit}`,
    );
    return;
  }
  const count = quantity * 2;
  if (response[0] !== request[0] || response[1] !== fc || response[2] !== count || response.length !== 3 + count) {
    report.add(
      `${place}.response`,
      `it must answer the request: unit ${request[0]}, function ${fc}, ${count} bytes of data`,
    );
    return;
  }
  for (const [key, shown] of Object.entries(example.reads)) {
    const message = misread(model, key, shown, { table: fc === 3 ? "holding" : "input", start, quantity, response });
    if (message !== undefined) report.add(`${place}.reads.${key}`, message);
  }
}

interface Answer {
  readonly table: "input" | "holding";
  readonly start: number;
  readonly quantity: number;
  readonly response: Uint8Array;
}

/** Why one measure of an answer does not read as the example says; undefined when it does. */
function misread(model: MeterModel, key: string, shown: string | null, answer: Answer): string | undefined {
  const { registers, tables, wordOrder } = model.modbus;
  const entry = registers.find((r) => r.measure === key);
  if (entry === undefined) return "modbus.registers has no such measure";
  const from = entry.address - answer.start;
  if (tables === "separate" && entry.table !== answer.table)
    return `it stands in the ${entry.table} table, the request reads the other`;
  if (from < 0 || from + registerCount(entry.encoding) > answer.quantity) return "the request does not reach it";
  const m = measure(entry.measure);
  const wanted = shown === null ? null : parseShownValue(m, shown);
  if (wanted?.ok === false) return wanted.error;
  const value = decodeValue(entry, wordOrder, answer.response, 3 + 2 * from);
  if (value === (wanted === null ? null : wanted.value)) return undefined;
  return `the response reads ${value === undefined ? "as no number" : value === null ? "null" : showValue(m, value)}, not ${shown}`;
}
