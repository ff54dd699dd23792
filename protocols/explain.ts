/** What a capture is made of, field by field: the shape that `meterworks decode` shows for every protocol. */

export interface ExplainedField {
  /** Place in the bytes as captured. */
  readonly offset: number;
  readonly length: number;
  readonly name: string;
  readonly value: string;
  /** What is wrong with it; absent when nothing is. */
  readonly fault?: string;
}

export interface ExplainedReading {
  /** The protocol's own name of the value. */
  readonly id: string;
  readonly obis?: string;
  /** A decimal string, or the text of what is no number; null where the meter sent no value. */
  readonly value: string | null;
  readonly unit: string;
}

export interface Explanation {
  readonly ok: boolean;
  /** Why the bytes were refused. */
  readonly error?: string;
  readonly fields: readonly ExplainedField[];
  readonly readings: readonly ExplainedReading[];
}
