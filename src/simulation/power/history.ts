/**
 * A random history of one meter, in which the power is cut at every write of its memory: before each write the memory is
 * forked, the write torn at some byte, and a meter powered on from it is judged. Some of the cuts are real: the history goes on
 * with the meter that came back. The same seed is the same history.
 */
import type { MeterConfig } from "../../../firmware-sim/boot.ts";
import { Meter } from "../../../firmware-sim/meter.ts";
import type { MeteringChip } from "../../../firmware-sim/metrology/chip.ts";
import { DirectChip } from "../../../firmware-sim/metrology/direct-chip.ts";
import { MemoryNvram, type Nvram } from "../../../firmware-sim/nvram/nvram.ts";
import { Random } from "../../core/random.ts";
import { civil, MICROS_PER_SECOND, mono, type Now } from "../../core/time.ts";
import type { Verdict } from "../checkers/verdict.ts";
import { ACTIONS, type Deed, drawDeed } from "./deeds.ts";
import { ForkedNvram, type NvramWrite, type TornTail, WatchedNvram, writeCut } from "./memory.ts";
import { drawSetup, type PowerSetup } from "./setup.ts";
import { CountedChip } from "./tap.ts";
import { isSame, type MeterView, viewOf } from "./view.ts";
import { type Pending, Witness } from "./witness.ts";

/** Parts that a test may replace by defective ones. */
export interface PowerParts {
  readonly memory: () => Nvram;
}

export interface HistoryReport {
  readonly seed: number;
  /** Writes of the memory, at each of which the power was cut in a fork. */
  readonly writes: number;
  /** Meters that were powered on from a memory: in forks, and to go on. */
  readonly restarts: number;
  readonly verdict: Verdict;
}

const MOST_DEEDS = 14;
const LONGEST_OUTAGE = 2 * 3_600;
const TAILS: readonly TornTail[] = ["old bytes stay", "cell is cut off"];

class PowerCut extends Error {}

export function runHistory(seed: number, parts: PowerParts = { memory: () => new MemoryNvram() }): HistoryReport {
  const history = new History(seed, parts);
  try {
    history.run();
  } catch (error) {
    // A defect may end in an assertion anywhere: that is a finding of this seed, and no reason to lose it.
    history.witness.check(false, () => `the meter stopped: ${String(error)}`);
  }
  return history.report();
}

class History {
  readonly witness: Witness;
  readonly #seed: number;
  readonly #random: Random;
  readonly #forks: Random;
  readonly #setup: PowerSetup;
  readonly #memory: Nvram;
  readonly #nvram: WatchedNvram;
  #second = 0;
  #pending: Pending = {};
  /** When power comes back in the forks of the present deed, and what a meter then shows if the write under way left no trace. */
  #forkSecond = 0;
  #before: MeterView | undefined;
  /** Writes up to the real cut of the present deed. */
  #cutAfter = Number.POSITIVE_INFINITY;
  /** Times that it was switched on and did not come to run. */
  #starts = 0;
  #writes = 0;
  #restarts = 0;

  constructor(seed: number, parts: PowerParts) {
    this.#seed = seed;
    this.#random = new Random(seed).fork("history");
    this.#forks = new Random(seed).fork("forks");
    this.#setup = drawSetup(new Random(seed).fork("setup"));
    this.witness = new Witness(this.#setup);
    this.#memory = parts.memory();
    this.#nvram = new WatchedNvram(this.#memory, (write) => this.#beforeWrite(write));
    this.#pass(this.#setup.start);
  }

  run(): void {
    let meter = this.#powerOn();
    for (let left = this.#random.between(3, MOST_DEEDS); left > 0; left--) {
      const deed = drawDeed(this.#random, this.#setup, this.witness);
      this.#pass(deed.after);
      this.#pending = deed.pending;
      if (this.#random.chance(1, 4)) this.#cutAfter = this.#random.below(4);
      const kept = this.#attempt(() => this.#act(meter, deed));
      const goes = !kept || deed.kind === "powerLoss" || deed.kind === "powerFail";
      this.#cutAfter = Number.POSITIVE_INFINITY;
      if (goes) meter = this.#comeBack();
      this.#pending = {};
    }
  }

  report(): HistoryReport {
    return { seed: this.#seed, writes: this.#writes, restarts: this.#restarts, verdict: this.witness.verdict() };
  }

  /** False when the power went. */
  #attempt(run: () => void): boolean {
    try {
      run();
      return true;
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
      return false;
    }
  }

  #act(meter: Meter, deed: Deed): void {
    const now = this.#now();
    ACTIONS[deed.kind](meter, deed, now, this.witness);
    if (deed.kind !== "powerLoss") this.witness.shows(viewOf(meter), this.#pending, this.#second);
  }

  /** After an outage; the power may go again while the meter starts. */
  #comeBack(): Meter {
    for (;;) {
      this.#pass(drawOutage(this.#random));
      if (this.#random.chance(1, 5)) this.#cutAfter = this.#random.below(3);
      let meter: Meter | undefined;
      const kept = this.#attempt(() => {
        meter = this.#powerOn();
      });
      this.#cutAfter = Number.POSITIVE_INFINITY;
      if (kept && meter !== undefined) return meter;
    }
  }

  #powerOn(): Meter {
    let chip: CountedChip | undefined;
    const now = this.#now();
    this.#starts += 1;
    const config = this.#config(this.#nvram, (inner) => {
      chip = new CountedChip(inner, now.civil);
      return chip;
    });
    const meter = Meter.powerOn(config, now);
    if (!meter.ok) throw new Error(`it does not start: ${meter.error}`);
    this.#restarts += 1;
    const view = viewOf(meter.value);
    this.witness.restarted(view, this.#pending, this.#second, this.#starts);
    this.#starts = 0;
    this.witness.poweredOn(view, chip?.counts ?? [], this.#second);
    return meter.value;
  }

  /** Cuts the power at this write in a fork, and for real where that is drawn. */
  #beforeWrite(write: NvramWrite): void {
    this.#writes += 1;
    const length = drawLength(this.#forks, write.bytes.length);
    const tail = this.#forks.pick(TAILS);
    const second = this.#forkSecond;
    const torn = this.#fork(write, length, tail);
    this.#before ??= this.#fork(write, undefined, tail).view;
    if (!isSame(torn.view, this.#before)) {
      const after = this.#fork(write, write.bytes.length, tail);
      this.witness.check(
        isSame(torn.view, after.view),
        () => `byte ${length} of ${write.bytes.length} of ${write.cell}: neither the state before nor after the write`,
      );
    }
    // A record counts only with the checkpoint behind it: what a restart finds is the same before its writing and after.
    if (write.offset === undefined) this.#before = undefined;
    this.witness.restarted(torn.view, this.#pending, second, this.#starts + 1);
    if (this.#forks.chance(1, 4)) this.#repeat(torn.meter, torn.view);
    if (this.#cutAfter > 0) {
      this.#cutAfter -= 1;
      return;
    }
    writeCut(this.#memory, write, length, tail);
    throw new PowerCut();
  }

  /** A meter that finds `length` bytes of the write done; none of it and no trace of it without a length. */
  #fork(write: NvramWrite, length: number | undefined, tail: TornTail) {
    const memory = new ForkedNvram(this.#memory);
    if (length !== undefined) writeCut(memory, write, length, tail);
    const meter = Meter.powerOn(
      this.#config(memory, (chip) => chip),
      nowAt(this.#forkSecond, this.#setup.start),
    );
    if (!meter.ok) throw new Error(`it does not start after a cut of ${write.cell}: ${meter.error}`);
    this.#restarts += 1;
    return { meter: meter.value, view: viewOf(meter.value) };
  }

  /** In a fork every order that may have been done is repeated: what was acknowledged stays, the other is done once. */
  #repeat(meter: Meter, came: MeterView): void {
    const now = nowAt(this.#forkSecond, this.#setup.start);
    const known = [...this.witness.outcomes.keys()];
    const id = known.length > 0 ? this.#forks.pick(known) : undefined;
    const order = id === undefined ? undefined : this.witness.orderOf(id);
    if (order !== undefined) {
      const repeated = meter.execute(order, now);
      const first = this.witness.outcomes.get(order.id);
      const same = repeated.status === first?.status && isSame(viewOf(meter), came);
      this.witness.check(same, () => `order ${order.id} was done again after a cut`);
    }
    const pending = this.#pending.order;
    if (pending === undefined || this.witness.outcomes.has(pending.id)) return;
    const first = meter.execute(pending, now);
    const once = viewOf(meter);
    this.witness.bookedOnce(once, first);
    const again = meter.execute(pending, now);
    this.witness.check(
      first.status === again.status && isSame(viewOf(meter), once),
      () => `order ${pending.id} was done twice`,
    );
  }

  #config(nvram: Nvram, watch: (chip: MeteringChip) => MeteringChip): MeterConfig {
    const { model, settings, load, checkpointSeconds } = this.#setup;
    return {
      ...{ id: "history", model, nvram, settings, password: 0 },
      checkpointEvery: checkpointSeconds * MICROS_PER_SECOND,
      chip: (start) => watch(new DirectChip({ phases: model.phases, load, start })),
    };
  }

  #pass(seconds: number): void {
    this.#second += seconds;
    this.#forkSecond = this.#second + drawOutage(this.#forks);
    this.#before = undefined;
  }

  #now(): Now {
    return nowAt(this.#second, this.#setup.start);
  }
}

function nowAt(second: number, start: number): Now {
  return { mono: mono((second - start) * MICROS_PER_SECOND), civil: civil(second * MICROS_PER_SECOND) };
}

function drawOutage(random: Random): number {
  return random.chance(1, 2) ? random.below(5) : random.below(LONGEST_OUTAGE);
}

/** Any byte; the ends, at which most goes wrong, more often. */
function drawLength(random: Random, length: number): number {
  if (random.chance(1, 8)) return 0;
  if (random.chance(1, 8)) return length;
  return random.below(length + 1);
}
