/** Cuts what a port receives into lines, with a bounded memory. */
import { DelimiterParser } from "@serialport/parser-delimiter";

const LF = 0x0a;

/** Gives each line with its LF; of a line without end, `limit` bytes at a time. Lines come in order, in a later turn. */
export class LineSplitter {
  readonly #limit: number;
  readonly #take: (line: Uint8Array) => void;
  #parser: DelimiterParser;
  /** Bytes that wait in the parser, which itself knows no limit. */
  #held = 0;

  /** @param limit the longest line, bytes, at least 1 */
  constructor(limit: number, take: (line: Uint8Array) => void) {
    this.#limit = limit;
    this.#take = take;
    this.#parser = this.#fresh();
  }

  push(bytes: Uint8Array): void {
    for (let from = 0; from < bytes.length; ) {
      const piece = bytes.subarray(from, from + this.#limit - this.#held);
      from += piece.length;
      this.#parser.write(piece);
      const end = piece.lastIndexOf(LF);
      this.#held = end < 0 ? this.#held + piece.length : piece.length - 1 - end;
      if (this.#held < this.#limit) continue;
      // Ending the parser is its way to give out what it holds.
      this.#parser.end();
      this.#parser = this.#fresh();
      this.#held = 0;
    }
  }

  #fresh(): DelimiterParser {
    const parser = new DelimiterParser({ delimiter: [LF], includeDelimiter: true });
    parser.on("data", this.#take);
    return parser;
  }
}
