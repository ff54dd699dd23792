/**
 * The step tariff: the more +A a period has used, the more the next kWh costs. A step begins with the energy after its
 * threshold: the µJ that reaches it is still of the step before.
 */
import { type PricePerKwh, pricePerKwh } from "../../src/core/money.ts";
import { failure, type Result, success } from "../../src/core/result.ts";
import { type LocalSecond, localSecond } from "../clock/local-time.ts";
import { isLess, minus, NO_ENERGY, readAmount, writeAmount } from "../metrology/amounts.ts";
import { type EnergyAmount, plus } from "../metrology/energy.ts";
import { ByteReader, ByteWriter } from "../nvram/bytes.ts";
import { nextStepPeriod } from "./calendar.ts";
import { nextSwitch, type SetNumber, type Step, setAt, type TariffSettings, tableAt } from "./settings.ts";

const LAYOUT = 1;

export interface StepPosition {
  /** Number of the step that energy from now on belongs to, 1 for the first; 0 without a step tariff. */
  readonly step: number;
  /** What it adds to the rate's price; 0 without a step tariff. */
  readonly price: PricePerKwh;
  /** +A since the period began. */
  readonly used: EnergyAmount;
  /** The +A total at which the next step begins; undefined in the last one. */
  readonly nextThreshold: EnergyAmount | undefined;
  readonly set: SetNumber;
  /** When the sets of steps switch next; infinity where they do not. */
  readonly until: LocalSecond;
}

export class StepTariff {
  #settings: TariffSettings;
  #start: EnergyAmount = NO_ENERGY;
  #since: LocalSecond;

  /** A period that begins at `at` with a total of zero. */
  constructor(settings: TariffSettings, at: LocalSecond) {
    this.#settings = settings;
    this.#since = at;
  }

  /** Other tables from now on; the period that runs goes on. */
  configure(settings: TariffSettings): void {
    this.#settings = settings;
  }

  /** When the period began. */
  get since(): LocalSecond {
    return this.#since;
  }

  /** Where the period stands when +A is `total`. */
  position(total: EnergyAmount, at: LocalSecond): StepPosition {
    const { steps: sets } = this.#settings;
    const { steps } = tableAt(sets, at);
    const used = minus(total, this.#start);
    let step = 0;
    while (step < steps.length && !isLess(used, fromOf(steps[step] as Step))) step++;
    const next = steps[step];
    return {
      step,
      price: pricePerKwh(BigInt(steps[step - 1]?.price ?? 0)),
      used,
      nextThreshold: next && plus(this.#start, fromOf(next)),
      set: setAt(sets, at),
      until: nextSwitch(sets, at),
    };
  }

  /** The first second after `after` at which {@link startPeriod} is due. */
  nextPeriod(after: LocalSecond): LocalSecond {
    return nextStepPeriod(this.#settings, after);
  }

  /** A new period begins with this +A total. */
  startPeriod(total: EnergyAmount, at: LocalSecond): void {
    this.#start = total;
    this.#since = at;
  }

  snapshot(): Uint8Array {
    const writer = new ByteWriter().u8(LAYOUT).f64(this.#since);
    writeAmount(writer, this.#start);
    return writer.bytes();
  }

  /** Takes over a {@link snapshot}; on a failure nothing has changed. */
  restore(bytes: Uint8Array): Result<void, string> {
    const reader = new ByteReader(bytes);
    const layout = reader.u8();
    if (layout !== LAYOUT) return failure(`the step period has layout ${layout}; this version reads ${LAYOUT}`);
    const since = reader.f64();
    const start = readAmount(reader);
    const end = reader.end("the record of the step period");
    if (!end.ok) return end;
    if (start === undefined || !Number.isSafeInteger(since)) return failure("the step period's start is no energy");
    this.#start = start;
    this.#since = localSecond(since);
    return success(undefined);
  }
}

function fromOf(step: Step): EnergyAmount {
  return { quanta: step.from, residual: 0 };
}
