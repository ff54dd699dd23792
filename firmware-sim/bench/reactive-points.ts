/** The test points of a class of reactive energy: import (quadrants I and II), the same of export (III and IV). */
import type { MeterModel } from "../../protocols/models/model.ts";
import type { Mains } from "../metrology/mains.ts";
import type { Counted } from "../metrology/pulses.ts";
import { signed } from "./influence-points.ts";
import { baseCurrent, dialLimit, dialPulses, isDirect, type Limit } from "./limits.ts";
import {
  REACTIVE_START,
  type ReactiveClass,
  type ReactiveInfluence,
  reactiveBase,
  reactiveLimit,
  reactiveNoLoad,
  reactiveRepeatability,
  reactiveShares,
  reactiveStart,
  reactiveVariation,
  type Sine,
} from "./reactive-limits.ts";
import { mainsAt, scaled, type TestKind, type TestPoint } from "./test-point.ts";
import type { TestLoad } from "./waves.ts";

type Direction = Counted["direction"];

/** sin φ with the character of the load. */
const ANGLES = new Map<string, number>(
  (["0.5", "0.25"] as const).flatMap((sine) => {
    const acute = (Math.asin(Number(sine)) * 180) / Math.PI;
    return [[`${sine}L`, acute] as const, [`${sine}C`, 180 - acute] as const];
  }),
).set("1", 90);
const ALL = ["1", "0.5L", "0.5C"];
const SHIFTED = ["0.5L", "0.5C"];
const QUARTER = ["0.25L", "0.25C"];
const TWO = ["1", "0.5L"];

/** Every point of a class of reactive energy. */
export function reactivePoints(model: MeterModel, cls: ReactiveClass): readonly TestPoint[] {
  const p = new ReactivePoints(model, cls);
  return [
    ...p.noLoad(),
    ...(["import", "export"] as const).flatMap((direction) => [
      ...p.start(direction),
      ...p.balanced(direction),
      ...p.singlePhase(direction),
      ...p.dial(direction),
    ]),
    ...p.repeatability(),
    ...p.influences(),
  ];
}

class ReactivePoints {
  readonly #model: MeterModel;
  readonly #class: ReactiveClass;
  readonly #base: number;

  constructor(model: MeterModel, cls: ReactiveClass) {
    this.#model = model;
    this.#class = cls;
    this.#base = baseCurrent(model.plate);
  }

  noLoad(): TestPoint[] {
    const seconds = reactiveNoLoad(this.#class, this.#model.plate, this.#model.phases);
    const load = { ...this.#load(0, "1", "import"), mains: scaled(mainsAt(this.#model, 0, 90), 1.15) };
    const limit = { percent: 1, recalled: false };
    return [{ name: "no load 115 % Un", test: "no-load", current: 0, pf: "sin 1", load, limit, seconds }];
  }

  start(direction: Direction): TestPoint[] {
    const amperes = reactiveStart(this.#class, this.#model.plate);
    return [this.#point("start", "start", amperes, "1", direction, REACTIVE_START)];
  }

  balanced(direction: Direction): TestPoint[] {
    const { imax } = this.#model.plate;
    const direct = isDirect(this.#model.plate);
    const unit = direct ? "Ib" : "In";
    const base = this.#base;
    const { unity, other } = reactiveShares(this.#class, direct);
    const part = (share: number, sines: readonly string[]) => [`${share} ${unit}`, share * base, sines] as const;
    return [
      ["Imax", imax, ALL] as const,
      ...(imax >= 4 * base ? [["0.5 Imax", imax / 2, ALL] as const] : []),
      ...(base < imax ? [[unit, base, [...ALL, ...QUARTER]] as const] : []),
      part(other[1], SHIFTED),
      ...(other[0] === unity[1] ? [part(unity[1], ALL)] : [part(unity[1], ["1"]), part(other[0], SHIFTED)]),
      part(unity[0], ["1"]),
    ].flatMap(([name, amperes, sines]) => sines.map((sine) => this.#intrinsic(name, amperes, sine, direction)));
  }

  singlePhase(direction: Direction): TestPoint[] {
    if (this.#model.phases === 1) return [];
    const unit = isDirect(this.#model.plate) ? "Ib" : "In";
    return [0, 1, 2].flatMap((only) => TWO.map((sine) => this.#intrinsic(unit, this.#base, sine, direction, only)));
  }

  /** Register against pulses at full load. */
  dial(direction: Direction): TestPoint[] {
    const limit = dialLimit(reactiveBase(this.#class));
    const point = this.#point("constant", "constant at Imax", this.#model.plate.imax, "1", direction, limit);
    return [{ ...point, pulses: dialPulses(limit) }];
  }

  repeatability(): TestPoint[] {
    const limit = reactiveRepeatability(this.#class);
    return TWO.map((sine) => this.#point("repeatability", "repeatability", this.#base, sine, "import", limit));
  }

  influences(): TestPoint[] {
    return TWO.flatMap((sine) => {
      const from = this.#load(this.#base, sine, "import");
      const other = sine === "1" ? "" : "0.5L";
      const against = (kind: "voltage" | "frequency", percent: number, mains: Mains): TestPoint[] => {
        const limit = reactiveVariation(this.#class, `${kind}${other}` satisfies ReactiveInfluence);
        if (limit === undefined) return [];
        const name = `${kind} ${signed(percent)} %`;
        const point = this.#point("influence", name, this.#base, sine, "import", limit);
        return [{ ...point, load: { ...from, mains }, undisturbed: from }];
      };
      return [
        ...[-10, 10].flatMap((percent) => against("voltage", percent, scaled(from.mains, 1 + percent / 100))),
        ...[-2, 2].flatMap((percent) => {
          const frequency = from.mains.frequency * (1 + percent / 100);
          return against("frequency", percent, { ...from.mains, frequency });
        }),
      ];
    });
  }

  #intrinsic(current: string, amperes: number, text: string, direction: Direction, only?: number): TestPoint {
    const single = only !== undefined;
    const sine = text.replace(/[LC]$/, "") as Sine;
    const limit = reactiveLimit(this.#class, this.#model.plate, { amperes, sine, single });
    const name = `${single ? `L${only + 1} ` : ""}${current}`;
    return this.#point(single ? "single-phase" : "balanced", name, amperes, text, direction, limit, only);
  }

  #point(
    test: TestKind,
    name: string,
    amperes: number,
    sine: string,
    direction: Direction,
    limit: Limit,
    only?: number,
  ): TestPoint {
    const pf = `sin ${direction === "export" ? "-" : ""}${sine}`;
    const load = this.#load(amperes, sine, direction, only);
    return { name: `${name} ${pf}`, test, current: amperes, pf, load, limit };
  }

  /** On export the current is turned around: inductive is quadrant III, capacitive IV. */
  #load(amperes: number, sine: string, direction: Direction, only?: number): TestLoad {
    const degrees = (ANGLES.get(sine) as number) + (direction === "export" ? 180 : 0);
    return { mains: mainsAt(this.#model, amperes, degrees, only), counted: { quantity: "reactive", direction } };
  }
}
