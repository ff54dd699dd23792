/** What the doctor asks a meter, by protocol and model. */
import { planReads } from "../../headend/schedule/poll-plan.ts";
import type { MeterModel } from "../../protocols/models/model.ts";
import type { MeasureKey } from "../core/measures.ts";
import { dlt645Tongue, dlt645Wiring } from "../field/doctor/dlt645.ts";
import type { WiringPlan } from "../field/doctor/doctor.ts";
import { WIRING_MEASURES, type WiringModel } from "../field/doctor/electrical.ts";
import { iec62056Tongue } from "../field/doctor/iec62056-21.ts";
import {
  type ModbusFraming,
  modbusTongue,
  type RegisterBlock,
  registerQuestion,
  valuesOf,
} from "../field/doctor/modbus.ts";
import type { Tongue } from "../field/doctor/question.ts";

interface Visit {
  readonly tongue: Tongue;
  /** Undefined where nobody knows what the registers mean. */
  readonly wiring: WiringPlan | undefined;
}

/** Of a meter whose map is not known: any answer will do, an exception too. */
const ANY_REGISTERS: readonly RegisterBlock[] = [
  { function: 3, address: 0, quantity: 1, entries: [] },
  { function: 3, address: 0, quantity: 24, entries: [] },
];

/** @param model undefined where nobody knows it: then the line alone is judged */
export function modbusVisit(framing: ModbusFraming, unit: number, model: MeterModel | undefined): Visit {
  if (model === undefined) return { tongue: modbusTongue(framing, unit, ANY_REGISTERS), wiring: undefined };
  const map = model.modbus;
  const has = new Set<MeasureKey>(map.registers.map(({ measure }) => measure));
  const wanted = WIRING_MEASURES.filter((key) => has.has(key));
  const reads = planReads(map, wanted).map((block) => ({
    question: registerQuestion(framing, unit, block),
    values: (frame: Uint8Array) => valuesOf(framing, map, block, frame),
  }));
  return {
    tongue: modbusTongue(framing, unit, planReads(map)),
    wiring: { model: wiringOf(model), reads, refusals: "other-model" },
  };
}

/** A fifth of the transitional current, from which on a meter has its full accuracy. */
function wiringOf({ phases, pfSign, plate }: MeterModel): WiringModel {
  return { phases, pfSign, leastCurrent: plate.itr / 5 };
}

/** @param address undefined: any meter */
export function dlt645Visit(address: string | undefined): Visit {
  return { tongue: dlt645Tongue(address), wiring: dlt645Wiring(address) };
}

/** @param address empty: whoever is there */
export function iec62056Visit(address: string): Visit {
  return { tongue: iec62056Tongue(address), wiring: undefined };
}
