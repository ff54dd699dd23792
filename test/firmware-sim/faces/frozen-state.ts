/** Anything that a meter may show at one instant, within what every format of every face can say. */
import fc from "fast-check";
import type { ChipReadings } from "../../../firmware-sim/metrology/chip.ts";
import { MODELS } from "../../../protocols/models/index.ts";
import type { MeterModel } from "../../../protocols/models/model.ts";

export interface State {
  readonly model: MeterModel;
  readonly chip: ChipReadings;
  /** Windows of energy by quadrant of the phases, to begin with. */
  readonly used: readonly { readonly windows: number; readonly active: number; readonly reactive: number }[];
}

const phases = (highest: number, lowest = 0) =>
  fc.array(fc.integer({ min: lowest, max: highest }), { minLength: 3, maxLength: 3 });
const POWER_LIMIT = 26_000_000;

/** 0.001 %: up to what DL/T 645 can say. */
const content = fc.option(fc.integer({ min: 0, max: 99_999 }));
const channel = fc.record({
  orders: fc.array(content, { minLength: 20, maxLength: 20 }),
  thd: content,
});
const angleOrNone = fc.option(fc.integer({ min: 0, max: 359_999 }));

/** Within what every format can say of an instant: 26 kW a phase, 80 A, 300 V. Energies go past every rollover. */
export const anyState: fc.Arbitrary<State> = fc
  .record({
    model: fc.constantFrom(...MODELS),
    voltage: phases(300_000),
    current: phases(80_000_000),
    active: phases(POWER_LIMIT, -POWER_LIMIT),
    reactive: phases(POWER_LIMIT, -POWER_LIMIT),
    apparent: phases(POWER_LIMIT),
    angle: phases(359_999),
    lineVoltage: phases(520_000),
    neutralCurrent: fc.integer({ min: 0, max: 80_000_000 }),
    frequency: fc.integer({ min: 0, max: 65_000 }),
    fundamentalActive: phases(POWER_LIMIT, -POWER_LIMIT),
    harmonics: fc.option(
      fc.record({
        voltage: fc.tuple(channel, channel, channel),
        current: fc.tuple(channel, channel, channel),
        voltageAngle: fc.tuple(angleOrNone, angleOrNone, angleOrNone),
      }),
    ),
    used: fc.array(
      fc.record({
        windows: fc.oneof(fc.constantFrom(0, 1), fc.integer({ min: 0, max: 1_500 })),
        active: fc.integer({ min: -(2 ** 49), max: 2 ** 49 }),
        reactive: fc.integer({ min: -(2 ** 49), max: 2 ** 49 }),
      }),
      { maxLength: 6 },
    ),
  })
  .map(({ model, used, neutralCurrent, frequency, harmonics, ...perPhase }) => {
    const of = <T>(values: readonly T[]) => values.slice(0, model.phases);
    const { voltage, current, active, reactive, apparent, angle, lineVoltage } = perPhase;
    return {
      model,
      used,
      chip: {
        voltage: of(voltage),
        current: of(current),
        active: of(active),
        reactive: of(reactive),
        // Not below P, so that the power factor is one.
        apparent: of(apparent).map((s, i) => Math.max(s, Math.abs(active[i] as number))),
        angle: of(angle),
        lineVoltage: model.phases === 3 ? lineVoltage : [0, 0, 0],
        neutralCurrent,
        frequency,
        fundamentalActive: of(perPhase.fundamentalActive),
        harmonics: harmonics && {
          voltage: of(harmonics.voltage),
          current: of(harmonics.current),
          voltageAngle: of(harmonics.voltageAngle),
        },
      },
    };
  });
