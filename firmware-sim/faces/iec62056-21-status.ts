/**
 * Errors, rate, relay, credit and events as data sets. Event counters are those of the standard's list where it has one:
 * outages 96.7.0, under- and over-voltage of a phase 32.32.0 and 32.36.0 (52, 72), programmings 96.2.0; 96.15.e counts the kind
 * of place e in our list of events. What the standard has no code for has one of a maker's own, 96.60.
 */
import type { DataSet } from "../../protocols/iec62056-21/dataset.ts";
import { alarmWord, errorWord, eventCount } from "../alarms.ts";
import { EVENT_KINDS, type EventPhase } from "../events/kinds.ts";
import type { Meter } from "../meter.ts";

const HEX_DIGITS = 8;
const COUNT_DIGITS = 5;
const MOST_COUNT = 10 ** COUNT_DIGITS;
const RATE_DIGITS = 4;

/** Data sets of what the meter is up to; all of them belong to every readout. */
export function statusSets(meter: Meter): readonly DataSet[] {
  const { functions } = meter;
  return [
    set("0-0:96.14.0", String(functions.tariff.moment.rate).padStart(RATE_DIGITS, "0")),
    set("0-0:96.60.1", hex(alarmWord(functions))),
    ...relaySets(meter),
    ...creditSets(meter),
    set("0-0:96.7.0", counted(functions.events.count("powerOutage"))),
    set("0-0:96.2.0", counted(functions.events.count("programming"))),
    ...phasesOf(meter).flatMap((phase) => [
      set(`${12 + 20 * phase}.32.0`, counted(functions.events.count("underVoltage", phase))),
      set(`${12 + 20 * phase}.36.0`, counted(functions.events.count("overVoltage", phase))),
    ]),
    ...EVENT_KINDS.map((kind, place) => [place, eventCount(functions, kind)] as const)
      .filter(([, count]) => count > 0)
      .map(([place, count]) => set(`0-0:96.15.${place}`, counted(count))),
  ];
}

/** The error register: eight hex digits, see `alarmWord`. */
export function errorSet(meter: Meter): DataSet {
  return set("F.F", hex(errorWord(meter.functions)));
}

/** Place, what brought it there, and what comes: `closed`, `open`, `waiting` for the button, `pending` before a trip. */
function relaySets({ hasRelay, functions }: Meter): readonly DataSet[] {
  if (!hasRelay) return [];
  const { closed, reason, tripAt, closeAllowed } = functions.relay.status();
  const state = closed ? (tripAt === undefined ? "closed" : "pending") : closeAllowed ? "waiting" : "open";
  return [{ address: "0-0:96.60.2", groups: [plain(state), plain(reason)] }];
}

/** The mode, then top-ups and refunds ever, each with how many; whole units of the mode. */
function creditSets({ functions }: Meter): readonly DataSet[] {
  const { credit } = functions;
  if (credit === undefined) return [];
  const { added, topUps, refunded, refunds } = credit.totals;
  return [
    set("0-0:96.60.3", credit.settings.mode),
    { address: "0-0:96.60.4", groups: [plain(String(added)), plain(String(topUps))] },
    { address: "0-0:96.60.5", groups: [plain(String(refunded)), plain(String(refunds))] },
  ];
}

function phasesOf({ model }: Meter): readonly EventPhase[] {
  return model.phases === 3 ? [1, 2, 3] : [1];
}

function hex(word: number): string {
  return word.toString(16).toUpperCase().padStart(HEX_DIGITS, "0");
}

/** Counters roll over as a display's do. */
function counted(count: number): string {
  return String(count % MOST_COUNT).padStart(COUNT_DIGITS, "0");
}

function set(address: string, value: string): DataSet {
  return { address, groups: [plain(value)] };
}

function plain(value: string): DataSet["groups"][number] {
  return { value, unit: undefined };
}
