/** From what a meter measures to what is wrong with its wiring: phase order, current transformers, neutral. */
import { type MeasureKey, type MeasureValues, measure, type Phase, showValue } from "../../core/measures.ts";
import type { Finding } from "./finding.ts";

const PHASES: readonly Phase[] = [1, 2, 3];

/** What is read for these findings, of those that a model has. */
export const WIRING_MEASURES: readonly MeasureKey[] = [
  ...PHASES.flatMap((p): MeasureKey[] => [
    `voltageL${p}`,
    `currentL${p}`,
    `activePowerL${p}`,
    `reactivePowerL${p}`,
    `powerFactorL${p}`,
    `phaseAngleL${p}`,
  ]),
  ...(["voltageL12", "voltageL23", "voltageL31", "voltageAngleL2", "voltageAngleL3", "phaseSequence"] as const),
];

/** How the sign of the power factor is meant, see {@link MeterModel}. */
export interface WiringModel {
  readonly phases: 1 | 3;
  readonly pfSign: "direction" | "inductive" | "none";
  /** Amperes below which angles say nothing: filters and standby supplies take their current at any. */
  readonly leastCurrent: number;
}

/** What is wrong with the wiring of a three-phase meter that measured these values; nothing where they do not say. */
export function wiringFindings(values: MeasureValues, model: WiringModel): readonly Finding[] {
  if (model.phases === 1) return [];
  const reversedOrder = phaseOrder(values);
  return [...reversedOrder, ...neutral(values), ...transformers(values, model, reversedOrder.length > 0 ? -1 : 1)];
}

function shown(values: MeasureValues, keys: readonly MeasureKey[]): string {
  return keys
    .filter((key) => typeof values[key] === "number")
    .map((key) => {
      const m = measure(key);
      return `${key} ${showValue(m, values[key] as number)}${m.unit === "1" ? "" : ` ${m.unit}`}`;
    })
    .join(", ");
}

/** In the unit of the measure; undefined where the meter does not have it. */
function of(values: MeasureValues, key: MeasureKey): number | undefined {
  const value = values[key];
  return typeof value === "number" ? value / 10 ** measure(key).decimals : undefined;
}

function all(values: MeasureValues, keys: readonly MeasureKey[]): readonly number[] | undefined {
  const found = keys.map((key) => of(values, key));
  return found.every((value) => value !== undefined) ? (found as number[]) : undefined;
}

/** The usual sequence has L2 120° behind L1. */
function phaseOrder(values: MeasureValues): Finding[] {
  const angle = of(values, "voltageAngleL2");
  const sequence = of(values, "phaseSequence");
  const reversed = sequence === 2 || (sequence === undefined && angle !== undefined && Math.abs(angle - 240) < 60);
  if (!reversed) return [];
  const evidence = [shown(values, ["phaseSequence", "voltageAngleL2", "voltageAngleL3"])];
  return [{ cause: "phase-order", confidence: "certain", evidence }];
}

/** Share of the mean by which phases differ from each other. */
function spread(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return (Math.max(...values) - Math.min(...values)) / mean;
}

/** A star point that drifts away: phase voltages differ, one too high and one too low, while those between phases do not. */
function neutral(values: MeasureValues): Finding[] {
  const toNeutral = ["voltageL1", "voltageL2", "voltageL3"] as const;
  const between = ["voltageL12", "voltageL23", "voltageL31"] as const;
  const star = all(values, toNeutral);
  if (star === undefined || Math.min(...star) <= 0) return [];
  const delta = all(values, between);
  if (spread(star) < 0.12) return [];
  if (delta !== undefined && spread(delta) > 0.05) return [];
  const nominal = star[0] as number;
  // Without the voltages between phases: a loaded phase sags, but then no other rises.
  const [low, high] = [Math.min(...star), Math.max(...star)];
  if (delta === undefined && high - low < 0.2 * Math.max(nominal, high)) return [];
  const confidence = delta === undefined ? "possible" : "certain";
  return [{ cause: "neutral-lost", confidence, evidence: [shown(values, [...toNeutral, ...between])] }];
}

function hasLoad(values: MeasureValues, p: Phase, { leastCurrent }: Pick<WiringModel, "leastCurrent">): boolean {
  return (of(values, `currentL${p}`) ?? leastCurrent) >= leastCurrent;
}

/** Degrees of the current behind the voltage, −180..180; undefined without load or where the meter does not say enough. */
function angleOf(values: MeasureValues, p: Phase, { pfSign, ...model }: WiringModel): number | undefined {
  const active = of(values, `activePowerL${p}`);
  const reactive = of(values, `reactivePowerL${p}`);
  if (!hasLoad(values, p, model) || active === undefined) return undefined;
  if (reactive !== undefined)
    return active === 0 && reactive === 0 ? undefined : (Math.atan2(reactive, active) * 180) / Math.PI;
  const angle = of(values, `phaseAngleL${p}`);
  if (angle !== undefined) return around(angle);
  const factor = of(values, `powerFactorL${p}`);
  if (factor === undefined || pfSign !== "inductive") return undefined;
  const size = (Math.acos(Math.min(1, Math.abs(factor))) * 180) / Math.PI;
  const inductive = factor >= 0 ? 1 : -1;
  // Inductive is quadrant I or III: then Q has the sign of P.
  return active >= 0 ? inductive * size : around(180 + inductive * size);
}

/** To −180..180. */
function around(degrees: number): number {
  return ((((degrees + 180) % 360) + 360) % 360) - 180;
}

interface Wiring {
  /** Whose current each phase sees: 0 its own. */
  readonly from: readonly number[];
  readonly reversed: readonly boolean[];
  /** How far-fetched it is, in degrees that it must explain better by. */
  readonly cost: number;
}

const ORDERS: readonly { readonly from: readonly number[]; readonly cost: number }[] = [
  { from: [0, 1, 2], cost: 0 },
  { from: [1, 0, 2], cost: 25 },
  { from: [2, 1, 0], cost: 25 },
  { from: [0, 2, 1], cost: 25 },
  { from: [1, 2, 0], cost: 30 },
  { from: [2, 0, 1], cost: 30 },
];
const REVERSALS = Array.from({ length: 8 }, (_, set) => [0, 1, 2].map((phase) => ((set >> phase) & 1) === 1));
const WIRINGS: readonly Wiring[] = ORDERS.flatMap(({ from, cost }) =>
  REVERSALS.map((reversed) => {
    const turned = reversed.filter(Boolean).length;
    // All at once is what feeding power back looks like, and no rarer than one mistake.
    return { from, reversed, cost: cost + (turned === 3 ? 15 : 15 * turned) };
  }),
);

/** A load takes power, more inductive than capacitive: degrees between which its current lags. */
const LOAD = { least: -40, usual: 15, most: 65 };

/** The angles a wiring would mean for the loads, and how odd they are together. */
function oddness(angles: readonly number[], { from, reversed, cost }: Wiring, sequence: 1 | -1): number {
  const loads = angles.map((angle, phase) => {
    const shift = sequence * 120 * ((from[phase] as number) - phase) + (reversed[phase] === true ? 180 : 0);
    return around(angle - shift);
  });
  const unusual = Math.abs(loads.reduce((sum, load) => sum + load, 0) / loads.length - LOAD.usual);
  const outside = loads.map((load) => Math.max(0, LOAD.least - load, load - LOAD.most));
  return cost + unusual + Math.max(...loads) - Math.min(...loads) + 4 * outside.reduce((sum, value) => sum + value, 0);
}

function transformers(values: MeasureValues, model: WiringModel, sequence: 1 | -1): Finding[] {
  const angles = PHASES.map((p) => angleOf(values, p, model));
  const keys = PHASES.flatMap((p): MeasureKey[] => [`activePowerL${p}`, `reactivePowerL${p}`, `powerFactorL${p}`]);
  if (angles.some((angle) => angle === undefined)) return bySign(values, keys, model);
  const known = angles as number[];
  const as = known.every((angle) => angle >= LOAD.least && angle <= LOAD.most);
  if (as) return [];
  let best = WIRINGS[0] as Wiring;
  for (const wiring of WIRINGS) if (oddness(known, wiring, sequence) < oddness(known, best, sequence)) best = wiring;
  const evidence = [
    shown(values, keys),
    `current behind voltage: ${known.map((angle, i) => `L${i + 1} ${Math.round(angle)}°`).join(", ")}`,
  ];
  const findings: Finding[] = [];
  const moved = best.from.flatMap((from, phase) =>
    from === phase ? [] : [`L${phase + 1} sees the current of L${from + 1}`],
  );
  if (moved.length > 0)
    findings.push({ cause: "ct-wrong-phase", confidence: "likely", evidence: [...evidence, ...moved] });
  const turned = best.reversed.flatMap((is, phase) => (is ? [`turned round: L${phase + 1}`] : []));
  if (turned.length > 0)
    findings.push({
      cause: "ct-reversed",
      // All three at once may as well feed power back.
      confidence: turned.length === 3 ? "possible" : "likely",
      evidence: [...evidence, ...turned],
    });
  return findings;
}

/** Without angles: some phases deliver while others take. */
function bySign(values: MeasureValues, keys: readonly MeasureKey[], model: WiringModel): Finding[] {
  const powers = PHASES.map((p) => (hasLoad(values, p, model) ? of(values, `activePowerL${p}`) : undefined));
  const turned = powers.flatMap((power, i) => (power !== undefined && power < 0 ? [`turned round: L${i + 1}`] : []));
  if (turned.length === 0 || turned.length === 3) return [];
  return [{ cause: "ct-reversed", confidence: "possible", evidence: [shown(values, keys), ...turned] }];
}
