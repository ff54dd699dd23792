/** What servers and clients need to know of a serial line's framing: how frames are found, built, timed. */
import { AsciiFramer, asciiFrame, type Delimiter, LF, MAX_ASCII_ADU } from "./ascii.ts";
import { CRC_LENGTH, MAX_RTU_ADU, putCrc } from "./frame.ts";
import { type FrameUser, rtuFramer, type SerialFramer } from "./rtu-framer.ts";
import { type RtuTiming, settledAfter, wireTime } from "./timing.ts";

export interface SerialLine {
  /** µs of silence that a sender leaves before a frame. */
  readonly silence: number;
  /** µs of silence after which nothing more of what was heard can come. */
  readonly settled: number;
  /** The longest frame, in characters. */
  readonly longest: number;
  /** How long so many characters are on the wire, µs. */
  wireTime(characters: number): number;
  /** How many characters the frame of a PDU of so many bytes has. */
  charactersOf(pdu: number): number;
  /** The frame of unit and PDU, `body[0 .. length)`. */
  frame(body: Uint8Array, length: number): Uint8Array;
  framer(user: FrameUser): SerialFramer;
  /** ASCII only: what ends frames from now on, in both directions. */
  setDelimiter?(character: number): void;
}

/** How a serial line is framed, and how fast it is. */
export type SerialFraming =
  | { readonly framing: "rtu"; readonly timing: RtuTiming }
  | { readonly framing: "ascii"; readonly timing: AsciiTiming };

export function serialLine(line: SerialFraming): SerialLine {
  return line.framing === "rtu" ? rtuLine(line.timing) : asciiLine(line.timing);
}

function rtuLine(timing: RtuTiming): SerialLine {
  return {
    silence: timing.t35,
    settled: settledAfter(timing),
    longest: MAX_RTU_ADU,
    wireTime: (characters) => wireTime(timing, characters),
    charactersOf: (pdu) => 1 + pdu + CRC_LENGTH,
    frame: rtuFrame,
    framer: (user) => rtuFramer(timing, user),
  };
}

function rtuFrame(body: Uint8Array, length: number): Uint8Array {
  const out = new Uint8Array(length + CRC_LENGTH);
  for (let i = 0; i < length; i++) out[i] = body[i] as number;
  putCrc(out, 0, length);
  return out;
}

/** Speed of an ASCII line; its character has 10 bits (7 data bits, and a parity or a second stop bit). */
export interface AsciiTiming {
  readonly baud: number;
  readonly bitsPerChar?: number;
}

const ASCII_BITS = 10;
const LRC_LENGTH = 1;
/** Colon, carriage return, delimiter. */
const AROUND = 3;
/** A frame's end is seen in its characters; this is how long a host may still hold what came late, µs. */
const ASCII_SETTLED = 20_000;

function asciiLine(timing: AsciiTiming): SerialLine {
  const bits = timing.bitsPerChar ?? ASCII_BITS;
  const delimiter: Delimiter = { character: LF };
  return {
    silence: 0,
    settled: ASCII_SETTLED,
    longest: MAX_ASCII_ADU,
    wireTime: (characters) => Math.round((characters * bits * 1_000_000) / timing.baud),
    charactersOf: (pdu) => 2 * (1 + pdu + LRC_LENGTH) + AROUND,
    frame: (body, length) => asciiFrame(body, length, delimiter.character),
    framer: (user) => new AsciiFramer(user, delimiter),
    setDelimiter: (character) => {
      delimiter.character = character;
    },
  };
}
