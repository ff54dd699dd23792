/** The scan: visits every protocol at every setting of the port, asks whoever may be there, and says who was. It only reads. */

import { EMPTY_BYTES } from "../../core/bytes.ts";
import type { LineFormat } from "../../core/line-format.ts";
import { assert } from "../../core/result.ts";
import { MICROS_PER_MS } from "../../core/time.ts";
import type { Probe } from "../probe.ts";
import { answersAnyUnit, answersAtAnySpeed } from "./controls.ts";
import { costOf, costOfUnit } from "./cost.ts";
import { findDlt645, identifyDlt645 } from "./dlt645.ts";
import type { FoundMeter, Scanned, ScanOptions, ScanReport, ScanWatch } from "./found.ts";
import { Garbles } from "./garbles.ts";
import { identifyUnit } from "./identify.ts";
import { signOn } from "./iec62056-21.ts";
import { isGarble, ScanLine } from "./line.ts";
import { askUnit, type ModbusFraming, requestOf, type UnitPlace } from "./modbus.ts";
import { type Garble, looksSlower, planScan, reorder, type Visit } from "./plan.ts";

/** How many times as long a unit may take that was late. */
const LATE = 4;
/** Long enough for whoever asks a meter every second or so. */
const LISTENING = 1_000 * MICROS_PER_MS;
/** Where so many units on end are garbled the setting is wrong for all of them. */
const HOPELESS = 3;
/** Fewer bytes say nothing about the speed of who sent them. */
const TELLING = 6;
/** Requests to a unit from which garble comes, or somebody else's late answer. */
const ATTEMPTS = 3;

/** @param watch told of every meter at once and of how far the scan is */
export function* scan(options: ScanOptions, watch: ScanWatch): Probe<ScanReport> {
  return yield* new Scan(options, watch).run();
}

class Scan {
  readonly #options: ScanOptions;
  readonly #watch: ScanWatch;
  readonly #line: ScanLine;
  readonly #found: FoundMeter[] = [];
  readonly #notes = new Set<string>();
  #visits: Visit[];
  /** The visit under way and what is left of it, µs. */
  #visit: Visit;
  #left = 0;
  #over = false;
  /** Units of this visit, one after the other, from which nothing but garble came. */
  #garbledInRow = 0;
  readonly #garbles = new Garbles();
  /** The first at each baud. */
  readonly #heard: Garble[] = [];

  constructor(options: ScanOptions, watch: ScanWatch) {
    this.#options = options;
    this.#watch = watch;
    this.#visits = planScan(options);
    const [first] = this.#visits;
    assert(first !== undefined, "a scan has something to try");
    this.#visit = first;
    this.#line = new ScanLine(undefined, options.patience);
  }

  *run(): Probe<ScanReport> {
    yield* this.#listen();
    for (let next = this.#visits.shift(); next !== undefined && !this.#over; next = this.#visits.shift()) {
      this.#visit = next;
      yield* this.#line.set(next.format);
      this.#left = costOf(next, this.#options);
      this.#tell();
      yield* this.#make(next);
      if (this.#line.unreachable !== undefined) break;
      if (next.format === undefined) yield { kind: "reconnect" };
    }
    if (this.#line.echoes) this.#notes.add("the adapter hears itself (echo): Modbus readers must be told (--echo)");
    const { unreachable, connected } = this.#line;
    if (unreachable !== undefined && connected) this.#notes.add(`the connection was lost: ${unreachable}`);
    return {
      found: this.#found,
      notes: [...this.#notes, ...this.#garbles.notes()],
      ...(unreachable === undefined || connected ? {} : { unreachable }),
    };
  }

  /** Before it says anything itself: on a line in use the scan and the other party spoil each other's messages. */
  *#listen(): Probe<void> {
    const { format } = this.#visit;
    if (format === undefined) return;
    yield* this.#line.set(format);
    const { bytes } = yield* this.#line.exchange(EMPTY_BYTES, { first: LISTENING, longest: LISTENING });
    if (!isGarble(bytes)) return;
    this.#notes.add("somebody else talks on this line: answers may be missed, and its own traffic is disturbed");
    this.#garbled(bytes);
  }

  *#make({ protocol, asking }: Visit): Probe<void> {
    if (protocol === "dlt645") yield* this.#dlt645();
    else if (protocol === "iec62056-21") yield* this.#iec62056();
    else yield* this.#modbus(protocol, asking);
  }

  *#dlt645(): Probe<void> {
    if (this.#knows("dlt645")) return;
    const { addresses, garble, collided } = yield* findDlt645(this.#line, (left) => {
      this.#left = left;
      this.#tell();
    });
    if (collided)
      this.#notes.add(
        "several DL/T 645 meters answer a wildcard at once: they were asked for by the ends of their addresses",
      );
    for (const address of addresses) yield* this.#add(yield* identifyDlt645(this.#line, address));
    this.#garbled(garble);
  }

  *#iec62056(): Probe<void> {
    if (this.#knows("iec62056-21")) return;
    const { meter, garble } = yield* signOn(this.#line);
    if (meter !== undefined) yield* this.#add(meter);
    this.#garbled(garble);
  }

  *#modbus(framing: ModbusFraming, asking: 3 | 4): Probe<void> {
    this.#garbledInRow = 0;
    for (const unit of this.#options.units) {
      if (this.#over) return;
      this.#left = Math.max(0, this.#left - costOfUnit(this.#visit, this.#options));
      this.#tell();
      if (this.#knows(framing, unit)) continue;
      for (const place of yield* this.#askModbus({ line: this.#line, framing, unit }, asking))
        if (!this.#knows(framing, place.unit)) yield* this.#add(yield* identifyUnit(place));
      if (this.#line.unreachable !== undefined || this.#garbledInRow >= HOPELESS) return;
    }
  }

  /** Who answered: the unit that was asked, and those from before that were late. */
  *#askModbus(place: UnitPlace, asking: 3 | 4): Probe<readonly UnitPlace[]> {
    const patience = LATE * this.#options.patience;
    const late: UnitPlace[] = [];
    let asked = place;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const answer = yield* askUnit(asked, requestOf(asking));
      if (answer.kind !== "garble") this.#garbledInRow = 0;
      if (answer.kind === "silent") break;
      if (answer.kind === "answer") return [...late, asked];
      if (answer.kind === "late") {
        late.push({ ...place, unit: answer.unit, patience });
        this.#notes.add(`unit ${answer.unit} takes longer to answer than it was given; a longer --timeout is surer`);
        asked = { ...place, patience };
      } else if (attempt === ATTEMPTS - 1) {
        this.#garbledInRow++;
        this.#garbled(answer.bytes, place.unit);
      }
    }
    return late;
  }

  *#add(meter: FoundMeter): Probe<void> {
    this.#found.push(meter);
    this.#watch.found(meter);
    if (this.#options.first === true) this.#over = true;
    // A port speaks Modbus TCP, or it hands on the bytes of a serial line.
    if (meter.protocol === "modbus-tcp") yield* this.#checkUnits();
    else if (meter.format === undefined)
      this.#visits = this.#visits.filter(({ protocol }) => protocol !== "modbus-tcp");
    if (this.#found.length === 1 && meter.format !== undefined && !this.#over) yield* this.#checkSpeed(meter.format);
  }

  /** Many devices on TCP answer whatever the unit: such a one is found once, not ten times. */
  *#checkUnits(): Probe<void> {
    this.#visits = [];
    if (this.#found.length > 1 || this.#over) return;
    if (!(yield* answersAnyUnit(this.#line, this.#options.units))) return;
    this.#notes.add("it answers whatever the unit address is: the other units were left out");
    this.#over = true;
  }

  /** On a line without speeds, such as a PTY, the first meter would be found again at every other setting. */
  *#checkSpeed(format: LineFormat): Probe<void> {
    const meter = this.#found[0] as FoundMeter;
    if (!(yield* answersAtAnySpeed(this.#line, meter, format))) return;
    this.#notes.add("the line has no speed of its own, as a PTY has none: other speeds and parities were left out");
    const protocols = new Set([meter.protocol]);
    this.#visits = this.#visits.filter(({ protocol }) => !protocols.has(protocol) && protocols.add(protocol));
  }

  /** Whether somebody was found by this protocol at the line's present setting. */
  #knows(protocol: Scanned, unit?: number): boolean {
    const { format } = this.#line;
    return this.#found.some(
      (meter) =>
        meter.protocol === protocol &&
        meter.unit === unit &&
        meter.format?.baud === format?.baud &&
        meter.format?.parity === format?.parity,
    );
  }

  /** What is no answer may be one at another setting: those it speaks for are tried next. */
  #garbled(bytes: Uint8Array, unit?: number): void {
    const { format } = this.#line;
    if (!isGarble(bytes)) return;
    this.#garbles.add(format, unit, bytes);
    if (format === undefined || bytes.length < TELLING || this.#heard.some(({ baud }) => baud === format.baud)) return;
    this.#heard.push({ baud: format.baud, slower: looksSlower(bytes) });
    this.#visits = reorder(this.#visits, this.#heard);
  }

  #tell(): void {
    const { protocol, format } = this.#visit;
    const left = this.#left + this.#visits.reduce((sum, visit) => sum + costOf(visit, this.#options), 0);
    this.#watch.progress({ spent: this.#line.spent, left, protocol, format });
  }
}
