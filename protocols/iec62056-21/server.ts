/**
 * The meter's side of IEC 62056-21 in modes A, B and C: sign-on, baud change-over, readout, and programming mode with a password.
 * Takes characters and wakes, gives effects in the order in which the driver must carry them out.
 */
import { assert } from "../../src/core/result.ts";
import { type DataSet, formatDataBlock, formatDataSet, parseDataSets } from "./dataset.ts";
import { METER_ERRORS, type MeterErrorKind } from "./errors.ts";
import { ACK, addParity, buildBlock, CRLF, NAK, type ParityHandling, stripParity, toBytes, wireTime } from "./frame.ts";
import {
  addresses,
  baudCharacter,
  buildBreak,
  buildIdentification,
  parseOption,
  parseRequest,
  RESPONSE_LIMIT,
  refusalOfAddress,
  SIGN_ON_BAUD,
  SLOW_REACTION,
} from "./message.ts";
import { type Block, Scanner, type Token } from "./scanner.ts";

/** What the server asks the meter; the instant is the caller's. */
export interface MeterData {
  /** Somebody shows a password; undefined lets in. */
  admit(password: string): "wrong-password" | "locked-out" | undefined;
  /** All data sets of a readout, in order. */
  readout(): readonly DataSet[];
  /** The present value under an address, full or short. */
  read(address: string): DataSet | undefined;
  /** Records of a load profile in a range of times, as `from;to`; undefined for an address that is none. */
  profile?(address: string, range: string): readonly DataSet[] | "bad-value" | undefined;
  /** Undefined when it is done. */
  write(address: string, value: string): MeterErrorKind | undefined;
}

export interface Iec62056ServerOptions {
  readonly mode: "A" | "B" | "C";
  /** The highest rate of modes B and C. */
  readonly baud: number;
  /** The rate of a sign-on, for meters that left the standard's 300; the port is opened with it. */
  readonly signOnBaud?: number;
  /** FLAG manufacturer id, three capital letters. */
  readonly manufacturer: string;
  readonly ident: string;
  /** Device address; a request without one is always answered. */
  readonly address: string;
  readonly parity?: ParityHandling;
  /** µs from the end of a message to the start of the answer; 200 ms .. 1.5 s (clause 6.3.14, facts 1.8). */
  readonly reaction?: number;
  /** µs without a good message until a session ends; 60 .. 120 s. */
  readonly inactivity?: number;
}

export type Iec62056ServerEffect =
  | { readonly kind: "send"; readonly bytes: Uint8Array }
  /** Takes hold once everything sent before has left the line. */
  | { readonly kind: "baud"; readonly rate: number };

/** A command and the data sets of one write are far shorter. */
const COMMAND_LIMIT = 256;
const DEFAULT_INACTIVITY = 90_000_000;
/** ACK V Z Y CR LF. */
const OPTION_CHARACTERS = 6;
/** Repeats of a readout whose check character the reader doubts. */
const MOST_REPEATS = 3;
/** Wrong passwords in a row that end a session. */
const MOST_PASSWORDS = 3;

type State = "idle" | "option" | "read" | "session";

interface Step {
  readonly at: number;
  readonly make: (at: number) => readonly Iec62056ServerEffect[];
}

export class Iec62056Server {
  readonly #options: Iec62056ServerOptions;
  readonly #data: MeterData;
  readonly #scanner = new Scanner(COMMAND_LIMIT);
  readonly #reaction: number;
  readonly #inactivity: number;
  readonly #z: string;
  #state: State = "idle";
  #steps: Step[] = [];
  readonly #signOnBaud: number;
  #baud: number;
  #gapEnds = Number.POSITIVE_INFINITY;
  #stateEnds = Number.POSITIVE_INFINITY;
  #last: Uint8Array | undefined;
  #repeats = 0;
  #unlocked = false;
  #wrongPasswords = 0;

  constructor(options: Iec62056ServerOptions, data: MeterData) {
    const z = baudCharacter(options.mode, options.baud);
    assert(z !== undefined, `mode ${options.mode} has no rate of ${options.baud} baud`);
    assert(/^[A-Z]{3}$/.test(options.manufacturer), "a manufacturer id is three capital letters");
    assert(
      /^[\x20-\x7e]{0,16}$/.test(options.ident) && !/[/!\\]/.test(options.ident),
      "an ident is up to 16 characters",
    );
    assert(refusalOfAddress(options.address) === undefined, "the device address is no address");
    this.#options = options;
    this.#data = data;
    this.#z = z;
    this.#signOnBaud = options.signOnBaud ?? SIGN_ON_BAUD;
    this.#baud = this.#signOnBaud;
    this.#reaction = options.reaction ?? SLOW_REACTION;
    this.#inactivity = options.inactivity ?? DEFAULT_INACTIVITY;
  }

  /** Characters from the line, the last of which ended at `mono`. Nothing is sent before the reaction time has passed. */
  receive(bytes: Uint8Array, mono: number): readonly Iec62056ServerEffect[] {
    const effects = this.wake(mono);
    for (const byte of this.#options.parity === "even" ? stripParity(bytes) : bytes) {
      const token = this.#scanner.feed(byte);
      if (token !== undefined) this.#take(token, mono);
    }
    this.#gapEnds = this.#scanner.busy ? mono + RESPONSE_LIMIT : Number.POSITIVE_INFINITY;
    return [...effects, ...this.wake(mono)];
  }

  /** What is due at `mono`. */
  wake(mono: number): readonly Iec62056ServerEffect[] {
    if (mono >= this.#gapEnds) {
      this.#scanner.clear();
      this.#gapEnds = Number.POSITIVE_INFINITY;
    }
    const effects: Iec62056ServerEffect[] = [];
    if (this.#steps.length === 0 && mono >= this.#stateEnds) this.#expire(mono, effects);
    while (this.#steps[0] !== undefined && mono >= this.#steps[0].at) {
      const step = this.#steps.shift() as Step;
      effects.push(...step.make(mono));
    }
    return effects;
  }

  /** When to be woken, monotonic µs; Infinity when nothing is due. */
  nextWake(): number {
    return Math.min(this.#gapEnds, this.#steps[0]?.at ?? this.#stateEnds);
  }

  #take(token: Token, mono: number): void {
    const request = token.kind === "line" ? parseRequest(token.text) : undefined;
    if (request !== undefined) this.#signOn(request, mono);
    // The line is half duplex: who speaks before our answer is out is not speaking to us.
    else if (this.#steps.length > 0) return;
    else if (token.kind === "nak") this.#repeat(mono);
    else if (this.#state === "option" && token.kind === "option") this.#select(token.text, mono);
    else if (this.#state === "read" && token.kind === "ack") this.#stateEnds = mono;
    else if (this.#state === "session" && token.kind === "block") this.#command(token, mono);
  }

  /** A request ends whatever was before: also that the reader meant another meter. */
  #signOn(address: string, mono: number): void {
    this.#steps = [];
    if (this.#baud !== this.#signOnBaud) this.#then(mono, () => [this.#setBaud(this.#signOnBaud)]);
    this.#enter("idle", Number.POSITIVE_INFINITY);
    if (!addresses(address, this.#options.address)) return;
    const identification = buildIdentification(this.#options.manufacturer, this.#z, this.#options.ident);
    const at = mono + this.#reaction;
    if (this.#options.mode === "C") {
      this.#then(at, (sent) => {
        // The reader has 1.5 s to begin its choice, which is on the wire for a while itself.
        const onWire = wireTime(this.#baud, identification.length + OPTION_CHARACTERS);
        this.#enter("option", sent + onWire + RESPONSE_LIMIT);
        return [this.#send(identification)];
      });
      return;
    }
    if (this.#options.mode === "A") {
      this.#then(at, (sent) => [this.#send(identification), ...this.#plainReadout(sent)]);
      return;
    }
    this.#then(at, (sent) => {
      // The rate changes once the identification has left at the old one, and the reader needs a reaction time to follow.
      const follows = sent + wireTime(this.#signOnBaud, identification.length) + this.#reaction;
      this.#then(follows, (later) => this.#readout(later, "session"));
      return [this.#send(identification), this.#setBaud(this.#options.baud)];
    });
  }

  /** The reader's choice, or what it can't choose: then the meter goes on as without an answer (facts 1.4). */
  #select(text: string, mono: number): void {
    const option = parseOption(text);
    if (option === undefined || option.baud > this.#options.baud) {
      this.#then(mono + this.#reaction, (sent) => this.#plainReadout(sent));
      return;
    }
    this.#then(mono, () => [this.#setBaud(option.baud)]);
    this.#then(mono + this.#reaction, (sent) => {
      if (option.mode === "readout") return this.#readout(sent, "read");
      return this.#answer(buildBlock("P0", "()"), sent);
    });
  }

  /** Mode A, and mode C without a choice: data without STX and check character. */
  #plainReadout(mono: number): readonly Iec62056ServerEffect[] {
    const bytes = toBytes(formatDataBlock(this.#data.readout()));
    this.#enter(this.#options.mode === "A" ? "session" : "idle", Number.POSITIVE_INFINITY);
    if (this.#options.mode === "A") this.#stateEnds = mono + wireTime(this.#baud, bytes.length) + this.#inactivity;
    return [this.#send(bytes)];
  }

  #readout(mono: number, next: State): readonly Iec62056ServerEffect[] {
    const bytes = buildBlock(undefined, formatDataBlock(this.#data.readout()));
    const patience = next === "session" ? this.#inactivity : RESPONSE_LIMIT;
    this.#enter(next, mono + wireTime(this.#baud, bytes.length) + patience);
    this.#last = bytes;
    return [this.#send(bytes)];
  }

  /** An answer inside of a session; the inactivity limit begins anew when it has left the line. */
  #answer(bytes: Uint8Array, mono: number): readonly Iec62056ServerEffect[] {
    if (this.#state !== "session") this.#enter("session", 0);
    this.#stateEnds = mono + wireTime(this.#baud, bytes.length) + this.#inactivity;
    this.#last = bytes;
    return [this.#send(bytes)];
  }

  #repeat(mono: number): void {
    const last = this.#last;
    if (last === undefined || this.#state === "idle" || this.#state === "option") return;
    if (this.#repeats >= MOST_REPEATS) return;
    this.#repeats++;
    this.#then(mono + this.#reaction, (sent) => {
      this.#stateEnds = Math.max(this.#stateEnds, sent + wireTime(this.#baud, last.length) + RESPONSE_LIMIT);
      return [this.#send(last)];
    });
  }

  #command(block: Block, mono: number): void {
    this.#repeats = 0;
    if (block.command === "B0" && block.good) {
      this.#stateEnds = mono;
      return;
    }
    // Blocks without a command, and P0, are a meter's: our own, echoed by the optical head.
    if (block.command === undefined || block.command === "P0") return;
    const answer = block.good ? this.#carryOut(block.command, block.data) : Uint8Array.of(NAK);
    this.#then(mono + this.#reaction, (sent) => {
      if (this.#wrongPasswords < MOST_PASSWORDS) return this.#answer(answer, sent);
      this.#stateEnds = sent;
      return [this.#send(buildBreak())];
    });
  }

  #carryOut(command: string, data: string): Uint8Array {
    const sets = parseDataSets(data);
    const set = sets.ok && sets.value.length === 1 ? sets.value[0] : undefined;
    const value = set?.groups.length === 1 ? set.groups[0]?.value : undefined;
    if (set === undefined || value === undefined) return refusal("bad-value");
    switch (command) {
      // P2 carries what an algorithm of the manufacturer made of password and operand; our operand is empty, so it is the same.
      case "P1":
      case "P2":
        return this.#password(value);
      case "R1":
      case "R5": {
        const records = this.#data.profile?.(set.address, value);
        if (records === "bad-value") return refusal(records);
        if (records !== undefined) return buildBlock(undefined, records.map(formatDataSet).join(CRLF));
        const found = this.#data.read(set.address);
        return found === undefined ? refusal("unknown-register") : buildBlock(undefined, formatDataSet(found));
      }
      case "W1":
      case "W5": {
        if (!this.#unlocked) return refusal("locked");
        const refused = this.#data.write(set.address, value);
        return refused === undefined ? Uint8Array.of(ACK) : refusal(refused);
      }
      default:
        return refusal("unknown-command");
    }
  }

  #password(value: string): Uint8Array {
    const refused = this.#data.admit(value);
    this.#unlocked = refused === undefined;
    this.#wrongPasswords = refused === undefined ? 0 : this.#wrongPasswords + 1;
    return refused === undefined ? Uint8Array.of(ACK) : refusal(refused);
  }

  /** No choice, no NAK, no command, or the session is over: back to where a reader can sign on. */
  #expire(mono: number, effects: Iec62056ServerEffect[]): void {
    if (this.#state === "option") {
      effects.push(...this.#plainReadout(mono));
      return;
    }
    this.#enter("idle", Number.POSITIVE_INFINITY);
    if (this.#baud !== this.#signOnBaud) effects.push(this.#setBaud(this.#signOnBaud));
  }

  #enter(state: State, ends: number): void {
    this.#state = state;
    this.#stateEnds = ends;
    this.#scanner.expecting = state === "option" ? "option" : state === "session" ? "frames" : "sign-on";
    this.#last = undefined;
    this.#repeats = 0;
    this.#unlocked = false;
    this.#wrongPasswords = 0;
  }

  #then(at: number, make: Step["make"]): void {
    this.#steps.push({ at, make });
  }

  #send(bytes: Uint8Array): Iec62056ServerEffect {
    return { kind: "send", bytes: this.#options.parity === "even" ? addParity(bytes) : bytes };
  }

  #setBaud(rate: number): Iec62056ServerEffect {
    this.#baud = rate;
    return { kind: "baud", rate };
  }
}

function refusal(kind: MeterErrorKind): Uint8Array {
  return buildBlock(undefined, `(${METER_ERRORS[kind]})`);
}
