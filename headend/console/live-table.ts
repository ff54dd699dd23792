/** What the head-end knows, as a table that is redrawn in the terminal, with the newest happenings below it. */

import { type MeasureKey, type MeasureValues, measure, showValue } from "../../src/core/measures.ts";
import { type Civil, toIso } from "../../src/core/time.ts";
import type { MeterId, Notice } from "../ports.ts";
import { showMoney } from "../view.ts";

interface Row {
  readonly via: string;
  time: Civil | undefined;
  values: MeasureValues;
  readings: number;
  errors: number;
  balance: string;
}

const HEADINGS = [
  "meter",
  "via",
  "U L1 [V]",
  "I L1 [A]",
  "P [W]",
  "import [kWh]",
  "relay",
  "balance",
  "readings",
  "errors",
];
const RIGHT = new Set([2, 3, 4, 5, 7, 8, 9]);
const HAPPENINGS = 8;

export class LiveTable {
  readonly #rows = new Map<MeterId, Row>();
  readonly #happenings: string[] = [];
  #clock: Civil | undefined;

  /** Meters that shall be shown before they were heard of, in this order. */
  constructor(meters: readonly { readonly id: MeterId; readonly via: string }[]) {
    for (const { id, via } of meters) this.#row(id, via);
  }

  take(notice: Notice): void {
    switch (notice.kind) {
      case "reading": {
        const { meter, time, values, source } = notice.reading;
        const row = this.#row(meter, source);
        row.time = time;
        row.values = values;
        row.readings += 1;
        this.#clock = time;
        return;
      }
      case "poll":
        if (!notice.ok) this.#row(notice.meter, "modbus").errors += 1;
        return;
      case "balance": {
        const row = this.#row(notice.meter, "");
        row.balance =
          `${showMoney(notice.balance, notice.currency)} ${notice.level === "good" ? "" : notice.level}`.trim();
        return;
      }
      case "order": {
        const { operation, meter, state, reason } = notice.order;
        // The steps in between pass within a blink; the log and the store have them.
        if (state !== "sent" && state !== "acknowledged") this.note(`${meter}: ${operation} ${state} (${reason})`);
      }
    }
  }

  /** Adds a line below the table. */
  note(text: string): void {
    const at = this.#clock === undefined ? "" : `${toIso(this.#clock).slice(11, 19)} `;
    this.#happenings.push(`${at}${text}`);
    if (this.#happenings.length > HAPPENINGS) this.#happenings.shift();
  }

  /** The whole picture, each line cut at `width`. */
  render(width: number): readonly string[] {
    const cells = [...this.#rows].map(([id, row]) => [
      id,
      row.via,
      shown(row.values, "voltageL1", 1),
      shown(row.values, "currentL1", 2),
      shown(row.values, "activePower", 0),
      shown(row.values, "activeEnergyImport", 3),
      relay(row.values),
      row.balance,
      String(row.readings),
      String(row.errors),
    ]);
    const all = [HEADINGS, ...cells];
    const widths = HEADINGS.map((_, i) => Math.max(...all.map((row) => (row[i] as string).length)));
    const lines = all.map((row) => row.map((cell, i) => align(cell, widths[i] as number, RIGHT.has(i))).join("  "));
    const rule = "─".repeat(widths.reduce((sum, w) => sum + w + 2, -2));
    const [head = "", ...body] = lines;
    return [head, rule, ...body, "", ...this.#happenings].map((line) => line.slice(0, width).trimEnd());
  }

  #row(id: MeterId, via: string): Row {
    let row = this.#rows.get(id);
    if (row === undefined) {
      row = { via, time: undefined, values: {}, readings: 0, errors: 0, balance: "" };
      this.#rows.set(id, row);
    }
    return row;
  }
}

function shown(values: MeasureValues, key: MeasureKey, decimals: number): string {
  const value = values[key];
  if (value === undefined || value === null) return "–";
  return Number(showValue(measure(key), value)).toFixed(decimals);
}

function relay(values: MeasureValues): string {
  const state = values.relayState;
  return state === undefined || state === null ? "–" : state === 1 ? "closed" : "OPEN";
}

function align(text: string, width: number, right: boolean): string {
  return right ? text.padStart(width) : text.padEnd(width);
}
