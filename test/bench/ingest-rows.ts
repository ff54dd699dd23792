/** MQTT ingest in the report: both sides in each round, the rate of ours over that of the peer. */
import { INGEST_SIDES, type IngestSample, type IngestSide } from "./ingest.ts";
import { median, table } from "./table.ts";

export interface MeasuredIngest {
  readonly side: IngestSide;
  readonly samples: IngestSample[];
}

const LEAST = 1.6;
const WHAT: Readonly<Record<IngestSide, string>> = {
  meterworks: "acknowledged after the commit (SQLite, FULL)",
  "mqtt.js": "acknowledged at once, nothing stored",
  raw: "the same on a bare socket: the floor",
};

export function ingestLabel(side: IngestSide): string {
  return `ingest ${side}`;
}

export function noIngest(only: string): readonly MeasuredIngest[] {
  return INGEST_SIDES.filter((side) => ingestLabel(side).includes(only)).map((side) => ({ side, samples: [] }));
}

export function ingestReport(measured: readonly MeasuredIngest[]): readonly string[] {
  if (measured.length === 0) return [];
  const rows = measured.map(({ side, samples }) => {
    const of = (pick: (sample: IngestSample) => number): number => median(samples.map(pick));
    return [
      ...[side, WHAT[side], of((sample) => sample.messagesPerSecond).toFixed(0)],
      ...[samples.map((sample) => sample.messagesPerSecond.toFixed(0)).join(" ")],
      ...[of((sample) => sample.subscriberCpu).toFixed(1), of((sample) => sample.brokerCpu).toFixed(1)],
    ];
  });
  return [
    "MQTT ingest, QoS 1, telemetry of 8 measures through one Mosquitto, one publisher (medians; CPU per message)",
    ...table([["subscriber", "", "msg/s", "all runs", "CPU us", "broker"], ...rows], new Set([0, 1, 3])),
    ...ingestVerdicts(measured).map(
      ({ pass, reached }) => `${pass ? "PASS  " : "MISSED"}  ${GOAL}: ${reached.toFixed(2)}x`,
    ),
    "",
  ];
}

const GOAL = `MQTT ingest with acknowledgement after the commit >= ${LEAST}x mqtt.js that stores nothing`;

/** Empty where a side was not measured. */
export function ingestVerdicts(measured: readonly MeasuredIngest[]) {
  const rate = (side: IngestSide): number =>
    median(measured.find((m) => m.side === side)?.samples.map((sample) => sample.messagesPerSecond) ?? []);
  const reached = rate("meterworks") / rate("mqtt.js");
  return Number.isNaN(reached) ? [] : [{ goal: GOAL, reached, pass: reached >= LEAST }];
}
