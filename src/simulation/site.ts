/** The site of a run: buses, broker, store, and the meters with their loads, drawn from the seed. */
import { type LoadSource, mainsOf, stepLoad } from "../../firmware-sim/metrology/mains.ts";
import { MemoryNvram, type Nvram } from "../../firmware-sim/nvram/nvram.ts";
import { type RtuTiming, rtuTiming } from "../../protocols/modbus/timing.ts";
import { findModel } from "../../protocols/models/index.ts";
import type { MeterModel } from "../../protocols/models/model.ts";
import { linkId } from "../core/actor.ts";
import type { LineFormat } from "../core/line-format.ts";
import type { Random } from "../core/random.ts";
import { assert } from "../core/result.ts";
import { MICROS_PER_SECOND } from "../core/time.ts";
import { VirtualBroker } from "./broker.ts";
import { CopperLine, type PartyOptions } from "./copper.ts";
import { type SimBus, VirtualLine } from "./line.ts";
import { drawSettings } from "./meter-settings.ts";
import type { CopperOptions, SimOptions } from "./options.ts";
import type { SimMeterConfig, SimWire } from "./sim-meter.ts";
import { SimStore, type StoreFaults } from "./store.ts";
import type { World } from "./world.ts";

export const SIM_PASSWORD = 4711;
const BAUD = 9_600;
const BITS_PER_CHAR = 10;
const EIGHT_N_ONE: LineFormat = { baud: BAUD, dataBits: 8, parity: "none", stopBits: 1 };
const MINUTE = 60 * MICROS_PER_SECOND;

export interface Site {
  readonly baud: number;
  readonly bitsPerChar: number;
  readonly lines: readonly SimBus[];
  /** Those of the lines that are simulated by bits: all or none. */
  readonly copper: readonly CopperLine[];
  /** How the head-end's port on each line is set. */
  readonly port: Pick<PartyOptions, "lumps" | "echo" | "keepsBad">;
  readonly broker: VirtualBroker;
  readonly store: SimStore;
  readonly meters: readonly SimMeterConfig[];
  /** Ids of the meters with a prepaid account: some of those with a relay. */
  readonly prepaid: readonly string[];
}

/** Parts that a test may replace by defective ones. */
export interface SiteParts {
  readonly store: (world: World, faults: StoreFaults, random: Random) => SimStore;
  readonly nvram: () => Nvram;
}

export const SOUND_PARTS: SiteParts = {
  store: (world, faults, random) => new SimStore(world, faults, random),
  nvram: () => new MemoryNvram(),
};

export function buildSite(world: World, options: SimOptions, random: Random, parts: SiteParts): Site {
  const broker = new VirtualBroker(world, options.broker, random.fork("broker"));
  const store = parts.store(world, options.store, random.fork("store"));
  const lines: SimBus[] = [];
  const { copper } = options;
  const meters: Omit<SimMeterConfig, "settings">[] = [];
  let onLine = 0;
  for (let i = 0; i < options.meters; i++) {
    const overMqtt = random.below(100) < options.mqttShare;
    const model = drawModel(random, overMqtt);
    let wire: SimWire = { kind: "mqtt", broker, interval: options.pollMinutes * MINUTE };
    if (!overMqtt) {
      if (onLine % options.metersPerLine === 0) lines.push(newLine(world, lines.length, options, random));
      wire = {
        kind: "line",
        line: lines.at(-1) as SimBus,
        unit: (onLine % options.metersPerLine) + 1,
        timing: meterTiming(copper),
      };
      onLine += 1;
    }
    meters.push({ ...meterConfig(`sim-${i + 1}`, model, wire, world, options, random), nvram: parts.nvram() });
  }
  const withRelay = meters.filter(({ model }) => model.plate.relayAmps !== null);
  const prepaid = withRelay.filter(() => random.chance(1, 2)).map(({ id }) => id);
  return {
    ...{ baud: BAUD, bitsPerChar: BITS_PER_CHAR, lines, broker, store, prepaid },
    meters: meters.map((meter) => ({
      ...meter,
      settings: drawSettings(meter.model, prepaid.includes(meter.id), random.fork(`functions of ${meter.id}`)),
    })),
    copper: lines.filter((line) => line instanceof CopperLine),
    // A computer's driver hands bytes with a wrong stop bit over, a meter's does not.
    port: { lumps: copper?.headendLumps ?? true, echo: copper?.headendEcho ?? false, keepsBad: true },
  };
}

/** Lines by frames hand whole ones over, and so does a UART that is read now and then. */
export function meterTiming(copper: CopperOptions | null): RtuTiming {
  return rtuTiming(BAUD, { bitsPerChar: BITS_PER_CHAR, byteTimes: copper !== null && !copper.meterLumps });
}

function newLine(world: World, index: number, options: SimOptions, random: Random): SimBus {
  const id = linkId(`bus-${index + 1}`);
  if (options.copper !== null) {
    const { faults, meterLumps } = options.copper;
    const party = { format: EIGHT_N_ONE, lumps: meterLumps, echo: false, keepsBad: false };
    return new CopperLine(world, id, party, faults, random.fork(id));
  }
  return new VirtualLine(world, id, BAUD, BITS_PER_CHAR, options.line, random.fork(id));
}

/** Over MQTT only the native meters speak. */
function drawModel(random: Random, overMqtt: boolean): MeterModel {
  const id = overMqtt
    ? random.pick(["meterworks-1p", "meterworks-3p"])
    : random.pick(["meterworks-1p", "meterworks-3p", "eastron-sdm630", "eastron-sdm120"]);
  const model = findModel(id);
  assert(model !== undefined, `model ${id} exists`);
  return model;
}

function meterConfig(
  id: string,
  model: MeterModel,
  wire: SimWire,
  world: World,
  options: SimOptions,
  random: Random,
): Omit<SimMeterConfig, "nvram" | "settings"> {
  const voltage = random.between(210, 250);
  const { load, peakWatts } = drawLoad(model, voltage, world, options, random);
  return {
    ...{ id, model, wire, load, peakWatts, voltage },
    password: SIM_PASSWORD,
    seed: random.uint32(),
    checkpointSeconds: options.checkpointSeconds,
  };
}

/** A load that steps at random minutes; import only, so that the truth needs no quadrants. */
function drawLoad(
  model: MeterModel,
  voltage: number,
  world: World,
  options: SimOptions,
  random: Random,
): { load: LoadSource; peakWatts: number } {
  let peakWatts = 0;
  const steps = Array.from({ length: 4 * options.days }, () => {
    const current = random.chance(1, 8) ? 0 : random.between(1, 300) / 10;
    const angle = random.between(-60, 60);
    peakWatts = Math.max(peakWatts, voltage * current * model.phases);
    return {
      seconds: random.between(60, 43_200),
      mains: mainsOf({ phases: model.phases, voltage, current, angle: (angle + 360) % 360 }),
    };
  });
  return { load: stepLoad(world.now().civil, steps), peakWatts };
}
