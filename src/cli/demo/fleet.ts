/** The demo's meters: one- and three-phase, spread over a virtual RS-485 bus, Modbus TCP and MQTT, each with its truth. */

import type { Meter } from "../../../firmware-sim/meter.ts";
import { constantLoad, mainsOf } from "../../../firmware-sim/metrology/mains.ts";
import { findModel } from "../../../protocols/models/index.ts";
import type { MeterModel } from "../../../protocols/models/model.ts";
import { Random } from "../../core/random.ts";
import { assert } from "../../core/result.ts";
import type { Now } from "../../core/time.ts";
import { DeliveryTruth, WatchedChip } from "../../simulation/truth.ts";
import type { Fidelity } from "../meter-options.ts";
import { powerOn } from "../virtual-meter.ts";

export const PREPAID_METER = "demo-prepaid";
export const DEMO_PASSWORD = 4711;
/** What the prepaid customer draws: enough that the balance visibly falls. */
export const PREPAID_WATTS = 6_900;

export type DemoWire = "rtu" | "tcp" | "mqtt";

export interface DemoMeter {
  readonly id: string;
  readonly wire: DemoWire;
  readonly model: MeterModel;
  readonly meter: Meter;
  readonly truth: DeliveryTruth;
}

/** Model and wire by turn, so that three meters show every wire and six every model. */
const TURNS: readonly (readonly [model: string, wire: DemoWire])[] = [
  ["meterworks-1p", "rtu"],
  ["meterworks-3p", "tcp"],
  ["meterworks-1p", "mqtt"],
  ["eastron-sdm630", "rtu"],
  ["eastron-sdm120", "tcp"],
  ["meterworks-3p", "mqtt"],
];

export function demoMeters(count: number, fidelity: Fidelity, now: Now): readonly DemoMeter[] {
  // The demo is the same every time: what people see is what the guide shows.
  const random = new Random(1);
  return Array.from({ length: count }, (_, i): DemoMeter => {
    const [modelId, wire] = TURNS[i % TURNS.length] as (typeof TURNS)[number];
    const model = findModel(modelId);
    assert(model !== undefined, `the demo's model ${modelId} exists`);
    const id = i === 0 ? PREPAID_METER : `demo-${wire}-${i + 1}`;
    const voltage = 225 + random.below(10);
    const current = i === 0 ? PREPAID_WATTS / voltage : random.between(2, 30);
    const angle = i === 0 ? 0 : random.between(0, 30);
    const load = constantLoad(mainsOf({ phases: model.phases, voltage, current, angle }));
    const truth = new DeliveryTruth(load);
    const meter = powerOn(
      {
        ...{ id, model, load, fidelity, seed: i, password: DEMO_PASSWORD, checkpoint: 10 },
        watch: (chip) => new WatchedChip(chip, truth, now.civil),
      },
      now,
    );
    return { id, wire, model, meter, truth };
  });
}
