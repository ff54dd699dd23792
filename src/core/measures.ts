/**
 * The vocabulary: every measure has one identity in the whole system: key, OBIS code (IEC 62056-61), unit, direction.
 * A protocol map only says where a measure sits on the wire.
 *
 * Inside, a value is an integer of 10^-decimals of the base unit (mV, µA, mW, mWh, …). What leaves the system is a decimal
 * string in the shown unit (kWh for energy), see {@link showValue}.
 */
import { formatDecimal, parseDecimalNumber } from "./decimal.ts";
import { failure, type Result, success } from "./result.ts";

export type Phase = 1 | 2 | 3;
/** Orders of the harmonics that have a measure each. */
type Order = 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12 | 13 | 14 | 15 | 16 | 17 | 18 | 19 | 20 | 21;
export const HARMONIC_ORDERS: readonly Order[] = [
  2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
];
type Unit = "V" | "A" | "W" | "var" | "VA" | "Hz" | "Wh" | "varh" | "VAh" | "1" | "deg" | "%" | "s";

type PerPhaseKey =
  | `voltageL${Phase}`
  | `currentL${Phase}`
  | `activePowerL${Phase}`
  | `reactivePowerL${Phase}`
  | `apparentPowerL${Phase}`
  | `powerFactorL${Phase}`
  | `phaseAngleL${Phase}`
  | `activeEnergyImportL${Phase}`
  | `activeEnergyExportL${Phase}`
  | `activeEnergySumL${Phase}`
  | `reactiveEnergyImportL${Phase}`
  | `reactiveEnergyExportL${Phase}`
  | `fundamentalActivePowerL${Phase}`
  | `quadrantL${Phase}`
  | `voltageThdL${Phase}`
  | `currentThdL${Phase}`
  | `voltageHarmonic${Order}L${Phase}`
  | `currentHarmonic${Order}L${Phase}`;

export type MeasureKey =
  | PerPhaseKey
  | "voltageL12"
  | "voltageL23"
  | "voltageL31"
  | "currentNeutral"
  | "currentSum"
  | "activePower"
  | "reactivePower"
  | "apparentPower"
  | "powerFactor"
  | "frequency"
  | "activeEnergyImport"
  | "activeEnergyExport"
  | "activeEnergySum"
  | "reactiveEnergyImport"
  | "reactiveEnergyExport"
  | "reactiveEnergySum"
  | "reactiveEnergyQ1"
  | "reactiveEnergyQ2"
  | "reactiveEnergyQ3"
  | "reactiveEnergyQ4"
  | "apparentEnergy"
  | "relayState"
  | "clock"
  | "fundamentalActivePower"
  | "quadrant"
  | "voltageAngleL2"
  | "voltageAngleL3"
  | "phaseSequence"
  | BookedKey;

/** What the meter keeps beside the totals: rates, maximum demand, credit. */
type BookedKey =
  | `activeEnergyImportT${1 | 2 | 3 | 4}`
  | `activeEnergyExportT${1 | 2 | 3 | 4}`
  | "maximumDemandImport"
  | "creditBalance";

export interface Measure {
  readonly key: MeasureKey;
  /** `A-B:C.D.E`. Codes with C 128..199 or 240 are not in the standard's common list. */
  readonly obis: string;
  readonly unit: Unit;
  /** A value is an integer of 10^-decimals of `unit`. */
  readonly decimals: number;
  /** Energies only grow (until they roll over); instantaneous values do not; a status is a code. */
  readonly kind: "instant" | "energy" | "status";
  readonly phase?: Phase;
  /** Only on meters with three phases, though of none of them alone. */
  readonly isPolyphase?: true;
  /** One of so many that it is read where it is asked for, not with everything else, and not stored. */
  readonly isDetail?: true;
  readonly title: string;
}

type Row = readonly [key: MeasureKey, obis: string, unit: Unit, title: string];

const DECIMALS: Readonly<Record<Unit, number>> = {
  V: 3,
  A: 6,
  W: 3,
  var: 3,
  VA: 3,
  Hz: 3,
  Wh: 3,
  varh: 3,
  VAh: 3,
  "1": 6,
  deg: 3,
  "%": 3,
  s: 0,
};

/** Value group E of a voltage or current is the order of a harmonic, and 124 their total distortion. */
function distortion(phase: Phase): Row[] {
  const l = `L${phase}` as const;
  const [v, i] = [12 + 20 * phase, 11 + 20 * phase];
  return [
    [`voltageThd${l}`, `1-0:${v}.7.124`, "%", `Harmonic distortion of voltage ${l}, of its fundamental`],
    [`currentThd${l}`, `1-0:${i}.7.124`, "%", `Harmonic distortion of current ${l}, of its fundamental`],
  ];
}

function harmonics(phase: Phase): Row[] {
  const l = `L${phase}` as const;
  const of = (kind: "voltage" | "current", c: number) =>
    HARMONIC_ORDERS.map(
      (n): Row => [
        `${kind}Harmonic${n}${l}`,
        `1-0:${c}.7.${n}`,
        "%",
        `Harmonic ${n} of ${kind} ${l}, of its fundamental`,
      ],
    );
  return [...of("voltage", 12 + 20 * phase), ...of("current", 11 + 20 * phase)];
}

/** What the standard has no code for has one of a maker's own: 96.50. */
function waveform(phase: Phase): Row[] {
  const l = `L${phase}` as const;
  const c = 16 + 20 * phase;
  return [
    [`fundamentalActivePower${l}`, `1-0:${c}.7.1`, "W", `Active power ${l} of the fundamental, signed`],
    [`quadrant${l}`, `0-0:96.50.1${phase}`, "1", `Quadrant of the power ${l}, 1..4`],
    ...distortion(phase),
  ];
}

/** OBIS value group C of phase L1, L2, L3 is that of the total plus 20, 40, 60. */
function perPhase(phase: Phase): Row[] {
  const c = (total: number) => total + 20 * phase;
  const l = `L${phase}` as const;
  return [
    [`voltage${l}`, `1-0:${c(12)}.7.0`, "V", `Voltage ${l} to neutral`],
    [`current${l}`, `1-0:${c(11)}.7.0`, "A", `Current ${l}`],
    [`activePower${l}`, `1-0:${c(16)}.7.0`, "W", `Active power ${l}, signed`],
    [`reactivePower${l}`, `1-0:${c(131)}.7.0`, "var", `Reactive power ${l}, signed`],
    [`apparentPower${l}`, `1-0:${c(9)}.7.0`, "VA", `Apparent power ${l}`],
    [`powerFactor${l}`, `1-0:${c(13)}.7.0`, "1", `Power factor ${l}, P/S with the sign of P`],
    [`phaseAngle${l}`, `1-0:81.7.${[4, 15, 26][phase - 1]}`, "deg", `Angle of current behind voltage ${l}, 0..360`],
    [`activeEnergyImport${l}`, `1-0:${c(1)}.8.0`, "Wh", `Active energy import (+A) ${l}`],
    [`activeEnergyExport${l}`, `1-0:${c(2)}.8.0`, "Wh", `Active energy export (−A) ${l}`],
    [`activeEnergySum${l}`, `1-0:${c(15)}.8.0`, "Wh", `Active energy import + export ${l}`],
    [`reactiveEnergyImport${l}`, `1-0:${c(3)}.8.0`, "varh", `Reactive energy import (+R) ${l}`],
    [`reactiveEnergyExport${l}`, `1-0:${c(4)}.8.0`, "varh", `Reactive energy export (−R) ${l}`],
  ];
}

const ROWS: readonly Row[] = [
  ["activePower", "1-0:16.7.0", "W", "Active power, signed: import positive"],
  ["reactivePower", "1-0:131.7.0", "var", "Reactive power, signed"],
  ["apparentPower", "1-0:9.7.0", "VA", "Apparent power"],
  ["powerFactor", "1-0:13.7.0", "1", "Power factor, P/S with the sign of P"],
  ["frequency", "1-0:14.7.0", "Hz", "Mains frequency"],
  ...perPhase(1),
  ...perPhase(2),
  ...perPhase(3),
  ["voltageL12", "1-0:140.7.0", "V", "Voltage L1 to L2"],
  ["voltageL23", "1-0:160.7.0", "V", "Voltage L2 to L3"],
  ["voltageL31", "1-0:180.7.0", "V", "Voltage L3 to L1"],
  ["currentNeutral", "1-0:91.7.0", "A", "Neutral current"],
  ["currentSum", "1-0:90.7.0", "A", "Sum of the phase currents"],
  ["activeEnergyImport", "1-0:1.8.0", "Wh", "Active energy import (+A)"],
  ["activeEnergyExport", "1-0:2.8.0", "Wh", "Active energy export (−A)"],
  ["activeEnergySum", "1-0:15.8.0", "Wh", "Active energy import + export"],
  ["reactiveEnergyImport", "1-0:3.8.0", "varh", "Reactive energy import (+R, QI + QII)"],
  ["reactiveEnergyExport", "1-0:4.8.0", "varh", "Reactive energy export (−R, QIII + QIV)"],
  ["reactiveEnergySum", "1-0:128.8.0", "varh", "Reactive energy import + export"],
  ["reactiveEnergyQ1", "1-0:5.8.0", "varh", "Reactive energy quadrant I"],
  ["reactiveEnergyQ2", "1-0:6.8.0", "varh", "Reactive energy quadrant II"],
  ["reactiveEnergyQ3", "1-0:7.8.0", "varh", "Reactive energy quadrant III"],
  ["reactiveEnergyQ4", "1-0:8.8.0", "varh", "Reactive energy quadrant IV"],
  ["apparentEnergy", "1-0:9.8.0", "VAh", "Apparent energy"],
  ["relayState", "0-0:96.3.10", "1", "Relay: 0 open, 1 closed"],
  ["clock", "0-0:1.0.0", "s", "Meter clock, seconds since 1970 in UTC"],
  ["fundamentalActivePower", "1-0:16.7.1", "W", "Active power of the fundamental, signed"],
  ["quadrant", "0-0:96.50.10", "1", "Quadrant of the power, 1..4"],
  ...waveform(1),
  ...waveform(2),
  ...waveform(3),
  ["voltageAngleL2", "1-0:81.7.1", "deg", "Angle of voltage L2 behind voltage L1, 0..360"],
  ["voltageAngleL3", "1-0:81.7.2", "deg", "Angle of voltage L3 behind voltage L1, 0..360"],
  ["phaseSequence", "0-0:96.50.0", "1", "Phase sequence: 1 L1-L2-L3, 2 reversed, 0 undetermined"],
  ...harmonics(1),
  ...harmonics(2),
  ...harmonics(3),
  ["activeEnergyImportT1", "1-0:1.8.1", "Wh", "Active energy import (+A) of rate 1"],
  ["activeEnergyImportT2", "1-0:1.8.2", "Wh", "Active energy import (+A) of rate 2"],
  ["activeEnergyImportT3", "1-0:1.8.3", "Wh", "Active energy import (+A) of rate 3"],
  ["activeEnergyImportT4", "1-0:1.8.4", "Wh", "Active energy import (+A) of rate 4"],
  ["activeEnergyExportT1", "1-0:2.8.1", "Wh", "Active energy export (−A) of rate 1"],
  ["activeEnergyExportT2", "1-0:2.8.2", "Wh", "Active energy export (−A) of rate 2"],
  ["activeEnergyExportT3", "1-0:2.8.3", "Wh", "Active energy export (−A) of rate 3"],
  ["activeEnergyExportT4", "1-0:2.8.4", "Wh", "Active energy export (−A) of rate 4"],
  ["maximumDemandImport", "1-0:1.6.0", "W", "Maximum demand of active import (+A) since the last settlement"],
  ["creditBalance", "0-0:19.10.0", "1", "Credit in the meter, minor units or mWh, below zero in overdraft"],
];

/** Codes, and money, whose currency the meter does not know: whole numbers without a unit. */
const WHOLE = /^(relayState|phaseSequence|quadrant|creditBalance)/;

export const MEASURES: readonly Measure[] = ROWS.map(([key, obis, unit, title]) => ({
  key,
  obis,
  unit,
  title,
  decimals: WHOLE.test(key) ? 0 : DECIMALS[unit],
  kind: WHOLE.test(key) || key === "clock" ? "status" : unit.endsWith("h") ? "energy" : "instant",
  ...(/L[123]$/.test(key) ? { phase: Number(key.at(-1)) as Phase } : {}),
  ...(/L(12|23|31)$|^phaseSequence$/.test(key) ? { isPolyphase: true } : {}),
  ...(/Harmonic\d/.test(key) ? { isDetail: true } : {}),
}));

/** Every measure but the details: what is read, sent and stored where nothing else is asked for. */
export const USUAL_MEASURES: readonly Measure[] = MEASURES.filter((m) => m.isDetail !== true);

/** Whether a meter with so many phases can have it. */
export function isOfMeter(m: Measure, phases: 1 | 3): boolean {
  return phases === 3 || ((m.phase ?? 1) === 1 && m.isPolyphase !== true);
}

const BY_KEY = new Map<string, Measure>(MEASURES.map((m) => [m.key, m]));
const BY_OBIS = new Map<string, Measure>(MEASURES.map((m) => [m.obis, m]));

export function measure(key: MeasureKey): Measure {
  return BY_KEY.get(key) as Measure;
}

export function findMeasureByObis(obis: string): Measure | undefined {
  return BY_OBIS.get(obis);
}

export function isMeasureKey(key: string): key is MeasureKey {
  return BY_KEY.has(key);
}

/** A value's closed list of qualities; a reading without a value is null with one of them, never 0. */
export type Quality = "good" | "estimated" | "late" | "clock-doubt" | "invalid" | "missing";

/** Values by measure, integers as described at {@link Measure}; null where the meter says "no value". */
export type MeasureValues = Partial<Record<MeasureKey, number | null>>;

/** Energies are shown in k-units: 12345678 mWh is 12.345678 kWh. */
export function shownUnit(m: Measure): string {
  return m.kind === "energy" ? `k${m.unit}` : m.unit;
}

/** Decimals of {@link shownUnit}. */
export function shownDecimals(m: Measure): number {
  return m.kind === "energy" ? m.decimals + 3 : m.decimals;
}

/** The decimal string in {@link shownUnit}. */
export function showValue(m: Measure, value: number | bigint): string {
  return formatDecimal(value, shownDecimals(m));
}

/** The reverse of {@link showValue}; refuses what is no safe integer at the measure's decimals. */
export function parseShownValue(m: Measure, text: string): Result<number, string> {
  const parsed = parseDecimalNumber(text, shownDecimals(m));
  if (!parsed.ok) return parsed;
  return parsed.value === undefined ? failure(`"${text}" is beyond the range of ${m.key}`) : success(parsed.value);
}
