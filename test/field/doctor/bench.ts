/** A doctor's adapter and our meters on a copper line: everything that differs from seed to seed is drawn here. */
import { addressOfUnit } from "../../../firmware-sim/faces/dlt645.ts";
import { Iec62056Face } from "../../../firmware-sim/faces/iec62056-21.ts";
import { ModbusSerialFace } from "../../../firmware-sim/faces/modbus-serial.ts";
import { Meter } from "../../../firmware-sim/meter.ts";
import { ClosedFormChip } from "../../../firmware-sim/metrology/closed-form-chip.ts";
import { constantLoad, type Mains, mainsOf } from "../../../firmware-sim/metrology/mains.ts";
import { MemoryNvram } from "../../../firmware-sim/nvram/nvram.ts";
import { rtuTiming } from "../../../protocols/modbus/timing.ts";
import type { MeterModel } from "../../../protocols/models/model.ts";
import { dlt645Visit, iec62056Visit, modbusVisit } from "../../../src/cli/doctor-visit.ts";
import { type LinkEffect, type LinkEvent, linkId } from "../../../src/core/actor.ts";
import { bitsPerCharacter, type LineFormat } from "../../../src/core/line-format.ts";
import { Random } from "../../../src/core/random.ts";
import { civil, mono } from "../../../src/core/time.ts";
import { type Diagnosis, doctor } from "../../../src/field/doctor/doctor.ts";
import { ProbeRunner } from "../../../src/field/probe-runner.ts";
import { type CopperFaults, CopperLine, type PartyOptions, SOUND_COPPER } from "../../../src/simulation/copper.ts";
import { SimHost, World } from "../../../src/simulation/world.ts";
import { faceOf } from "../../firmware-sim/faces/dlt645-support.ts";

export interface MeterOnLine {
  /** Default: the one that the doctor is told. */
  readonly model?: MeterModel;
  readonly unit: number;
  readonly format: LineFormat;
  readonly mains: Mains;
  /** µs from when it would answer to when it does. */
  readonly delay: number;
  readonly party: Partial<PartyOptions>;
}

/** One case: the doctor's adapter, how it is set, and what is on the line. */
export interface Case {
  readonly model: MeterModel;
  /** Of DL/T 645 a line's meters have addresses with the digits of their units. */
  readonly protocol: "modbus" | "dlt645" | "iec62056-21";
  readonly unit: number;
  readonly asked: LineFormat;
  readonly timeout: number;
  readonly adapter: Partial<PartyOptions>;
  readonly faults: Partial<CopperFaults>;
  readonly meters: readonly MeterOnLine[];
}

const START = civil(1_767_225_600e6);
const LONGEST = 600e6;

/** What the doctor says of a case, and with which `effects` it came to that; throws where it comes to no end within ten minutes of the line's time. */
export function diagnose(what: Case, seed: number, effects: LinkEffect[] = []): Diagnosis {
  const world = new World(START);
  const random = new Random(seed).fork("line");
  const adapter = { format: what.asked, lumps: false, echo: false, keepsBad: true, ...what.adapter };
  const line = new CopperLine(world, linkId("line"), adapter, { ...SOUND_COPPER, ...what.faults }, random);
  for (const meter of what.meters) join(world, line, what, meter, seed);
  let told: Diagnosis | undefined;
  const alone = what.meters.every(({ unit }) => unit === what.unit);
  const { tongue, wiring } =
    what.protocol === "modbus"
      ? modbusVisit("rtu", what.unit, what.model)
      : what.protocol === "iec62056-21"
        ? iec62056Visit(String(what.unit))
        : dlt645Visit(alone && seed % 2 === 0 ? undefined : addressOfUnit(what.unit));
  const plan = {
    format: what.asked,
    tongue,
    timeout: what.timeout,
    rounds: 10,
  };
  const options = { links: [line.id], format: what.asked, linkPatience: 1_000_000 };
  const runner = new ProbeRunner(doctor(plan, wiring), options, (diagnosis) => {
    told = diagnosis;
  });
  const host = new SimHost(world, runner, (effect) => {
    effects.push(effect);
    if (effect.kind !== "log") link.perform(effect);
  });
  const link = line.join(runner, (event) => host.post(event), what.adapter);
  for (let until = 1e6; told === undefined && until <= LONGEST; until += 1e6) world.run(mono(until));
  if (told === undefined) throw new Error(`seed ${seed}: no end`);
  return told;
}

function join(
  world: World,
  line: CopperLine,
  { model: told, protocol }: Case,
  { model = told, unit, format, mains, delay, party }: MeterOnLine,
  seed: number,
) {
  const config = {
    ...{ id: "meter", model, nvram: new MemoryNvram(), password: 1, checkpointEvery: 1e12 },
    chip: (start: ReturnType<typeof civil>) =>
      new ClosedFormChip({ plate: model.plate, phases: model.phases, load: constantLoad(mains), start, seed }),
  };
  const meter = Meter.powerOn(config, world.now());
  if (!meter.ok) throw new Error(meter.error);
  const timing = rtuTiming(format.baud, { bitsPerChar: bitsPerCharacter(format), byteTimes: true });
  const face =
    protocol === "modbus"
      ? new ModbusSerialFace(meter.value, unit, line.id, { framing: "rtu", timing }, world.now())
      : protocol === "iec62056-21"
        ? new Iec62056Face(meter.value, world.now(), { address: String(unit), signOnBaud: format.baud })
        : faceOf(meter.value, { address: addressOfUnit(unit) }, world.now());
  const host = new SimHost<LinkEvent, LinkEffect>(world, face, (effect) => {
    if (effect.kind === "log") return;
    if (delay === 0) end.perform(effect);
    else world.after(delay, () => end.perform(effect));
  });
  const end = line.join(face, (event) => host.post(event), {
    format,
    ...{ keepsBad: false, lumps: false, echo: false, swapped: false },
    ...party,
  });
}

export function loadOf(model: MeterModel, random: Random): Mains {
  const unbalance = () => 1 + (random.unit() - 0.5) * 0.04;
  const lag = -15 + random.below(55);
  const three = <T>(make: () => T): T[] => [make(), make(), make()];
  const amperes = model.plate.itr * (0.5 + 4 * random.unit());
  return mainsOf({
    phases: model.phases,
    voltage: three(() => model.plate.un * unbalance()),
    current: three(() => amperes * (0.5 + random.unit())),
    angle: three(() => lag + (random.unit() - 0.5) * 16),
  });
}
