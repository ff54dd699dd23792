/** What can be wrong, as cases drawn from a seed; the name is the cause that the doctor must find. */
import type { Mains, PhaseMains } from "../../../firmware-sim/metrology/mains.ts";
import { MODELS } from "../../../protocols/models/index.ts";
import type { MeterModel } from "../../../protocols/models/model.ts";
import type { LineFormat } from "../../../src/core/line-format.ts";
import type { MeasureKey } from "../../../src/core/measures.ts";
import type { Random } from "../../../src/core/random.ts";
import type { Cause } from "../../../src/field/doctor/finding.ts";
import { bitTime } from "../../../src/simulation/copper/character.ts";
import { type Case, loadOf, type MeterOnLine } from "./bench.ts";

type Draw = (random: Random) => Case;

const BAUDS = [2_400, 4_800, 9_600, 19_200, 38_400];
const PARITIES = ["none", "even", "odd"] as const;

function formatOf(random: Random, bauds = BAUDS): LineFormat {
  return { baud: random.pick(bauds), parity: random.pick(PARITIES), dataBits: 8, stopBits: 1 };
}

/** A sound line with one meter, as the given parts change it. */
function sound(
  random: Random,
  models: readonly MeterModel[] = MODELS,
  bauds = BAUDS,
): Case & { readonly meters: readonly [MeterOnLine] } {
  const model = random.pick(models);
  const unit = random.between(1, 247);
  const format = formatOf(random, bauds);
  const delay = random.between(0, 60_000);
  const meter = { unit, format, mains: loadOf(model, random), delay, party: {} };
  return {
    model,
    protocol: "modbus",
    unit,
    asked: format,
    timeout: 1_000_000,
    adapter: {},
    faults: {},
    meters: [meter],
  };
}

/** The same case with other mains at its meter. */
function wired(
  draw: Case & { readonly meters: readonly [MeterOnLine] },
  change: (phases: readonly PhaseMains[]) => readonly PhaseMains[],
): Case {
  const [meter] = draw.meters;
  const mains: Mains = { ...meter.mains, phases: change(meter.mains.phases) };
  return { ...draw, meters: [{ ...meter, mains }] };
}

function having(...keys: MeasureKey[]): readonly MeterModel[] {
  return MODELS.filter(
    ({ phases, modbus }) =>
      phases === 3 && keys.every((key) => modbus.registers.some(({ measure }) => measure === key)),
  );
}

const THREE_PHASE = having("activePowerL1");
const WITH_ANGLES = MODELS.filter(
  (model) =>
    having("reactivePowerL1").includes(model) ||
    (having("powerFactorL1").includes(model) && model.pfSign === "inductive"),
);

export const SCENARIOS: Readonly<Partial<Record<Cause, Draw>>> = {
  healthy: (random) => sound(random),
  "no-traffic": (random) => {
    const draw = sound(random);
    const [meter] = draw.meters;
    // Another address, or nobody at all.
    return { ...draw, meters: random.chance(1, 2) ? [] : [{ ...meter, unit: (meter.unit % 247) + 1 }] };
  },
  echo: (random) => ({ ...sound(random), adapter: { echo: true } }),
  "wrong-baud": (random) => {
    const draw = sound(random);
    const others = [...BAUDS, 1_200, 57_600, 115_200].filter((baud) => baud !== draw.asked.baud);
    return { ...draw, asked: { ...draw.asked, baud: random.pick(others), parity: random.pick(PARITIES) } };
  },
  "wrong-parity": (random) => {
    const draw = sound(random);
    const parity = random.pick(PARITIES.filter((other) => other !== draw.asked.parity));
    return { ...draw, asked: { ...draw.asked, parity } };
  },
  "swapped-wires": (random) => {
    const draw = sound(random);
    const [meter] = draw.meters;
    // The bias of the line is right for the one who is not swapped.
    return random.chance(1, 2)
      ? { ...draw, adapter: { swapped: true } }
      : { ...draw, meters: [{ ...meter, party: { swapped: true } }] };
  },
  "two-meters": (random) => {
    const draw = sound(random);
    const [meter] = draw.meters;
    const together = random.chance(1, 2);
    const delay = together ? meter.delay : random.between(0, 60_000);
    return { ...draw, meters: [meter, { ...meter, delay, mains: loadOf(draw.model, random) }] };
  },
  noise: (random) => {
    const draw = sound(random);
    const bursts = { noise: random.between(2_000, 4_000) };
    const glitches = { flipped: random.between(120, 250) };
    return { ...draw, faults: random.pick([bursts, glitches, { ...bursts, ...glitches }]) };
  },
  "missing-termination": (random) => {
    const draw = sound(random, MODELS, [9_600, 19_200, 38_400, 57_600, 115_200]);
    const perEdge = 0.0015 + 0.003 * random.unit();
    return { ...draw, faults: { ringing: bitTime(draw.asked) / 2 / Math.log(1 / perEdge) } };
  },
  "missing-bias": (random) => ({ ...sound(random), faults: { stray: random.between(2_500, 7_000) } }),
  "adapter-latency": (random) => ({ ...sound(random), adapter: { lumps: true } }),
  "slow-meter": (random) => {
    const draw = sound(random);
    const [meter] = draw.meters;
    return { ...draw, meters: [{ ...meter, delay: random.between(1_050_000, 2_700_000) }] };
  },
  "phase-order": (random) =>
    wired(sound(random, having("phaseSequence")), (phases) =>
      phases.map((phase) => ({ ...phase, voltageAngle: -phase.voltageAngle })),
    ),
  "ct-reversed": (random) => {
    const turned = random.pick([[0], [1], [2], [0, 1], [0, 2], [1, 2]]);
    return wired(sound(random, THREE_PHASE), (phases) =>
      phases.map((phase, i) => (turned.includes(i) ? { ...phase, angle: phase.angle + 180 } : phase)),
    );
  },
  "ct-wrong-phase": (random) => {
    const from = random.pick([
      [1, 0, 2],
      [2, 1, 0],
      [0, 2, 1],
      [1, 2, 0],
      [2, 0, 1],
    ]);
    return wired(sound(random, WITH_ANGLES), (phases) =>
      phases.map((phase, i) => {
        const { current, angle, voltageAngle } = phases[from[i] as number] as PhaseMains;
        // Moved all alike, loads far from the usual look like power fed back.
        const lag = Math.min(35, Math.max(0, angle));
        return { ...phase, current, angle: lag - voltageAngle + phase.voltageAngle };
      }),
    );
  },
  "neutral-lost": (random) => {
    const [size, direction] = [50 + 35 * random.unit(), 360 * random.unit()];
    return wired(sound(random, THREE_PHASE), (phases) => phases.map((phase) => drifted(phase, size, direction)));
  },
};

/** The voltage against a star point that has moved by so many volts. */
function drifted(phase: PhaseMains, size: number, direction: number): PhaseMains {
  const radians = Math.PI / 180;
  const x = phase.voltage * Math.cos(phase.voltageAngle * radians) - size * Math.cos(direction * radians);
  const y = phase.voltage * Math.sin(phase.voltageAngle * radians) - size * Math.sin(direction * radians);
  return { ...phase, voltage: Math.hypot(x, y), voltageAngle: Math.atan2(y, x) / radians };
}

/** The same fault before meters that speak DL/T 645; the models differ in what they measure only. */
export const ON_DLT645: readonly Cause[] = [
  ...(["healthy", "no-traffic", "echo", "wrong-baud", "wrong-parity", "swapped-wires", "two-meters", "noise"] as const),
  ...([
    "missing-termination",
    "missing-bias",
    "adapter-latency",
    "slow-meter",
    "ct-reversed",
    "ct-wrong-phase",
  ] as const),
];

/**
 * Not two meters, which identify themselves alike when they are of one model; not slow ones, as a reaction of more than 1.5 s
 * is none of this protocol; and not reflections, for which an identification has too few edges.
 */
export const ON_IEC62056: readonly Cause[] = [
  ...(["healthy", "no-traffic", "echo", "wrong-baud", "wrong-parity", "swapped-wires", "noise"] as const),
  ...(["missing-bias", "adapter-latency"] as const),
];

/** The case at the speeds and with the characters of IEC 62056-21; its faults as they were. */
export function onIec62056(what: Case): Case {
  const characters = (format: LineFormat): LineFormat => ({ ...format, dataBits: 7 });
  const meters = what.meters.map((meter) => ({ ...meter, format: characters(meter.format) }));
  return { ...what, protocol: "iec62056-21", asked: characters(what.asked), meters };
}
