/**
 * The serial line's own functions (V1.1b3, 6.8 to 6.10): diagnostics 08, event counter 0B, event log 0C, and what they
 * count. All of it lives with the line, not with the meter, and a restart of the device clears it.
 */
import { isDelimiter } from "./ascii.ts";
import { EXCEPTION } from "./errors.ts";
import { putUint16, uint16At } from "./frame.ts";
import { DIAGNOSTICS, EVENT_COUNTER, EVENT_LOG, EXCEPTION_BIT } from "./functions.ts";

/** What the unit has counted since it started, or since 08/01 or 08/0A. Each wraps behind 65535. */
export interface LineCounters {
  /** Frames with good check bytes, to any unit. */
  busMessages: number;
  /** Bursts that were no good frame: check bytes, length, gaps. */
  crcErrors: number;
  exceptions: number;
  /** Frames to this unit or to all. */
  serverMessages: number;
  /** Frames to this unit or to all that got no reply. */
  noResponses: number;
  /** Exceptions 07. */
  naks: number;
  /** Exceptions 06. */
  busy: number;
  /** Characters lost by the receiver: the host's driver has its own buffer and reports none. */
  overruns: number;
}

const SUB = {
  loopback: 0x00,
  restart: 0x01,
  register: 0x02,
  delimiter: 0x03,
  listenOnly: 0x04,
  clear: 0x0a,
  clearOverrun: 0x14,
} as const;

/** Counters that a sub-function of 08 reads (0B to 12). */
const COUNTED: Readonly<Record<number, keyof LineCounters>> = {
  11: "busMessages",
  12: "crcErrors",
  13: "exceptions",
  14: "serverMessages",
  15: "noResponses",
  16: "naks",
  17: "busy",
  18: "overruns",
};

const CLEAR_LOG = 0xff00;
const LOG_SIZE = 64;
const NEGATIVE_ACKNOWLEDGE = 7;

/** Event bytes (V1.1b3, 6.10). */
const EVENT = {
  restarted: 0x00,
  listenOnly: 0x04,
  received: 0x80,
  receivedDamaged: 0x02,
  receivedListening: 0x20,
  receivedBroadcast: 0x40,
  sent: 0x40,
  sentException: 0x01,
  sentAbort: 0x02,
  sentBusy: 0x04,
  sentNak: 0x08,
} as const;

const noCounts = (): LineCounters => ({
  busMessages: 0,
  crcErrors: 0,
  exceptions: 0,
  serverMessages: 0,
  noResponses: 0,
  naks: 0,
  busy: 0,
  overruns: 0,
});

/** Counters, event log and modes of one unit on one serial line. */
export class LineDiagnostics {
  readonly counters: LineCounters = noCounts();
  readonly #log: number[] = [];
  readonly #ascii: boolean;
  /** Only counts and stays silent until 08/01. */
  listenOnly = false;
  /** Set by 08/03: how frames behind its reply end. Undefined while nobody changed it. */
  delimiter: number | undefined;
  #events = 0;

  /** @param ascii whether frames end with a delimiter that 08/03 can change */
  constructor(ascii: boolean) {
    this.#ascii = ascii;
  }

  count(counter: keyof LineCounters): void {
    this.counters[counter] = (this.counters[counter] + 1) & 0xffff;
  }

  damaged(): void {
    this.count("crcErrors");
    this.#note(EVENT.received | EVENT.receivedDamaged | (this.listenOnly ? EVENT.receivedListening : 0));
  }

  /** A good frame to this unit, or to all. */
  received(broadcast: boolean): void {
    this.count("serverMessages");
    const to = broadcast ? EVENT.receivedBroadcast : 0;
    this.#note(EVENT.received | to | (this.listenOnly ? EVENT.receivedListening : 0));
  }

  /** What became of a request that was executed: its reply PDU is at `out[at]`. */
  answered(out: Uint8Array, at: number): void {
    const code = out[at] as number;
    if ((code & EXCEPTION_BIT) === 0) {
      // Looking at the counter is not counted: a poll between two commands would hide whether the second was done.
      if (code !== EVENT_COUNTER && code !== EVENT_LOG) this.#events = (this.#events + 1) & 0xffff;
      this.#note(EVENT.sent);
      return;
    }
    const exception = out[at + 1] as number;
    this.count("exceptions");
    if (exception === EXCEPTION.busy) this.count("busy");
    if (exception === NEGATIVE_ACKNOWLEDGE) this.count("naks");
    this.#note(EVENT.sent | sentKind(exception));
  }

  /**
   * Answers function 08, 0B or 0C.
   * @returns the length of the reply at `out[at]`, 0 for no reply, an exception as a negative code; undefined for every
   * other function
   */
  answer(request: Uint8Array, from: number, length: number, out: Uint8Array, at: number): number | undefined {
    switch (request[from]) {
      case DIAGNOSTICS:
        return this.#diagnose(request, from, length, out, at);
      case EVENT_COUNTER:
        return length === 1 ? this.#putStatus(EVENT_COUNTER, out, at) : -EXCEPTION.illegalDataValue;
      case EVENT_LOG:
        return length === 1 ? this.#putLog(out, at) : -EXCEPTION.illegalDataValue;
      default:
        return undefined;
    }
  }

  /** Carries out 08/01, the only request that a unit in listen-only mode obeys. */
  restartIfAsked(request: Uint8Array, from: number, length: number): void {
    if (length !== 5 || request[from] !== DIAGNOSTICS || uint16At(request, from + 1) !== SUB.restart) return;
    const data = uint16At(request, from + 3);
    if (isAllowed(SUB.restart, data)) this.#restart(data === CLEAR_LOG);
  }

  /** Empties the counters, ends listen-only mode; the log is kept unless `clearLog`. */
  #restart(clearLog: boolean): void {
    this.#clear();
    if (clearLog) this.#log.length = 0;
    this.listenOnly = false;
    this.#note(EVENT.restarted);
  }

  /** To be called when the reply to a request has been built: what 08/01 and 08/0A do must not count themselves. */
  finish(request: Uint8Array, from: number, out: Uint8Array, at: number): void {
    if (request[from] !== DIAGNOSTICS || out[at] !== DIAGNOSTICS) return;
    const sub = uint16At(request, from + 1);
    if (sub === SUB.restart) this.#restart(uint16At(request, from + 3) === CLEAR_LOG);
    else if (sub === SUB.clear) this.#clear();
    else if (sub === SUB.delimiter) this.delimiter = request[from + 3] as number;
  }

  #diagnose(request: Uint8Array, from: number, length: number, out: Uint8Array, at: number): number {
    if (length < 3) return -EXCEPTION.illegalDataValue;
    const sub = uint16At(request, from + 1);
    const counter = COUNTED[sub];
    if (sub === SUB.loopback) return echo(request, from, length, out, at);
    if (!this.#serves(sub)) return -EXCEPTION.illegalFunction;
    if (length !== 5 || !isAllowed(sub, uint16At(request, from + 3))) return -EXCEPTION.illegalDataValue;
    if (sub === SUB.listenOnly) {
      this.listenOnly = true;
      this.count("noResponses");
      this.#note(EVENT.listenOnly);
      return 0;
    }
    if (sub === SUB.clearOverrun) this.counters.overruns = 0;
    echo(request, from, length, out, at);
    // The diagnostic register (08/02) is the maker's own and here always 0, as the request's data are.
    if (counter !== undefined) putUint16(out, at + 3, this.counters[counter]);
    return length;
  }

  #serves(sub: number): boolean {
    if (sub === SUB.delimiter) return this.#ascii;
    return COUNTED[sub] !== undefined || Object.values<number>(SUB).includes(sub);
  }

  #putStatus(code: number, out: Uint8Array, at: number): number {
    out[at] = code;
    // Status: FFFF while a command is still being carried out, which here is never.
    putUint16(out, at + 1, 0);
    putUint16(out, at + 3, this.#events);
    return 5;
  }

  #putLog(out: Uint8Array, at: number): number {
    this.#putStatus(EVENT_LOG, out, at + 1);
    out[at] = EVENT_LOG;
    out[at + 1] = 6 + this.#log.length;
    putUint16(out, at + 6, this.counters.busMessages);
    for (let i = 0; i < this.#log.length; i++) out[at + 8 + i] = this.#log[this.#log.length - 1 - i] as number;
    return 8 + this.#log.length;
  }

  #clear(): void {
    Object.assign(this.counters, noCounts());
    this.#events = 0;
  }

  #note(event: number): void {
    if (this.#log.length === LOG_SIZE) this.#log.shift();
    this.#log.push(event);
  }
}

function isAllowed(sub: number, data: number): boolean {
  if (sub === SUB.restart) return data === 0 || data === CLEAR_LOG;
  if (sub === SUB.delimiter) return (data & 0xff) === 0 && isDelimiter(data >> 8);
  return data === 0;
}

function sentKind(exception: number): number {
  if (exception < EXCEPTION.serverDeviceFailure) return EVENT.sentException;
  if (exception === EXCEPTION.serverDeviceFailure) return EVENT.sentAbort;
  if (exception === EXCEPTION.acknowledge || exception === EXCEPTION.busy) return EVENT.sentBusy;
  return exception === NEGATIVE_ACKNOWLEDGE ? EVENT.sentNak : 0;
}

function echo(request: Uint8Array, from: number, length: number, out: Uint8Array, at: number): number {
  for (let i = 0; i < length; i++) out[at + i] = request[from + i] as number;
  return length;
}
