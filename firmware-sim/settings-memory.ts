/** What was programmed over a wire, as JSON in a checkpoint of its own: it outlives a power loss, and goes before the file. */
import type { MeterModel } from "../protocols/models/model.ts";
import { failure, type Result, success } from "../src/core/result.ts";
import { fromUtf8, utf8 } from "../src/core/text.ts";
import { Checkpoint } from "./nvram/checkpoint.ts";
import type { Nvram } from "./nvram/nvram.ts";
import { checkSettings, type MeterSettings } from "./settings.ts";

const CELL = "settings";

export class SettingsMemory {
  readonly #checkpoint: Checkpoint;
  /** The parts that were programmed, whole. */
  #programmed: Partial<MeterSettings>;
  #settings: MeterSettings;

  /**
   * @param base as the meter comes: parts that were never programmed are as they are there
   * @returns for people, why the memory can't be used
   */
  static powerOn(nvram: Nvram, base: MeterSettings, model: MeterModel): Result<SettingsMemory, string> {
    const checkpoint = new Checkpoint(nvram, CELL);
    const recovered = checkpoint.recover();
    if (!recovered.ok) return recovered;
    if (recovered.value === undefined) return success(new SettingsMemory(checkpoint, {}, base));
    const stored = parse(recovered.value);
    if (!stored.ok) return stored;
    const settings = checkSettings({ ...base, ...stored.value }, model);
    if (!settings.ok) return failure(`the programmed settings do not fit this meter: ${settings.error}`);
    return success(new SettingsMemory(checkpoint, stored.value, settings.value));
  }

  private constructor(checkpoint: Checkpoint, programmed: Partial<MeterSettings>, settings: MeterSettings) {
    this.#checkpoint = checkpoint;
    this.#programmed = programmed;
    this.#settings = settings;
  }

  get settings(): MeterSettings {
    return this.#settings;
  }

  /** Settings that have been checked; they are on the part when it returns. */
  program(part: keyof MeterSettings, settings: MeterSettings): void {
    this.#settings = settings;
    this.#programmed = { ...this.#programmed, [part]: settings[part] };
    this.#checkpoint.write(utf8(JSON.stringify(this.#programmed)));
  }
}

function parse(bytes: Uint8Array): Result<Partial<MeterSettings>, string> {
  try {
    const value: unknown = JSON.parse(fromUtf8(bytes) ?? "");
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return success(value);
  } catch {
    // Told below.
  }
  return failure("the programmed settings are no JSON object");
}
