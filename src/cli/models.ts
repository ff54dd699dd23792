/** `--model`: a built-in id, or a file of the user's own. */
import { readFileSync } from "node:fs";
import { parseModelText } from "../../protocols/models/check.ts";
import { findModel, MODELS } from "../../protocols/models/index.ts";
import type { MeterModel } from "../../protocols/models/model.ts";
import { usage } from "./errors.ts";

/** What has a slash or ends in .json is a file; the rest is looked up. */
export function loadModel(text: string): MeterModel {
  if (!/[\\/]|\.json$/.test(text)) {
    const model = findModel(text);
    if (model !== undefined) return model;
    throw usage(
      `model "${text}" is unknown`,
      `known: ${MODELS.map((m) => m.id).join(", ")}; or give a file such as ./my-meter.json`,
    );
  }
  let content: string;
  try {
    content = readFileSync(text, "utf8");
  } catch (error) {
    throw usage(`model file ${text} can't be read: ${(error as Error).message}`);
  }
  const model = parseModelText(content);
  if (model.ok) return model.value;
  const [first, ...more] = model.error;
  const rest = more.length === 0 ? "" : ` (and ${more.length} more problem${more.length === 1 ? "" : "s"})`;
  throw usage(`model file ${text}: ${first?.place}: ${first?.message}${rest}`);
}
