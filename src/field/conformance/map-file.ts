/** The parts that map files of all protocols have, and readers for JSON of unknown shape that say where it is wrong. */
import { failure, type Result, success } from "../../core/result.ts";

export interface MapHeader {
  /** As the report calls the device. */
  readonly device: string | undefined;
  /** Features left out by design, each with its reason. */
  readonly notSupported: ReadonlyMap<string, string>;
}

export type JsonObject = Readonly<Record<string, unknown>>;

/** The text of a map file for `protocol`; `known` are the keys that it may have beside the common ones. */
export function parseMapFile(text: string, protocol: string, known: readonly string[]): Result<JsonObject, string> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return failure(`it is no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (!isObject(json)) return failure("it is no JSON object");
  if (json["protocol"] !== protocol)
    return failure(`"protocol" is ${JSON.stringify(json["protocol"])}, not "${protocol}"`);
  const allowed = ["protocol", "device", "notSupported", ...known];
  const unknown = Object.keys(json).find((key) => !allowed.includes(key));
  if (unknown !== undefined) return failure(`"${unknown}" is no key of it; known: ${allowed.join(", ")}`);
  return success(json);
}

/** `device` and `notSupported`; features must be among `features` where that is given. */
export function parseMapHeader(json: JsonObject, features: (feature: string) => boolean): Result<MapHeader, string> {
  const { device, notSupported = {} } = json as { device?: unknown; notSupported?: unknown };
  if (device !== undefined && typeof device !== "string") return failure('"device" is no text');
  if (!isObject(notSupported)) return failure('"notSupported" is no object of feature and reason');
  const reasons = new Map<string, string>();
  for (const [feature, reason] of Object.entries(notSupported)) {
    if (!features(feature)) return failure(`notSupported: "${feature}" is no feature that is checked`);
    if (typeof reason !== "string" || reason === "") return failure(`notSupported: "${feature}" has no reason`);
    reasons.set(feature, reason);
  }
  return success({ device, notSupported: reasons });
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A whole number low..high, or undefined. */
export function wholeNumber(value: unknown, low: number, high: number): number | undefined {
  return typeof value === "number" && Number.isInteger(value) && value >= low && value <= high ? value : undefined;
}
