/** What a meter must still know after the power was gone, as the payload of one checkpoint: it changes whole or not at all. */
import { failure, type Result, success } from "../../src/core/result.ts";

export interface MeterState {
  /** Registers and residuals, as the energy part wrote them. */
  readonly energy: Uint8Array;
  /** The remembered orders, as the journal wrote them. */
  readonly journal: Uint8Array;
  readonly relayClosed: boolean;
  /** Meter clock minus mains time, µs: what clock-set orders added up to. */
  readonly clockOffset: number;
  /** Sequence number of the last telemetry message that may have left. */
  readonly sequence: number;
}

/** Raised when the layout changes; an older layout is refused by name, not guessed at. */
const VERSION = 1;
const HEADER_BYTES = 2 + 8 + 8 + 4;

export function encodeState(state: MeterState): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + state.energy.length + state.journal.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, VERSION);
  view.setUint8(1, state.relayClosed ? 1 : 0);
  view.setFloat64(2, state.clockOffset);
  view.setFloat64(10, state.sequence);
  view.setUint32(18, state.energy.length);
  bytes.set(state.energy, HEADER_BYTES);
  bytes.set(state.journal, HEADER_BYTES + state.energy.length);
  return bytes;
}

export function decodeState(bytes: Uint8Array): Result<MeterState, string> {
  if (bytes.length < HEADER_BYTES) return failure(`state of ${bytes.length} bytes is shorter than its header`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint8(0);
  if (version !== VERSION) return failure(`state has layout ${version}; this version reads layout ${VERSION}`);
  const energyEnd = HEADER_BYTES + view.getUint32(18);
  if (energyEnd > bytes.length) return failure("state is cut off inside its energy registers");
  return success({
    energy: bytes.subarray(HEADER_BYTES, energyEnd),
    journal: bytes.subarray(energyEnd),
    relayClosed: view.getUint8(1) === 1,
    clockOffset: view.getFloat64(2),
    sequence: view.getFloat64(10),
  });
}
