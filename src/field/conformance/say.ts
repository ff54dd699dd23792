/** One exchange on a line that may show the tester its own bytes first, as optical heads and two-wire adapters do. */
import type { Chunk, Heard, Listening, Probe } from "../probe.ts";

/**
 * Sends and listens; what comes back of the own bytes is taken away where all of it stands in front.
 * @param echo what may come back; other than `send` where that was sent before
 */
export function* say(send: Uint8Array, listen: Listening, echo: Uint8Array = send): Probe<Heard> {
  const { enough } = listen;
  const whole = enough && ((bytes: Uint8Array) => enough(bytes.subarray(echoLength(bytes, echo))));
  const heard = yield { kind: "exchange", send, listen: whole === undefined ? listen : { ...listen, enough: whole } };
  return withoutFirst(heard, echoLength(heard.bytes, echo));
}

function echoLength(bytes: Uint8Array, echo: Uint8Array): number {
  return bytes.length >= echo.length && echo.every((byte, at) => bytes[at] === byte) ? echo.length : 0;
}

function withoutFirst(heard: Heard, count: number): Heard {
  if (count === 0) return heard;
  const chunks: Chunk[] = [];
  let left = count;
  for (const { at, bytes } of heard.chunks) {
    const rest = bytes.subarray(Math.min(left, bytes.length));
    left -= bytes.length - rest.length;
    if (rest.length > 0) chunks.push({ at, bytes: rest });
  }
  return { ...heard, bytes: heard.bytes.subarray(count), chunks };
}
