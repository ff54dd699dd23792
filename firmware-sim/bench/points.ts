/** The test points of a class on a meter with this rating plate, in the order a laboratory runs them. */
import type { MeterModel } from "../../protocols/models/model.ts";
import type { Mains } from "../metrology/mains.ts";
import { InfluencePoints } from "./influence-points.ts";
import {
  type AccuracyClass,
  againLimit,
  baseCurrent,
  baseLimit,
  CLOCK_LIMIT,
  dialLimit,
  dialPulses,
  differenceLimit,
  iecShares,
  intrinsicLimit,
  isDirect,
  isR46,
  type Limit,
  noLoadTest,
  repeatabilityLimit,
  startLimit,
  upDownLimit,
} from "./limits.ts";
import { loadOf, scaled, type TestKind, type TestPoint } from "./test-point.ts";

/** Seconds between a measurement and the same again. */
const PAUSE = 300;
/** Seconds at full load between the way up and the way down. */
const EXCURSION = 30;
const ALL = ["1", "0.5L", "0.8C"];
const TWO = ["1", "0.5L"];

interface NamedCurrent {
  readonly name: string;
  readonly amperes: number;
  readonly pfs: readonly string[];
}

/** Every point of a class of active energy. */
export function testPoints(model: MeterModel, cls: AccuracyClass): readonly TestPoint[] {
  const p = new Points(model, cls);
  return [
    ...p.noLoad(),
    ...p.start(),
    ...p.balanced(),
    ...p.singlePhase(),
    ...p.differences(),
    ...p.dial(),
    ...p.spread(),
    ...p.clock(),
    ...p.influences(),
  ];
}

class Points {
  readonly #model: MeterModel;
  readonly #class: AccuracyClass;
  readonly #base: number;

  constructor(model: MeterModel, cls: AccuracyClass) {
    this.#model = model;
    this.#class = cls;
    this.#base = isR46(cls) ? 10 * model.plate.itr : baseCurrent(model.plate);
  }

  noLoad(): TestPoint[] {
    const { seconds, voltage } = noLoadTest(this.#class, this.#model.plate, this.#model.phases);
    const mains = loadOf(this.#model, 0, "1");
    const load = { mains: scaled(mains, voltage) };
    const limit = { percent: 1, recalled: false };
    const name = `no load ${Math.round(voltage * 100)} % Un`;
    return [{ name, test: "no-load", current: 0, pf: "1", load, limit, seconds }];
  }

  start(): TestPoint[] {
    const { ist } = this.#model.plate;
    const load = { mains: loadOf(this.#model, ist, "1") };
    return [{ name: "start at Ist", test: "start", current: ist, pf: "1", load, limit: startLimit(this.#class) }];
  }

  balanced(): TestPoint[] {
    return this.#currents(false).flatMap((c) => c.pfs.map((pf) => this.#intrinsic(c, pf)));
  }

  singlePhase(): TestPoint[] {
    if (this.#model.phases === 1) return [];
    return [0, 1, 2].flatMap((only) =>
      this.#currents(true).flatMap((c) => c.pfs.map((pf) => this.#intrinsic(c, pf, only))),
    );
  }

  /** One loaded phase against the balanced load. */
  differences(): TestPoint[] {
    const limit = differenceLimit(this.#class);
    if (this.#model.phases === 1 || limit === undefined) return [];
    const balanced = { mains: loadOf(this.#model, this.#base, "1") };
    return [0, 1, 2].map((only): TestPoint => {
      const load = { mains: loadOf(this.#model, this.#base, "1", only) };
      const name = `L${only + 1} alone against balanced`;
      return { name, test: "difference", current: this.#base, pf: "1", load, limit, undisturbed: balanced };
    });
  }

  /** At full load the register against pulses, and the registers of the phases against that of the meter. */
  dial(): TestPoint[] {
    const { imax } = this.#model.plate;
    const load = { mains: loadOf(this.#model, imax, "1") };
    const limit = dialLimit(baseLimit(this.#class));
    const pulses = dialPulses(limit);
    const point = { current: imax, pf: "1", load, limit, pulses };
    return [
      { name: "constant at Imax", test: "constant", ...point },
      ...(this.#model.phases === 1
        ? []
        : [{ name: "registers of phases against total", test: "registers" as const, ...point }]),
    ];
  }

  /** The same load measured more than once: in a row, after a pause, before and after full load. */
  spread(): TestPoint[] {
    const { imax } = this.#model.plate;
    const at = (test: TestKind, name: string, current: number, pf: string, limit: Limit): TestPoint => {
      const mains = loadOf(this.#model, current, pf);
      return { name, test, current, pf, load: { mains }, limit };
    };
    const again = (point: TestPoint, mains: Mains, seconds: number) => ({ ...point, between: { mains, seconds } });
    const repeated = repeatabilityLimit(this.#class);
    const varied = againLimit(this.#class);
    const swept = upDownLimit(this.#class);
    const full = loadOf(this.#model, imax, "1");
    const [low, high] = [this.#base / 10, this.#base];
    return [
      ...TWO.map((pf) => at("repeatability", `repeatability PF ${pf}`, high, pf, repeated)),
      ...TWO.map((pf) => {
        const point = at("variation", `again after ${PAUSE / 60} min PF ${pf}`, high, pf, varied);
        return again(point, point.load.mains, PAUSE);
      }),
      ...[low, high, imax / 2]
        .filter((amperes, n) => n < 2 || amperes > high)
        .map((amperes) => {
          const name = `up and down at ${Number(amperes.toPrecision(4))} A`;
          return again(at("up-down", name, amperes, "1", swept), full, EXCURSION);
        }),
    ];
  }

  influences(): TestPoint[] {
    return new InfluencePoints(this.#model, this.#class, this.#base).all();
  }

  clock(): TestPoint[] {
    const load = { mains: loadOf(this.#model, 0, "1") };
    return [{ name: "daily clock error", test: "clock", current: 0, pf: "1", load, limit: CLOCK_LIMIT }];
  }

  #currents(single: boolean): NamedCurrent[] {
    const { imax, itr, imin } = this.#model.plate;
    const base = this.#base;
    if (isR46(this.#class)) {
      const pfs = single || this.#class === "A" ? TWO : ALL;
      const high = [
        { name: "Imax", amperes: imax, pfs },
        ...(!single && imax >= 4 * base ? [{ name: "0.5 Imax", amperes: imax / 2, pfs }] : []),
        ...(base < imax ? [{ name: "10 Itr", amperes: base, pfs }] : []),
        { name: "Itr", amperes: itr, pfs },
      ];
      return single || this.#class === "A" ? high : [...high, { name: "Imin", amperes: imin, pfs: ["1"] }];
    }
    const direct = isDirect(this.#model.plate);
    const unit = direct ? "Ib" : "In";
    const { unity, other } = iecShares(this.#class, direct);
    const pfs = this.#class === "2" || single ? TWO : ALL;
    const part = (share: number, at: readonly string[]) => ({
      name: `${share} ${unit}`,
      amperes: share * base,
      pfs: at,
    });
    const high = [{ name: "Imax", amperes: imax, pfs }, ...(base < imax ? [{ name: unit, amperes: base, pfs }] : [])];
    if (single) return [...high, part(other[1], ["0.5L"]), part(unity[1], ["1"])];
    const half = imax >= 4 * base ? [{ name: "0.5 Imax", amperes: imax / 2, pfs }] : [];
    const phaseShifted = pfs.slice(1);
    return [
      ...high,
      ...half,
      part(other[1], phaseShifted),
      part(unity[1], other[0] === unity[1] ? pfs : ["1"]),
      ...(other[0] === unity[1] ? [] : [part(other[0], phaseShifted)]),
      part(unity[0], ["1"]),
    ];
  }

  #intrinsic(current: NamedCurrent, pf: string, only?: number): TestPoint {
    const { amperes } = current;
    const single = only !== undefined;
    const limit = intrinsicLimit(this.#class, this.#model.plate, { amperes, unity: pf === "1", single });
    const load = { mains: loadOf(this.#model, amperes, pf, only) };
    const name = `${single ? `L${only + 1} ` : ""}${current.name} PF ${pf}`;
    return { name, test: single ? "single-phase" : "balanced", current: amperes, pf, load, limit };
  }
}
