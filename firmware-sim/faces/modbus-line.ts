/**
 * Unit and rate of a meter's own Modbus line as the meter keeps them: written over the line, in force from the reply on, for
 * all of the meter's Modbus faces alike, and still there after a power cut.
 */
import { EXCEPTION } from "../../protocols/modbus/errors.ts";
import { MAX_UNIT } from "../../protocols/modbus/frame.ts";
import { type Encoding, type ModbusLine, registerCount } from "../../protocols/models/model.ts";
import { failure, type Result, success } from "../../src/core/result.ts";
import { ByteReader, ByteWriter } from "../nvram/bytes.ts";
import { Checkpoint } from "../nvram/checkpoint.ts";
import type { Nvram } from "../nvram/nvram.ts";
import type { ExtraRegisters } from "./register-image.ts";

const CELL = "modbus-line";
/** Raised when the layout changes; another layout is refused by name, not guessed at. */
const VERSION = 1;

export interface LineSettings {
  readonly unit: number;
  /** Bits per second. */
  readonly baud: number;
}

export class ModbusLineMemory {
  readonly #map: ModbusLine;
  readonly #keep: (settings: LineSettings) => void;
  #settings: LineSettings;

  /**
   * Power on. What was written over the line outlives `factory`.
   * @param nvram the meter's memory; undefined: a power cut loses all
   * @returns the settings, or why the memory can't be used
   */
  static powerOn(map: ModbusLine, factory: LineSettings, nvram?: Nvram): Result<ModbusLineMemory, string> {
    if (nvram === undefined) return success(new ModbusLineMemory(map, factory, () => {}));
    const checkpoint = new Checkpoint(nvram, CELL);
    const recovered = checkpoint.recover();
    if (!recovered.ok) return recovered;
    const kept = recovered.value === undefined ? success(factory) : decode(recovered.value);
    return kept.ok
      ? success(new ModbusLineMemory(map, kept.value, (settings) => checkpoint.write(encode(settings))))
      : kept;
  }

  private constructor(map: ModbusLine, settings: LineSettings, keep: (settings: LineSettings) => void) {
    this.#map = map;
    this.#settings = settings;
    this.#keep = keep;
  }

  get settings(): LineSettings {
    return this.#settings;
  }

  registers(): readonly ExtraRegisters[] {
    const { unit, baud } = this.#map;
    const code = () => Object.entries(baud.rates).find(([, rate]) => rate === this.#settings.baud)?.[0];
    return [
      extra(unit.address, unit.encoding, () => this.#settings.unit),
      // A rate without a number, given on the command line, is shown as none.
      extra(baud.address, baud.encoding, () => Number(code() ?? 0)),
    ];
  }

  /** A write of one whole setting: 0, or the exception code; undefined where it is none of them. */
  write(address: number, quantity: number, bytes: Uint8Array, at: number): number | undefined {
    const { unit, baud } = this.#map;
    for (const [register, name] of [
      [unit, "unit"],
      [baud, "baud"],
    ] as const) {
      if (address !== register.address || quantity !== registerCount(register.encoding)) continue;
      const raw = numberAt(register.encoding, bytes, at);
      const value = name === "unit" ? raw : (baud.rates[String(raw)] ?? 0);
      if (!Number.isInteger(value) || value < 1 || (name === "unit" && value > MAX_UNIT))
        return EXCEPTION.illegalDataValue;
      this.#settings = { ...this.#settings, [name]: value };
      this.#keep(this.#settings);
      return 0;
    }
    return undefined;
  }
}

function extra(address: number, encoding: Encoding, value: () => number): ExtraRegisters {
  const count = registerCount(encoding);
  return {
    address,
    count,
    write: (out, at) => putNumber(encoding, value(), new DataView(out.buffer, out.byteOffset + at, 2 * count)),
  };
}

function putNumber(encoding: Encoding, value: number, view: DataView): void {
  if (encoding === "float32") view.setFloat32(0, value);
  else if (encoding === "float64") view.setFloat64(0, value);
  else if (view.byteLength === 8) view.setBigUint64(0, BigInt(value));
  else if (view.byteLength === 4) view.setUint32(0, value);
  else view.setUint16(0, value);
}

function numberAt(encoding: Encoding, bytes: Uint8Array, at: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, 2 * registerCount(encoding));
  if (encoding === "float32") return view.getFloat32(0);
  if (encoding === "float64") return view.getFloat64(0);
  if (view.byteLength === 8) return Number(view.getBigUint64(0));
  return view.byteLength === 4 ? view.getUint32(0) : view.getUint16(0);
}

function encode({ unit, baud }: LineSettings): Uint8Array {
  return new ByteWriter().u8(VERSION).u8(unit).u32(baud).bytes();
}

/** Of a payload whose CRC was good. */
function decode(bytes: Uint8Array): Result<LineSettings, string> {
  const reader = new ByteReader(bytes);
  const version = reader.u8();
  if (version !== VERSION)
    return failure(`the memory of the Modbus line has layout ${version}; this version reads layout ${VERSION}`);
  const settings = { unit: reader.u8(), baud: reader.u32() };
  const end = reader.end("the memory of the Modbus line");
  return end.ok ? success(settings) : end;
}
