import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseModel, parseModelText } from "../../../protocols/models/check.ts";
import { MODELS } from "../../../protocols/models/index.ts";
import { bitwiseCrc } from "./frames.ts";

/** A small good model as a user would write it; `change` breaks it. */
// biome-ignore lint/suspicious/noExplicitAny: the point of these documents is that nothing is known of their form
function document(change: (d: any) => void = () => {}): unknown {
  const d = {
    id: "acme-100",
    manufacturer: "Acme",
    name: "Acme 100",
    source: "manual rev. 3",
    phases: 1,
    plate: {
      un: 230,
      ist: 0.02,
      imin: 0.25,
      itr: 0.5,
      imax: 60,
      frequency: 50,
      activeClass: "1",
      reactiveClass: "2",
      impPerKwh: 1000,
      impPerKvarh: 1000,
      wiring: "1P2W",
      relayAmps: null,
    },
    pfSign: "direction",
    polyphaseTotal: "net",
    modbus: {
      defaults: { unit: 1, baud: 9600, parity: "none", stopBits: 1 },
      wordOrder: "high-first",
      readLimit: 60,
      holes: "zero",
      tables: "separate",
      registers: [
        { measure: "voltageL1", table: "holding", address: 20, encoding: "uint16", unit: "V", scale: -1 },
        { measure: "activePower", table: "holding", address: 30, encoding: "int32", unit: "W" },
        {
          measure: "activeEnergyImport",
          table: "holding",
          address: 62,
          encoding: "uint32",
          unit: "kWh",
          scale: -2,
          digits: 8,
        },
      ],
    },
    examples: [
      {
        source: "made up",
        request: framed("010300140001"),
        response: framed("01030208fe"),
        reads: { voltageL1: "230.2" },
      },
    ],
  };
  change(d);
  return d;
}

function framed(hex: string): string {
  const bytes = Buffer.from(hex, "hex");
  const crc = Buffer.alloc(2);
  crc.writeUInt16LE(bitwiseCrc(bytes));
  return hex + crc.toString("hex");
}

function problems(json: unknown): string[] {
  const model = parseModel(json);
  return model.ok ? [] : model.error.map((p) => `${p.place}: ${p.message}`);
}

test("all built-in models pass", () => {
  for (const model of MODELS) expect([model.id, problems(model)]).toEqual([model.id, []]);
});

test("a user's model is given back as it was", () => {
  const parsed = parseModelText(`\ufeff${JSON.stringify(document())}`);
  expect(parsed).toEqual({ ok: true, value: document() });
});

// biome-ignore lint/suspicious/noExplicitAny: as above
const broken: [string, (d: any) => void, RegExp][] = [
  [
    "a slip in an encoding",
    (d) => {
      d.modbus.registers[1].encoding = "flaot32";
    },
    /^modbus\.registers\[1\]\.encoding: 'flaot32' is not an encoding; did you mean float32\? one of: uint16, int16/,
  ],
  [
    "a slip in a measure",
    (d) => {
      d.modbus.registers[0].measure = "voltagel1";
    },
    /registers\[0\]\.measure: 'voltagel1' is not a measure; did you mean voltageL1\?/,
  ],
  [
    "a measure that is nothing",
    (d) => {
      d.modbus.registers[0].measure = "temperature";
    },
    /'temperature' is not a measure; `meterworks models/,
  ],
  [
    "an unknown name",
    (d) => {
      d.modbus.registers[0].adress = 3;
    },
    /^modbus\.registers\[0\]\.adress: this name is unknown; did you mean address\?/,
  ],
  [
    "a missing member",
    (d) => {
      delete d.modbus.readLimit;
    },
    /^modbus\.readLimit: this is missing; it must be an integer from 1 to 125$/,
  ],
  [
    "a missing object",
    (d) => {
      delete d.plate;
    },
    /^plate: this is missing; it must be an object with un, ist/,
  ],
  [
    "a text for a number",
    (d) => {
      d.modbus.registers[0].address = "20";
    },
    /^modbus\.registers\[0\]\.address: '20' is wrong; it must be an integer from 0 to 65535$/,
  ],
  [
    "a list for an object",
    (d) => {
      d.modbus = [];
    },
    /^modbus: a list is wrong; it must be an object/,
  ],
  [
    "no registers",
    (d) => {
      d.modbus.registers = [];
    },
    /^modbus\.registers: a list of 0 is wrong/,
  ],
  [
    "a factor for a scale",
    (d) => {
      d.modbus.registers[0].scale = 0.1;
    },
    /scale: 0\.1 is wrong; it must be an integer from -9 to 9/,
  ],
  [
    "an id with blanks",
    (d) => {
      d.id = "Acme 100";
    },
    /^id: 'Acme 100' is wrong/,
  ],
  [
    "a unit of another quantity",
    (d) => {
      d.modbus.registers[0].unit = "kWh";
    },
    /^modbus\.registers\[0\]\.unit: voltageL1 is not measured in kWh; give V or kV$/,
  ],
  [
    "a phase too many",
    (d) => {
      d.modbus.registers[0].measure = "voltageL2";
    },
    /voltageL2 does not exist on a meter of 1 phase/,
  ],
  [
    "line voltage on one phase",
    (d) => {
      d.modbus.registers[0].measure = "voltageL12";
    },
    /voltageL12 does not exist/,
  ],
  [
    "a measure twice",
    (d) => {
      d.modbus.registers[1] = { ...d.modbus.registers[0], address: 40 };
    },
    /^modbus\.registers\[1\]\.measure: voltageL1 is already at modbus\.registers\[0\]/,
  ],
  [
    "an overlap",
    (d) => {
      d.modbus.registers[1].address = 61;
    },
    /^modbus\.registers\[2\]: address 62 is taken by modbus\.registers\[1\] \(61 to 62\)$/,
  ],
  [
    "an overlap of shared tables",
    (d) => {
      d.modbus.tables = "shared";
      d.modbus.registers[1].table = "input";
      d.modbus.registers[1].address = 20;
    },
    /address 20 is taken by/,
  ],
  [
    "the end of the table",
    (d) => {
      d.modbus.registers[1].address = 65535;
    },
    /^modbus\.registers\[1\]\.address: 2 registers from 65535 pass the end/,
  ],
  [
    "a read limit below a value",
    (d) => {
      d.modbus.readLimit = 1;
      d.examples = [];
    },
    /^modbus\.readLimit: modbus\.registers\[1\] is wider than 1/,
  ],
  [
    "digits that do not fit",
    (d) => {
      d.modbus.registers[2].digits = 10;
    },
    /^modbus\.registers\[2\]\.digits: 10 digits do not fit into uint32$/,
  ],
  [
    "digits on a voltage",
    (d) => {
      d.modbus.registers[0].digits = 4;
    },
    /only an energy/,
  ],
  [
    "a no-value of another width",
    (d) => {
      d.modbus.registers[1].noValue = "ffff";
    },
    /^modbus\.registers\[1\]\.noValue: int32 has 8 hex digits, this has 4$/,
  ],
  [
    "a no-value that counts pass through",
    (d) => {
      d.modbus.registers[2].noValue = "00ffffff";
    },
    /an energy reaches this value/,
  ],
  [
    "currents that fall",
    (d) => {
      d.plate.imin = 10;
    },
    /^plate: the currents must rise/,
  ],
  [
    "three-phase wiring on one phase",
    (d) => {
      d.plate.wiring = "3P4W";
    },
    /^plate\.wiring: 3P4W does not go with 1 phase/,
  ],
  [
    "control without a relay",
    (d) => {
      d.modbus.control = { unlock: 100, unlockSeconds: 60, mailbox: 110, outcome: 120, relayCoil: 0 };
    },
    /^plate\.relayAmps: a model with modbus\.control has a relay/,
  ],
  [
    "control over registers",
    (d) => {
      d.plate.relayAmps = 60;
      d.modbus.control = { unlock: 100, unlockSeconds: 60, mailbox: 55, outcome: 120, relayCoil: 0 };
    },
    /^modbus\.registers\[2\]: address 62 is taken by modbus\.control\.mailbox \(55 to 63\)$/,
  ],
  [
    "an example with a wrong CRC",
    (d) => {
      d.examples[0].request = "0103001400010000";
    },
    /^examples\[0\]\.request: the CRC does not match; it would be c40e$/,
  ],
  [
    "an example that is no hex",
    (d) => {
      d.examples[0].response = "01 03 xx";
    },
    /^examples\[0\]\.response: '01 03 xx' is wrong; it must be bytes in hex/,
  ],
  [
    "an example that reads otherwise",
    (d) => {
      d.examples[0].reads.voltageL1 = "230.3";
    },
    /^examples\[0\]\.reads\.voltageL1: the response reads 230\.2, not 230\.3$/,
  ],
  [
    "an example that does not reach",
    (d) => {
      d.examples[0].reads.activePower = "1";
    },
    /^examples\[0\]\.reads\.activePower: the request does not reach it$/,
  ],
  [
    "an example of the other table",
    (d) => {
      d.modbus.registers[0].table = "input";
    },
    /it stands in the input table/,
  ],
  [
    "an example that writes",
    (d) => {
      d.examples[0].request = framed("010600140001");
    },
    /^examples\[0\]\.request: it must read registers/,
  ],
  [
    "an answer to something else",
    (d) => {
      d.examples[0].response = framed("02030208fe");
    },
    /^examples\[0\]\.response: it must answer the request/,
  ],
];

describe("a broken file names the place and the fix", () => {
  test.each(broken)("%s", (_, change, message) => {
    const found = problems(document(change));
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(message);
  });
});

test("every problem is told, and no more than a screenful", () => {
  expect(
    problems(
      document((d) => {
        d.phases = 2;
        d.plate.un = -1;
        d.modbus.holes = "zeros";
      }),
    ),
  ).toHaveLength(3);
  expect(problems({ ...Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`k${i}`, i])) })).toHaveLength(20);
});

test("text that is no JSON names line and column", () => {
  expect(parseModelText('{\n  "id": "x",\n}')).toEqual({
    ok: false,
    error: [
      { place: "line 3, column 1", message: 'this is not JSON: a name in double quotes is needed here, not "}"' },
    ],
  });
});

test("any JSON is refused or accepted, never thrown at", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      parseModel(value);
    }),
  );
  const good = document() as Record<string, unknown>;
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(good)), fc.jsonValue(), (key, value) => {
      parseModel({ ...good, [key]: value });
    }),
  );
});
