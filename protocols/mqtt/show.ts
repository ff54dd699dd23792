/** Values as the messages have them. */
import { MEASURES, type MeasureValues, showValue } from "../../src/core/measures.ts";

/** By OBIS code: a decimal string in the shown unit, null where there is no value. */
export function showValues(values: MeasureValues): Record<string, string | null> {
  const shown: Record<string, string | null> = {};
  for (const m of MEASURES) {
    const value = values[m.key];
    if (value !== undefined) shown[m.obis] = value === null ? null : showValue(m, value);
  }
  return shown;
}
