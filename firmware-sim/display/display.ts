/**
 * The display: an automatic cycle, a cycle that two buttons walk through, the all-segments test and error codes. Its seconds
 * are those of the people in front of it (monotonic), whatever the speed of the simulated mains.
 */
import { shortObis } from "../../protocols/iec62056-21/obis.ts";
import type { MeasureKey } from "../../src/core/measures.ts";
import { assert } from "../../src/core/result.ts";
import { MICROS_PER_SECOND, type Now } from "../../src/core/time.ts";
import { cutToDigits } from "./digits.ts";
import { type DisplaySettings, digitsOf, type Screen, screensOf } from "./screens.ts";

/** What is on the glass. */
export interface Lcd {
  /** The big digits, at most eight beside points and colons; all segments in the test. */
  readonly digits: string;
  /** OBIS C.D.E or the number of the screen. */
  readonly label: string;
  readonly unit: string;
  /** Quadrant of the total power, 1..4; 0 without load. */
  readonly quadrant: 0 | 1 | 2 | 3 | 4;
  /** Per phase: has voltage, and which way its current flows. */
  readonly phases: readonly { readonly present: boolean; readonly flow: -1 | 0 | 1 }[];
  readonly icons: DisplayIcons;
  /** Every segment is on. */
  readonly test: boolean;
}

export interface DisplayIcons {
  readonly alarm: boolean;
  readonly relayOpen: boolean;
  /** The relay is about to open: the symbol blinks. */
  readonly tripPending: boolean;
  readonly battery: boolean;
  /** The rate in force. */
  readonly rate: number;
}

/** What the display is connected to. */
export interface DisplaySource {
  value(key: MeasureKey): number | null;
  /** Date and time of the meter's clock. */
  clock(): { readonly date: string; readonly time: string };
  readonly phases: 1 | 3;
  icons(): DisplayIcons;
  /** The two digits of the errors that stand now, such as "04" for the clock's battery; none is shown as nothing. */
  errors(): readonly string[];
}

/** The all-segments test at power on, seconds. */
const TEST_SECONDS = 2;
const NO_VALUE = "--------";
const ALL_SEGMENTS = "88888888";

export class Display {
  readonly #settings: DisplaySettings;
  readonly #source: DisplaySource;
  readonly #auto: readonly Screen[];
  readonly #buttons: readonly Screen[];
  #index = 0;
  /** Undefined while the automatic cycle runs. */
  #pressed: number | undefined;
  #turnAt: number;
  #testUntil: number;

  /** @param settings of which {@link displayProblem} found none. */
  constructor(settings: DisplaySettings, source: DisplaySource, now: Now) {
    const auto = screensOf(settings.auto);
    const buttons = screensOf(settings.buttons);
    assert(auto.ok && buttons.ok, "display settings are checked before they are used");
    this.#settings = settings;
    this.#source = source;
    this.#auto = auto.value.filter((s) => this.#has(s));
    this.#buttons = buttons.value.filter((s) => this.#has(s));
    this.#testUntil = now.mono + TEST_SECONDS * MICROS_PER_SECOND;
    this.#turnAt = this.#testUntil + settings.seconds * MICROS_PER_SECOND;
  }

  /** The buttons: down goes on, up goes back. The first press of either leaves the automatic cycle. */
  press(button: "up" | "down", now: Now): void {
    this.#turn(now);
    this.#testUntil = now.mono;
    if (this.#pressed === undefined) this.#index = 0;
    else {
      const count = this.#buttons.length;
      this.#index = (this.#index + (button === "down" ? 1 : count - 1)) % count;
    }
    this.#pressed = now.mono;
  }

  #turn(now: Now): void {
    if (this.#pressed !== undefined) {
      const end = this.#pressed + this.#settings.returnAfter * MICROS_PER_SECOND;
      if (now.mono < end) return;
      this.#pressed = undefined;
      this.#index = 0;
      this.#turnAt = end + this.#settings.seconds * MICROS_PER_SECOND;
    }
    const turns = Math.floor((now.mono - this.#turnAt) / (this.#settings.seconds * MICROS_PER_SECOND)) + 1;
    if (turns <= 0) return;
    // Errors come at the end of every cycle.
    this.#index = (this.#index + turns) % (this.#auto.length + this.#source.errors().length);
    this.#turnAt += turns * this.#settings.seconds * MICROS_PER_SECOND;
  }

  /** What is on the glass now. */
  show(now: Now): Lcd {
    this.#turn(now);
    const test = now.mono < this.#testUntil;
    const screens = this.#pressed === undefined ? this.#auto : this.#buttons;
    const screen = screens[this.#index];
    const shown = test ? TEST : screen === undefined ? this.#error() : this.#screen(screen);
    return {
      ...shown,
      quadrant: (this.#source.value("quadrant") ?? 0) as Lcd["quadrant"],
      phases: phasesOf(this.#source),
      icons: this.#source.icons(),
    };
  }

  #error(): Shown {
    const code = this.#source.errors()[this.#index - this.#auto.length];
    return { digits: code === undefined ? NO_VALUE : `Err-${code}`, label: "", unit: "", test: false };
  }

  #screen(screen: Screen): Shown {
    const number = String(this.#index + 1).padStart(2, "0");
    const label = (obis: string) => (this.#settings.label === "obis" ? obis : number);
    if (screen.kind === "special") {
      const { date, time } = this.#source.clock();
      if (screen.item === "test") return TEST;
      return screen.item === "date"
        ? { digits: date, label: label("0.9.2"), unit: "", test: false }
        : { digits: time, label: label("0.9.1"), unit: "", test: false };
    }
    const m = screen.measure;
    const value = this.#source.value(m.key);
    const digits = digitsOf(m, this.#settings);
    return {
      digits: value === null ? NO_VALUE : cutToDigits(m, value, digits),
      label: label(shortObis(m.obis)),
      unit: digits.unit ?? "",
      test: false,
    };
  }

  #has(screen: Screen): boolean {
    return screen.kind === "special" || (screen.measure.phase ?? 1) <= this.#source.phases;
  }
}

type Shown = Pick<Lcd, "digits" | "label" | "unit" | "test">;
const TEST: Shown = { digits: ALL_SEGMENTS, label: "8.8.8", unit: "kWh", test: true };

const PRESENT_MILLIVOLTS = 10_000;

function phasesOf(source: DisplaySource): Lcd["phases"] {
  const phases = source.phases === 1 ? ([1] as const) : ([1, 2, 3] as const);
  return phases.map((phase) => {
    const power = source.value(`activePowerL${phase}`) ?? 0;
    return {
      present: (source.value(`voltageL${phase}`) ?? 0) >= PRESENT_MILLIVOLTS,
      flow: power > 0 ? 1 : power < 0 ? -1 : 0,
    };
  });
}
