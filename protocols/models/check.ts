/** A model file of a user: read, checked, and refused with the place and the fix. */
import { MEASURES } from "../../src/core/measures.ts";
import { failure, type Result, success } from "../../src/core/result.ts";
import { findSyntaxProblem } from "../json.ts";
import { ENCODINGS, EXTRA_FUNCTIONS, type MeterModel, WIRE_UNITS } from "./model.ts";
import { checkRules } from "./rules.ts";
import {
  choice,
  integer,
  listOf,
  type ModelProblem,
  object,
  orNull,
  pattern,
  positive,
  Report,
  record,
  type Shape,
  text,
} from "./shape.ts";

export type { ModelProblem } from "./shape.ts";

const hex = pattern(/^(?:\s*[0-9a-fA-F]{2})+\s*$/, "bytes in hex, such as '0104 0000 0002'");
const address = integer(0, 0xffff);
const measureKey = choice(
  "a measure",
  MEASURES.map((m) => m.key),
  "`meterworks models meterworks-3p` shows all",
);

const PLATE: Shape = object({
  un: positive(1000),
  ist: positive(1000),
  imin: positive(1000),
  itr: positive(1000),
  imax: positive(10_000),
  frequency: choice("a mains frequency", [50, 60]),
  activeClass: text(8),
  reactiveClass: text(8),
  impPerKwh: positive(1_000_000),
  impPerKvarh: positive(1_000_000),
  wiring: choice("a wiring", ["1P2W", "3P3W", "3P4W"]),
  relayAmps: orNull(positive(10_000)),
});

const REGISTER: Shape = object(
  {
    measure: measureKey,
    table: choice("a table", ["input", "holding"]),
    address,
    encoding: choice("an encoding", ENCODINGS),
    unit: choice("a unit", Object.keys(WIRE_UNITS)),
  },
  {
    // With the unit's power and the measure's decimals this stays within what a double holds exactly.
    scale: integer(-9, 9),
    digits: integer(1, 18),
    noValue: pattern(/^(?:[0-9a-fA-F]{4}){1,4}$/, "the whole value in hex, 4 digits a register, such as 'ffffffff'"),
  },
);

const MODBUS: Shape = object(
  {
    defaults: object({
      unit: integer(1, 247),
      baud: integer(300, 921_600),
      parity: choice("a parity", ["none", "even", "odd"]),
      stopBits: choice("a number of stop bits", [1, 2]),
    }),
    wordOrder: choice("a word order", ["high-first", "low-first"]),
    readLimit: integer(1, 125),
    holes: choice("a rule for holes", ["zero", "refuse"]),
    tables: choice("a rule for tables", ["separate", "shared"]),
    registers: listOf(REGISTER, 1, 500),
  },
  {
    control: object(
      {
        unlock: address,
        unlockSeconds: integer(1, 3600),
        mailbox: address,
        outcome: address,
        relayCoil: address,
      },
      { functions: address },
    ),
    line: object({
      unit: object({ address, encoding: choice("an encoding", ENCODINGS) }),
      baud: object({
        address,
        encoding: choice("an encoding", ENCODINGS),
        rates: record(pattern(/^\d{1,7}$/, "the number on the wire"), integer(300, 4_000_000)),
      }),
    }),
    functions: listOf(choice("a further function", EXTRA_FUNCTIONS), 1, EXTRA_FUNCTIONS.length),
  },
);

const MODEL: Shape = object({
  id: pattern(/^[a-z0-9][a-z0-9-]{0,47}$/, "an id of small letters, digits and '-', such as 'acme-100'"),
  manufacturer: text(100),
  name: text(100),
  source: text(2000),
  phases: choice("a number of phases", [1, 3]),
  plate: PLATE,
  pfSign: choice("a rule for the sign of PF", ["direction", "inductive", "none"]),
  polyphaseTotal: choice("a rule for totals", ["net", "perPhase"]),
  modbus: MODBUS,
  examples: listOf(
    object({
      source: text(500),
      request: hex,
      response: hex,
      reads: record(measureKey, orNull(pattern(/^-?\d+(\.\d+)?$/, "a decimal string such as '230.5'"))),
    }),
    0,
    100,
  ),
});

/** Checks a parsed document; at most 20 problems are told. Rules between members are looked at once every member is good. */
export function parseModel(json: unknown): Result<MeterModel, readonly ModelProblem[]> {
  const report = new Report();
  MODEL.check(json, "", report);
  if (report.problems.length > 0) return failure(report.problems);
  const model = json as MeterModel;
  checkRules(model, report);
  return report.problems.length > 0 ? failure(report.problems) : success(model);
}

/** A model file's text; where it is no JSON the problem names line and column. */
export function parseModelText(source: string): Result<MeterModel, readonly ModelProblem[]> {
  // Editors on Windows put a byte order mark in front, which RFC 8259 lets a reader pass over.
  const text = source.replace(/^\ufeff/, "");
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    const found = findSyntaxProblem(text);
    const place = found === undefined ? "the file" : `line ${found.line}, column ${found.column}`;
    return failure([{ place, message: `this is not JSON: ${found?.message ?? "it can't be read"}` }]);
  }
  return parseModel(json);
}
