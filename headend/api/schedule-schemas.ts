/** JSON Schemas of what is read by schedule and on demand, of events and clocks. */
import { EVENT_STATES } from "../../protocols/mqtt/message.ts";
import { DATED_TASKS } from "../schedule/groups.ts";
import {
  decimal,
  flag,
  integer,
  list,
  meterId,
  next,
  orNull,
  quality,
  ratio,
  record,
  ref,
  type Schema,
  source,
  text,
  time,
  values,
} from "./schemas.ts";

export const readBody: Schema = {
  ...record(
    {
      waitSeconds: {
        type: "number",
        description: "for how long to wait, 1 to 60 s (default 10)",
        minimum: 1,
        maximum: 60,
      },
    },
    ["waitSeconds"],
  ),
  type: ["object", "null"],
};

const datedRead = record(
  {
    task: { enum: DATED_TASKS },
    slot: { ...time, description: "the time for which it is" },
    taken: { ...time, description: "when the values were taken" },
    basis: {
      enum: ["settlement", "reading"],
      description:
        "settlement: the meter closed its registers itself at the time; reading: only what it showed at `taken`",
    },
    quality,
    ratio,
    values,
    settlement: orNull(
      record({
        meterTime: { type: "string", description: "by the meter's local clock, which tells no zone" },
        clockInDoubt: flag,
        late: flag,
        registers: list(
          record({
            measure: text,
            unit: text,
            total: decimal,
            rates: list(decimal),
            demandUnit: text,
            maximumDemand: orNull(decimal),
            maximumDemandAt: orNull(text),
          }),
        ),
      }),
    ),
  },
  ["ratio"],
);

export const scheduleAnswers = {
  read: record({ meter: meterId, reading: ref("Reading") }),
  datedReads: record({ meter: meterId, reads: list(datedRead), next }),
  events: record({
    meter: meterId,
    events: list(
      record({
        event: text,
        phase: { enum: [0, 1, 2, 3], description: "0 is the meter as a whole" },
        state: { enum: EVENT_STATES },
        start: text,
        end: orNull(text),
        source,
        sequence: orNull(integer),
        values: list(record({ measure: text, value: decimal, unit: text })),
      }),
    ),
    next,
  }),
  clock: record({
    meter: meterId,
    clock: orNull(
      record({
        offset: decimal,
        uncertainty: decimal,
        measuredAt: time,
        corrected: orNull(time),
        alarmSince: orNull(time),
      }),
    ),
    jumps: list(
      record({ from: time, to: time, before: decimal, after: decimal, cause: { enum: ["order", "unknown"] } }),
    ),
    next,
  }),
} satisfies Record<string, Schema>;
