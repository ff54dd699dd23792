/**
 * Finds messages in a stream of characters, one character at a time, with a bounded memory. What can't be the start of
 * anything expected is skipped, and a new start inside a message drops what came before it: noise costs only what it touches.
 */
import { ACK, blockCheck, CR, EOT, ETX, LF, NAK, SOH, STX, toText } from "./frame.ts";

export type Token =
  /** From `/` to before CR LF: a request or an identification. */
  | { readonly kind: "line"; readonly text: string }
  /** The three characters V Z Y after ACK. */
  | { readonly kind: "option"; readonly text: string }
  | Block
  /** Data without STX up to and including its `!` (modes A and D). */
  | { readonly kind: "plain"; readonly text: string }
  | { readonly kind: "ack" }
  | { readonly kind: "nak" }
  | { readonly kind: "overflow" };

export interface Block {
  readonly kind: "block";
  /** `P0`, `R1`, …; undefined for a block that begins with STX. */
  readonly command: string | undefined;
  readonly data: string;
  /** Ended by EOT: more follows after an ACK. */
  readonly partial: boolean;
  readonly good: boolean;
  readonly found: number;
  readonly computed: number;
}

/**
 * What may come next. The same character means different things at different times: ACK alone or with an option behind it,
 * text as noise or as data of mode A.
 */
export type Expecting = "sign-on" | "option" | "data" | "frames";

/** Identification: 5 characters, enhanced sequences, 16 of the ident; request: 2 + 32 + 1. Some meters send more. */
export const LINE_LIMIT = 80;
const OPTION_LENGTH = 3;
const SLASH = 0x2f;
const BANG = 0x21;
const OPEN = 0x28;
const CLOSE = 0x29;
const FIRST_BUFFER = 256;

type State = "idle" | "line" | "option" | "block" | "check" | "plain";

export class Scanner {
  expecting: Expecting = "sign-on";
  readonly #limit: number;
  #buffer = new Uint8Array(FIRST_BUFFER);
  #length = 0;
  #state: State = "idle";
  /** Inside of parentheses `!` is a character like others. */
  #inside = false;
  /** Where the block's data begins; 0 while only its command has come. */
  #dataAt = 0;

  /** @param limit the longest block or data text, bytes; memory never grows beyond it. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** True while a message has begun and not ended. */
  get busy(): boolean {
    return this.#state !== "idle";
  }

  clear(): void {
    this.#state = "idle";
    this.#length = 0;
  }

  /** Takes one character; the message it completes, if it does. */
  feed(byte: number): Token | undefined {
    switch (this.#state) {
      case "idle":
        return this.#start(byte);
      case "line":
        return this.#line(byte);
      case "option":
        return this.#option(byte);
      case "block":
        return this.#block(byte);
      case "check":
        return this.#check(byte);
      case "plain":
        return this.#plain(byte);
    }
  }

  #start(byte: number): Token | undefined {
    const frames = this.expecting === "data" || this.expecting === "frames";
    if (byte === SLASH) this.#begin("line", byte);
    else if (byte === SOH && frames) this.#begin("block", byte);
    else if (byte === STX && frames) {
      this.#begin("block", byte);
      this.#dataAt = 1;
    } else if (byte === ACK && this.expecting === "option") this.#begin("option", byte);
    else if (byte === ACK) return { kind: "ack" };
    else if (byte === NAK) return { kind: "nak" };
    else if (this.expecting === "data" && byte > 0x20 && byte < 0x7f) {
      this.#begin("plain", byte);
      this.#inside = byte === OPEN;
      if (byte === BANG) return this.#endPlain();
    }
    return undefined;
  }

  #begin(state: State, byte: number): void {
    this.#state = state;
    this.#buffer[0] = byte;
    this.#length = 1;
    this.#dataAt = 0;
  }

  /** What does not fit ends the message; the character may begin the next one. */
  #restart(byte: number): Token | undefined {
    this.clear();
    return this.#start(byte);
  }

  #line(byte: number): Token | undefined {
    // An identification has no "/" inside: this is a new start after noise.
    if (byte === SLASH) return this.#restart(byte);
    if (byte === LF && this.#buffer[this.#length - 1] === CR) {
      const text = toText(this.#buffer, 0, this.#length - 1);
      this.clear();
      return { kind: "line", text };
    }
    const afterCr = this.#buffer[this.#length - 1] === CR;
    if (afterCr || (byte !== CR && (byte < 0x20 || byte > 0x7e))) return this.#restart(byte);
    if (this.#length >= LINE_LIMIT) return this.#restart(byte);
    this.#append(byte);
    return undefined;
  }

  #option(byte: number): Token | undefined {
    const at = this.#length - 1;
    const fits = at < OPTION_LENGTH ? isAlphanumeric(byte) : byte === (at === OPTION_LENGTH ? CR : LF);
    if (!fits) return this.#restart(byte);
    this.#append(byte);
    if (byte !== LF) return undefined;
    const text = toText(this.#buffer, 1, 1 + OPTION_LENGTH);
    this.clear();
    return { kind: "option", text };
  }

  #block(byte: number): Token | undefined {
    if (byte === SOH) return this.#restart(byte);
    if (this.#dataAt === 0) return this.#command(byte);
    if (byte === STX) return this.#restart(byte);
    if (!this.#append(byte)) return this.#overflow();
    if (byte === ETX || byte === EOT) this.#state = "check";
    return undefined;
  }

  /** `SOH C D` and then STX or ETX, nothing else: noise that holds an SOH is seen at once. */
  #command(byte: number): Token | undefined {
    const at = this.#length;
    const fits =
      at === 1
        ? byte >= 0x41 && byte <= 0x5a
        : at === 2
          ? byte >= 0x30 && byte <= 0x39
          : byte === STX || byte === ETX || byte === EOT;
    if (!fits) return this.#restart(byte);
    this.#append(byte);
    if (byte === STX) this.#dataAt = this.#length;
    else if (at === 3) this.#state = "check";
    return undefined;
  }

  #check(byte: number): Token {
    const end = this.#length;
    const computed = blockCheck(this.#buffer, 1, end);
    const dataAt = this.#dataAt === 0 ? end - 1 : this.#dataAt;
    const data = toText(this.#buffer, dataAt, end - 1);
    const command = this.#buffer[0] === SOH ? toText(this.#buffer, 1, 3) : undefined;
    const partial = this.#buffer[end - 1] === EOT;
    // Two damaged characters may cancel out in the XOR, but neither is one of seven bits.
    const damaged = this.#buffer.subarray(0, end).some((character) => character > 0x7f);
    const good = byte === computed && !damaged;
    this.clear();
    // Noise that held an ETX must not swallow the start of what follows it. For SOH even where it is the right check
    // character: noise can be a good block by chance, and behind a real one whatever comes next ends such a start at once.
    if (byte === SOH || (!good && (byte === STX || byte === SLASH))) this.#start(byte);
    return { kind: "block", command, data, partial, good, found: byte, computed };
  }

  #plain(byte: number): Token | undefined {
    if (byte === STX || byte === SOH) return this.#restart(byte);
    // Only at the start of a line: a slash may stand inside of a value.
    if (byte === SLASH && !this.#inside && this.#buffer[this.#length - 1] === LF) return this.#restart(byte);
    if (!this.#append(byte)) return this.#overflow();
    if (byte === OPEN) this.#inside = true;
    else if (byte === CLOSE) this.#inside = false;
    else if (byte === BANG && !this.#inside) return this.#endPlain();
    return undefined;
  }

  #endPlain(): Token {
    const text = toText(this.#buffer, 0, this.#length);
    this.clear();
    return { kind: "plain", text };
  }

  #overflow(): Token {
    this.clear();
    return { kind: "overflow" };
  }

  #append(byte: number): boolean {
    if (this.#length >= this.#limit) return false;
    if (this.#length === this.#buffer.length) {
      const larger = new Uint8Array(Math.min(this.#limit, this.#buffer.length * 2));
      larger.set(this.#buffer);
      this.#buffer = larger;
    }
    this.#buffer[this.#length++] = byte;
    return true;
  }
}

function isAlphanumeric(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a);
}
