/** Captured bytes as users have them: hex on the command line, a file of hex or of raw bytes, a pipe. */
import { createReadStream, readFileSync, statSync } from "node:fs";
import { fromHex } from "../core/bytes.ts";
import { CommandError, usage } from "./errors.ts";

/** Far beyond any frame and any P1 telegram; a mistaken file of gigabytes is refused before it fills the memory. */
const INPUT_LIMIT = 1 << 20;

/** Where the captured bytes may also be text as it is, since the protocol itself is text. */
export type TextForm = "none" | "any" | "modbus-ascii";

export interface BytesSource {
  /** On the command line; `-` is stdin. */
  readonly hex?: string | undefined;
  readonly file?: string | undefined;
}

/** @throws CommandError (exit 2) when nothing, two things, too much or no hex was given. */
export async function capturedBytes(source: BytesSource, text: TextForm): Promise<Uint8Array> {
  const { hex, file } = source;
  if ((hex === undefined) === (file === undefined))
    throw usage(
      hex === undefined ? "no bytes are given" : "bytes and --file are both given",
      "give HEX, --file FILE, or - for stdin",
    );
  if (file === undefined && hex !== "-") return bytesOf(Buffer.from(hex as string, "latin1"), text, "argument");
  const from = file === undefined || file === "-" ? process.stdin : createReadStream(file);
  return bytesOf(await readAll(from, file ?? "stdin"), text, "file");
}

async function readAll(stream: NodeJS.ReadableStream, name: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of stream) {
      chunks.push(Buffer.from(chunk as Buffer));
      length += chunk.length;
      if (length > INPUT_LIMIT) break;
    }
  } catch (error) {
    throw usage(`${name} can't be read: ${(error as Error).message}`);
  }
  return Buffer.concat(chunks);
}

function bytesOf(content: Buffer, text: TextForm, origin: "argument" | "file"): Uint8Array {
  if (content.length > INPUT_LIMIT)
    throw usage(`this is more than ${INPUT_LIMIT} bytes`, "cut out the frame that is to be explained");
  const string = content.toString("latin1");
  if (string.trim() === "") throw usage("no bytes are given", "give HEX, --file FILE, or - for stdin");
  if (text === "modbus-ascii" && string.startsWith(":")) {
    // A shell drops the line end that belongs to the frame.
    return new Uint8Array(Buffer.from(origin === "argument" ? `${string.trimEnd()}\r\n` : string, "latin1"));
  }
  const bytes = fromHex(string);
  if (bytes.ok) return bytes.value;
  // Hex is printable; what has other bytes is the capture itself.
  if ((text === "any" && /[^0-9a-fA-F\s:,-]/.test(string)) || /[^\t\r\n\x20-\x7e]/.test(string))
    return new Uint8Array(content);
  throw usage(bytes.error, "give two hex digits for each byte, such as 010300000002c40b");
}

/** Recordings end at this size (src/cli/record.ts), and this much fits into the memory. */
export const LARGEST_RECORDING = 1 << 27;

/** @throws CommandError (exit 2) for a file that can't be read or is too large. */
export function readWholeFile(file: string): Uint8Array {
  try {
    const { size } = statSync(file);
    if (size > LARGEST_RECORDING)
      throw usage(`${file} has more than ${LARGEST_RECORDING} bytes`, "cut it in pieces: editcap -c 100000 FILE PIECE");
    return new Uint8Array(readFileSync(file));
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw usage(`${file} can't be read: ${(error as Error).message}`, "name a recording, pcapng or pcap file");
  }
}
