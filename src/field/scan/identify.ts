/** What a Modbus unit is: by its own words (2B/0E, 11h), checked against its registers, or by its registers alone. */
import { parseIdentification } from "../../../protocols/modbus/identification.ts";
import { MODELS } from "../../../protocols/models/index.ts";
import type { MeterModel } from "../../../protocols/models/model.ts";
import type { Probe } from "../probe.ts";
import { distinguish, fitOf, fits, RegisterReader, shareOf } from "./fingerprint.ts";
import type { FoundMeter } from "./found.ts";
import { askUnit, type ReadingRequest, type UnitPlace } from "./modbus.ts";

const DEVICE_OBJECTS: ReadingRequest = { function: 43, code: 1, object: 0 };
const SERVER_ID: ReadingRequest = { function: 17 };
/** Percent. */
const CONFIDENCE = {
  saidAndShown: 99,
  saidOnly: 70,
  fits: 90,
  tellingRegister: 80,
  fitsPartly: 60,
  oneOfSeveral: 50,
  unknown: 0,
} as const;

type Verdict = Pick<FoundMeter, "model" | "alternatives" | "name" | "confidence" | "reason">;

export function* identifyUnit(place: UnitPlace): Probe<FoundMeter> {
  const { line, framing, unit } = place;
  const verdict = yield* judge(place);
  return {
    protocol: framing,
    ...(line.format === undefined ? {} : { format: line.format }),
    unit,
    ...(line.echoes ? { echo: true } : {}),
    ...verdict,
  };
}

function* judge(place: UnitPlace): Probe<Verdict> {
  const words = yield* ownWords(place);
  const reader = new RegisterReader(place);
  const said = words === undefined ? undefined : MODELS.find((model) => names(words.text, model));
  if (said !== undefined && words !== undefined) {
    const fit = yield* fitOf(said, reader);
    const reason = `${words.by} says "${words.text}"`;
    const common = { model: said.id, alternatives: [], name: words.text };
    return fit.good > 0
      ? {
          ...common,
          confidence: CONFIDENCE.saidAndShown,
          reason: `${reason}, and its registers agree: ${fit.shown.join(", ")}`,
        }
      : { ...common, confidence: CONFIDENCE.saidOnly, reason: `${reason}, but its registers show no mains voltage` };
  }
  const verdict = yield* byRegisters(reader);
  if (words === undefined) return verdict;
  return { ...verdict, name: words.text, reason: `${verdict.reason}; ${words.by} says "${words.text}"` };
}

function* byRegisters(reader: RegisterReader): Probe<Verdict> {
  const ranked = yield* fits(reader);
  const first = ranked[0];
  if (first === undefined)
    return {
      alternatives: [],
      confidence: CONFIDENCE.unknown,
      reason: "it answers Modbus, but no known map shows a mains voltage",
    };
  const equal = ranked.filter((fit) => shareOf(fit) === shareOf(first) && fit.good === first.good);
  const left = equal.length === 1 ? equal : yield* distinguish(equal, reader);
  const { model, good, asked, shown } = left[0] ?? first;
  const alternatives = left.slice(1).map((fit) => fit.model.id);
  const whole = good === asked;
  const sure =
    left.length > 1 ? "oneOfSeveral" : whole ? (equal.length > 1 ? "tellingRegister" : "fits") : "fitsPartly";
  const tie = alternatives.length === 0 ? "" : `; the registers of ${alternatives.join(", ")} look the same`;
  const reason = `${good} of ${asked} registers of this map are plausible: ${shown.join(", ")}${tie}`;
  return {
    model: model.id,
    alternatives,
    name: `${model.manufacturer} ${model.name}`,
    confidence: CONFIDENCE[sure],
    reason,
  };
}

interface Words {
  readonly by: string;
  readonly text: string;
}

/** Vendor, product and revision, else the server id's text; undefined where it says nothing of itself. */
function* ownWords(place: UnitPlace): Probe<Words | undefined> {
  const objects = yield* askUnit(place, DEVICE_OBJECTS);
  if (objects.kind === "answer" && objects.result.ok) {
    const page = parseIdentification(objects.result.value.data);
    const text = page.ok ? [...page.value.objects.values()].map(printable).join(" ").trim() : "";
    if (text !== "") return { by: "its device identification (2B/0E)", text };
  }
  const id = yield* askUnit(place, SERVER_ID);
  if (id.kind !== "answer" || !id.result.ok) return undefined;
  const text = printable(id.result.value.data).trim();
  return text.length < 3 ? undefined : { by: "its server id (11h)", text };
}

function printable(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes.filter((byte) => byte >= 0x20 && byte < 0x7f));
}

/** Whether a meter's words name this model: its id or its name, whatever the case and what stands between. */
function names(text: string, { id, name }: MeterModel): boolean {
  const bare = (of: string) => of.toLowerCase().replace(/[^a-z0-9]/g, "");
  return bare(text).includes(bare(id)) || bare(text).includes(bare(name));
}
