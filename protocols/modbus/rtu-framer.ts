/**
 * Finding RTU frames in what a line delivers. With the time of each byte the standard's rule is applied as written: silence
 * ends a frame (here). Without it, length, CRC and silence decide together (lump-framer.ts).
 */
import { CRC_LENGTH, crc16, MAX_RTU_ADU, MIN_RTU_ADU } from "./frame.ts";
import { LumpFramer } from "./lump-framer.ts";
import { type RtuTiming, settledAfter, wireTime } from "./timing.ts";

/** What a framer tells, and asks, the server or client behind it. */
export interface FrameUser {
  /** Unit and PDU of a frame whose check bytes are good. The bytes are the framer's own: they hold during the call. */
  frame(bytes: Uint8Array, at: number, length: number): void;
  /** Something that is no good frame; `unfinished` where that was seen before an end (ASCII), so that more may follow. */
  damaged(bytes: Uint8Array, at: number, length: number, unfinished?: boolean): void;
  /**
   * Length of the frame that starts at `at`, taken as a request or as a reply; `UNKNOWN` also where the line cannot carry
   * such a thing (nobody but this server answers for its own unit).
   */
  lengthAt(bytes: Uint8Array, at: number, end: number, shape: "request" | "reply"): number;
  /** Whether a frame to this unit with this function would concern the user: asked of frames found after junk only. */
  concerns(unit: number, code: number): boolean;
}

/** Whatever finds frames on a serial line. */
export interface SerialFramer {
  /** One or more bytes, the last of which ended at `mono`. */
  receive(bytes: Uint8Array, mono: number): void;
  wake(mono: number): void;
  /** When silence will have decided something; Infinity when nothing is held. */
  nextWake(): number;
  /** Whether no byte waits for its frame's end. */
  readonly idle: boolean;
  /** When the last byte ended. */
  readonly lastByteAt: number;
  /** Forgets what it holds. */
  clear(): void;
}

export function rtuFramer(timing: RtuTiming, user: FrameUser): SerialFramer {
  return timing.byteTimes ? new SilenceFramer(timing, user) : new LumpFramer(timing, user);
}

/** MODBUS over Serial Line V1.02, 2.5.1.1: silence of t3.5 ends a frame, silence over t1.5 inside it makes it invalid. */
class SilenceFramer implements SerialFramer {
  readonly #timing: RtuTiming;
  readonly #user: FrameUser;
  readonly #bytes = new Uint8Array(MAX_RTU_ADU);
  /** Bytes since the last silence; those beyond the longest frame are counted, not kept. */
  #length = 0;
  #broken = false;
  lastByteAt = Number.NEGATIVE_INFINITY;

  constructor(timing: RtuTiming, user: FrameUser) {
    this.#timing = timing;
    this.#user = user;
  }

  get idle(): boolean {
    return this.#length === 0;
  }

  receive(bytes: Uint8Array, mono: number): void {
    if (bytes.length === 0) return;
    const silence = mono - wireTime(this.#timing, bytes.length) - this.lastByteAt;
    // The driver may wake late: the silence has ended the frame all the same.
    if (silence >= this.#timing.t35) this.#end();
    if (this.#length > 0 && silence > this.#timing.t15) this.#broken = true;
    const room = MAX_RTU_ADU - this.#length;
    if (room >= bytes.length) this.#bytes.set(bytes, this.#length);
    this.#length = Math.min(this.#length + bytes.length, MAX_RTU_ADU + 1);
    this.lastByteAt = mono;
  }

  wake(mono: number): void {
    if (mono >= this.nextWake()) this.#end();
  }

  nextWake(): number {
    return this.#length === 0 ? Number.POSITIVE_INFINITY : this.lastByteAt + settledAfter(this.#timing);
  }

  clear(): void {
    this.#length = 0;
    this.#broken = false;
  }

  #end(): void {
    const length = this.#length;
    if (length === 0) return;
    const whole = !this.#broken && length >= MIN_RTU_ADU && length <= MAX_RTU_ADU;
    this.clear();
    if (whole && crc16(this.#bytes, 0, length) === 0) this.#user.frame(this.#bytes, 0, length - CRC_LENGTH);
    else this.#user.damaged(this.#bytes, 0, Math.min(length, MAX_RTU_ADU));
  }
}
