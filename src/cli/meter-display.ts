/** `meter --display`: the meter's glass in the terminal, its two buttons on the keyboard. */
import { Display, type DisplaySource } from "../../firmware-sim/display/display.ts";
import type { DisplaySettings } from "../../firmware-sim/display/screens.ts";
import type { EventKind } from "../../firmware-sim/events/kinds.ts";
import type { Meter } from "../../firmware-sim/meter.ts";
import { toIso } from "../core/time.ts";
import type { SystemClock } from "../platform/clock.ts";
import { renderLcd } from "./lcd.ts";
import type { CommandProcess } from "./process.ts";

/** Four pictures a second: symbols blink, buttons feel immediate. */
const REDRAW_MS = 250;

const KEYS: ReadonlyMap<string, "up" | "down" | "quit"> = new Map([
  ["\x1b[A", "up"],
  ["\x1b[D", "up"],
  ["p", "up"],
  ["\x1b[B", "down"],
  ["\x1b[C", "down"],
  ["n", "down"],
  [" ", "down"],
  ["q", "quit"],
  ["\x03", "quit"],
]);

const HINT = "n or space: next screen · p: back · q: end";

/** Draws in place on a terminal; elsewhere every picture that differs from the one before, for scripts. */
export function showDisplay(proc: CommandProcess, meter: Meter, settings: DisplaySettings, where: string): void {
  const display = new Display(settings, sourceOf(meter, proc.clock), proc.clock.now());
  const out = process.stdout;
  const live = out.isTTY === true;
  let drawn = 0;
  let last = "";
  const draw = () => {
    const lines = picture(display, proc.clock, live);
    if (live) {
      const all = [...lines, HINT, where];
      out.write(`${drawn === 0 ? "" : `\x1b[${drawn}A`}\r\x1b[J${all.join("\n")}\n`);
      drawn = all.length;
    } else if (lines.join("\n") !== last) {
      last = lines.join("\n");
      out.write(`${last}\n`);
    }
  };
  const timer = setInterval(draw, REDRAW_MS);
  proc.cleanup(() => clearInterval(timer));
  draw();
  takeButtons(proc, (button) => {
    display.press(button, proc.clock.now());
    draw();
  });
}

/** Error codes of displays [seen in one article] and the events behind them, while these last. */
const ERRORS: readonly (readonly [EventKind, string])[] = [
  ["batteryLow", "04"],
  ["memoryFault", "06"],
  ["clockFault", "07"],
  ["overload", "51"],
  ["currentUnbalance", "52"],
  ["overVoltage", "53"],
  ["lowPowerFactor", "54"],
  ["demandImport", "55"],
];

const ANY_PHASE = [0, 1, 2, 3] as const;

/** The meter as its display sees it. */
function sourceOf(meter: Meter, clock: SystemClock): DisplaySource {
  return {
    phases: meter.model.phases,
    value: (key) => {
      meter.refresh(clock.now());
      return meter.value(key);
    },
    clock: () => {
      const shown = toIso(meter.clock(clock.now()));
      return { date: shown.slice(2, 10), time: shown.slice(11, 19) };
    },
    icons: () => {
      const { credit, events, relay, tariff } = meter.functions;
      const { tripAt, warning } = relay.status();
      return {
        alarm: warning || credit?.alarm1 === true,
        relayOpen: meter.hasRelay && !meter.relayClosed,
        tripPending: tripAt !== undefined,
        battery: events.open("batteryLow") !== undefined,
        rate: tariff.moment.rate,
      };
    },
    errors: () =>
      ERRORS.flatMap(([kind, code]) =>
        ANY_PHASE.some((phase) => meter.functions.events.open(kind, phase) !== undefined) ? [code] : [],
      ),
  };
}

function picture(display: Display, clock: SystemClock, blinks: boolean): readonly string[] {
  const now = clock.now();
  return renderLcd(display.show(now), !blinks || Math.floor(now.mono / 500_000) % 2 === 0);
}

function takeButtons(proc: CommandProcess, press: (button: "up" | "down") => void): void {
  const { stdin } = process;
  if (stdin.isTTY !== true) return;
  stdin.setRawMode(true);
  const onKey = (data: Buffer) => {
    const key = KEYS.get(data.toString("latin1"));
    if (key === "quit") void proc.stop();
    else if (key !== undefined) press(key);
  };
  stdin.on("data", onKey);
  proc.cleanup(() => {
    stdin.off("data", onKey);
    stdin.setRawMode(false);
    stdin.pause();
  });
}
