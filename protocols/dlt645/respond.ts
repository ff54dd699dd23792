/**
 * A meter's answer to one frame. Silence where the frame is for another meter, from a meter, of another edition, or to all;
 * an abnormal reply where the meter is meant and can't do it.
 */
import { assert } from "../../src/core/result.ts";
import type { ClockFields } from "./clock.ts";
import { ERR } from "./errors.ts";
import { ANY_METER, addressMatches, BROADCAST, type Dlt645Frame, MAX_DATA } from "./frame.ts";
import { baudOf, FUNCTION, type FunctionCode, functionOf } from "./functions.ts";
import type { Identifier } from "./identifier.ts";
import type { Credentials, Dlt645Request, FreezeMoment, Password } from "./message.ts";
import { parseRequest } from "./parse-request.ts";
import { type Dlt645Reply, encodeReply } from "./reply.ts";
import { type Dlt645Station, LEVEL } from "./station.ts";

type Of<K extends Dlt645Request["kind"]> = Extract<Dlt645Request, { kind: K }>;

/** What a meter does. Members return 0 when done, else {@link ERR} bits; an absent one means "no such data". */
export interface Dlt645Model {
  /** The data behind an identifier or a block, however long, or ERR bits. */
  read(request: Of<"read">): Uint8Array | number;
  write?(identifier: Identifier, data: Uint8Array, by: Credentials): number;
  /** Broadcast time: carried out or not, nobody is told. */
  setTime?(time: ClockFields): void;
  freeze?(moment: FreezeMoment): number;
  /** N1 and the time until which it holds; the password was right. */
  control?(order: Of<"control">): number;
  clear?(what: "demand" | "meter" | "events", identifier: Identifier | undefined, by: Credentials): number;
  /**
   * Whether a password of `level` may do what takes `needed`; `right`: it is the password of its level. A meter that counts
   * wrong ones and locks does it here; an absent one lets in whoever has the right password of a level that is enough.
   */
  admits?(level: number, needed: number, right: boolean): boolean;
  /** The reply goes out at the old rate; switch behind it. Absent: the rate is fixed. */
  changeBaud?(baud: number): number;
  /** The reply that agrees to it leaves now, at the old rate; what comes after is at the new one. */
  baudAgreed?(baud: number): void;
}

/** Data of the first frame, behind DI; following ones have SEQ too. */
const FIRST_PART = MAX_DATA - 4;
const NEXT_PART = MAX_DATA - 5;
const LAST_SEQUENCE = 255;

const DONE: Dlt645Reply = { kind: "done" };

/** Requests that may have a shortened address. */
const READS: ReadonlySet<FunctionCode> = new Set([FUNCTION.read, FUNCTION.readFollowing, FUNCTION.readAddress]);
/** Functions without an abnormal reply; a read of a wrong length may be of the 1997 edition. */
const SILENT: ReadonlySet<FunctionCode> = new Set([
  ...READS,
  FUNCTION.setTime,
  FUNCTION.writeAddress,
  FUNCTION.security,
]);

export class Dlt645Responder {
  readonly #station: Dlt645Station;
  readonly #model: Dlt645Model;
  /** What the last long read left to be read with function 12; any part of it, as often as it is asked for. */
  #following: { readonly identifier: Identifier; readonly data: Uint8Array } | undefined;

  constructor(station: Dlt645Station, model: Dlt645Model) {
    this.#station = station;
    this.#model = model;
  }

  /** Carries a frame out; the reply to send, if one is due. */
  take(frame: Dlt645Frame): Dlt645Frame | undefined {
    const code = functionOf(frame.control);
    if (code === undefined || code !== frame.control || !this.#isMeant(frame.address, code)) return undefined;
    const parsed = parseRequest(frame.control, frame.data);
    const reply = parsed.ok ? this.#answer(parsed.value) : SILENT.has(code) ? undefined : refused(ERR.other);
    if (reply === undefined || frame.address === BROADCAST) return undefined;
    const wide = this.#station.wideErrors && (code === FUNCTION.control || code === FUNCTION.security);
    const encoded = encodeReply(code, reply.kind === "refused" ? { ...reply, wide } : reply);
    return { address: this.#station.address, ...encoded };
  }

  #isMeant(address: string, code: FunctionCode): boolean {
    if (address === BROADCAST) return code === FUNCTION.setTime || code === FUNCTION.freeze;
    if (code === FUNCTION.writeAddress) return address === ANY_METER;
    return addressMatches(address, this.#station.address) && (READS.has(code) || !address.startsWith("AA"));
  }

  #answer(request: Dlt645Request): Dlt645Reply | undefined {
    const model = this.#model;
    switch (request.kind) {
      case "read":
        return this.#read(request);
      case "read-following":
        return this.#readFollowing(request);
      case "read-address":
        return { kind: "address", address: this.#station.address };
      case "write":
        return this.#authorised(request.credentials, LEVEL.write, () =>
          model.write?.(request.identifier, request.data, request.credentials),
        );
      case "write-address":
        // Nobody is told why not: a meter whose key is not pressed is silent.
        return this.#station.programmingKey && this.#station.move(request.address) ? DONE : undefined;
      case "set-time":
        model.setTime?.(request.time);
        return undefined;
      case "freeze":
        return outcome(model.freeze?.(request.moment));
      case "change-baud":
        return this.#changeBaud(request.feature);
      case "change-password":
        return this.#changePassword(request.old, request.replacement);
      case "clear-demand":
        return this.#authorised(request.credentials, LEVEL.clear, () =>
          model.clear?.("demand", undefined, request.credentials),
        );
      case "clear-meter":
        return this.#authorised(request.credentials, LEVEL.clear, () =>
          model.clear?.("meter", undefined, request.credentials),
        );
      case "clear-events":
        return this.#authorised(request.credentials, LEVEL.clear, () =>
          model.clear?.("events", request.identifier, request.credentials),
        );
      case "control":
        return this.#authorised(request.credentials, LEVEL.control, () => model.control?.(request));
      case "security":
        return refused(ERR.noSuchData);
    }
  }

  #authorised(credentials: Credentials, level: number, act: () => number | undefined): Dlt645Reply {
    return this.#admits(credentials.password, level) ? outcome(act()) : refused(ERR.notAuthorised);
  }

  #admits(password: Password, needed: number): boolean {
    const right = this.#station.isRight(password);
    return this.#model.admits?.(password.level, needed, right) ?? (right && password.level <= needed);
  }

  #read(request: Of<"read">): Dlt645Reply {
    this.#following = undefined;
    const data = this.#model.read(request);
    if (typeof data === "number") return refused(data);
    assert(data.length <= FIRST_PART + LAST_SEQUENCE * NEXT_PART, "a read fits its sequence numbers");
    const more = data.length > FIRST_PART;
    if (more) this.#following = { identifier: request.identifier, data };
    return { kind: "data", identifier: request.identifier, data: data.subarray(0, FIRST_PART), more };
  }

  /** SEQ counts the following frames from 1. */
  #readFollowing({ identifier, sequence }: Of<"read-following">): Dlt645Reply {
    const from = FIRST_PART + (sequence - 1) * NEXT_PART;
    const data = this.#following?.identifier === identifier ? this.#following.data : undefined;
    if (data === undefined || sequence === 0 || from >= data.length) return refused(ERR.noSuchData);
    const to = from + NEXT_PART;
    return { kind: "data", identifier, data: data.subarray(from, to), more: to < data.length, sequence };
  }

  #changeBaud(feature: number): Dlt645Reply {
    const baud = baudOf(feature, this.#station.baudCoding);
    const error = baud === undefined ? ERR.baudFixed : (this.#model.changeBaud?.(baud) ?? ERR.baudFixed);
    return error === 0 ? { kind: "baud", feature } : refused(error);
  }

  #changePassword(old: Password, replacement: Password): Dlt645Reply {
    const admitted = this.#admits(old, replacement.level);
    if (!admitted || !this.#station.changePassword(replacement)) return refused(ERR.notAuthorised);
    return { kind: "password", password: replacement };
  }
}

function refused(code: number): Dlt645Reply {
  return { kind: "refused", code, wide: false };
}

function outcome(error: number | undefined): Dlt645Reply {
  return error === 0 ? DONE : refused(error ?? ERR.noSuchData);
}
