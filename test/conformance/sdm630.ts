/**
 * The SDM630 as its public readers describe it (volkszaehler/mbmd, meters/rs485/sdm.go, and Eastron's register list): input
 * registers, float32, high word first. Written down here a second time on purpose: a wrong address in the product's own
 * map must not be hidden by a test that takes the address from that map.
 */
export interface KnownRegister {
  readonly measure: string;
  readonly address: number;
  readonly unit: string;
  readonly obis: string;
  /** What our peers' servers put there: exact as float32, different everywhere, so that a mix-up shows. */
  readonly known: number;
}

type Row = readonly [measure: string, address: number, unit: string, obis: string, known: number];

const ROWS: readonly Row[] = [
  ["voltageL1", 0x0000, "V", "1-0:32.7.0", 230.5],
  ["voltageL2", 0x0002, "V", "1-0:52.7.0", 231.25],
  ["voltageL3", 0x0004, "V", "1-0:72.7.0", 229.75],
  ["currentL1", 0x0006, "A", "1-0:31.7.0", 5.0625],
  ["currentL2", 0x0008, "A", "1-0:51.7.0", 4.25],
  ["currentL3", 0x000a, "A", "1-0:71.7.0", 0.015625],
  ["activePowerL1", 0x000c, "W", "1-0:36.7.0", 920.25],
  ["activePowerL2", 0x000e, "W", "1-0:56.7.0", -783.5],
  ["activePowerL3", 0x0010, "W", "1-0:76.7.0", 3.5],
  ["apparentPowerL1", 0x0012, "VA", "1-0:29.7.0", 1166.75],
  ["apparentPowerL2", 0x0014, "VA", "1-0:49.7.0", 982.75],
  ["apparentPowerL3", 0x0016, "VA", "1-0:69.7.0", 3.625],
  ["reactivePowerL1", 0x0018, "var", "1-0:151.7.0", 717.25],
  ["reactivePowerL2", 0x001a, "var", "1-0:171.7.0", -593.125],
  ["reactivePowerL3", 0x001c, "var", "1-0:191.7.0", 0.75],
  ["powerFactorL1", 0x001e, "1", "1-0:33.7.0", 0.78125],
  ["powerFactorL2", 0x0020, "1", "1-0:53.7.0", -0.796875],
  ["powerFactorL3", 0x0022, "1", "1-0:73.7.0", 0.96875],
  ["currentSum", 0x0030, "A", "1-0:90.7.0", 9.328125],
  ["activePower", 0x0034, "W", "1-0:16.7.0", 140.25],
  ["apparentPower", 0x0038, "VA", "1-0:9.7.0", 2153.125],
  ["reactivePower", 0x003c, "var", "1-0:131.7.0", 124.875],
  ["powerFactor", 0x003e, "1", "1-0:13.7.0", 0.0625],
  ["frequency", 0x0046, "Hz", "1-0:14.7.0", 49.875],
  ["activeEnergyImport", 0x0048, "kWh", "1-0:1.8.0", 12345.5],
  ["activeEnergyExport", 0x004a, "kWh", "1-0:2.8.0", 678.25],
  ["reactiveEnergyImport", 0x004c, "kvarh", "1-0:3.8.0", 910.75],
  ["reactiveEnergyExport", 0x004e, "kvarh", "1-0:4.8.0", 11.125],
  ["voltageL12", 0x00c8, "V", "1-0:140.7.0", 399.25],
  ["voltageL23", 0x00ca, "V", "1-0:160.7.0", 400.5],
  ["voltageL31", 0x00cc, "V", "1-0:180.7.0", 398.75],
  ["currentNeutral", 0x00e0, "A", "1-0:91.7.0", 1.75],
  ["activeEnergySum", 0x0156, "kWh", "1-0:15.8.0", 13023.75],
  ["reactiveEnergySum", 0x0158, "kvarh", "1-0:128.8.0", 921.875],
  ["activeEnergyImportL1", 0x015a, "kWh", "1-0:21.8.0", 4115.5],
  ["activeEnergyImportL2", 0x015c, "kWh", "1-0:41.8.0", 4116.5],
  ["activeEnergyImportL3", 0x015e, "kWh", "1-0:61.8.0", 4117.5],
  ["activeEnergyExportL1", 0x0160, "kWh", "1-0:22.8.0", 225.25],
  ["activeEnergyExportL2", 0x0162, "kWh", "1-0:42.8.0", 226.25],
  ["activeEnergyExportL3", 0x0164, "kWh", "1-0:62.8.0", 227.25],
  ["activeEnergySumL1", 0x0166, "kWh", "1-0:35.8.0", 4340.75],
  ["activeEnergySumL2", 0x0168, "kWh", "1-0:55.8.0", 4342.75],
  ["activeEnergySumL3", 0x016a, "kWh", "1-0:75.8.0", 4344.75],
];

export const SDM630: readonly KnownRegister[] = ROWS.map(([measure, address, unit, obis, known]) => ({
  measure,
  address,
  unit,
  obis,
  known,
}));

/** The map as `address: value` for the servers of our peers. */
export function knownFloats(): ReadonlyMap<number, number> {
  return new Map(SDM630.map(({ address, known }) => [address, known]));
}

export function addressOf(measure: string): number {
  const found = SDM630.find((register) => register.measure === measure);
  if (found === undefined) throw new Error(`the SDM630 has no ${measure}`);
  return found.address;
}

/** What `--mains 230 --current 5 --pf 0.8 --frequency 50` must give: 3 x 230 V x 5 A = 3450 VA. */
export const EXPECTED_UNDER_LOAD: readonly (readonly [measure: string, value: number])[] = [
  ["voltageL1", 230],
  ["voltageL2", 230],
  ["voltageL3", 230],
  ["currentL1", 5],
  ["currentL2", 5],
  ["currentL3", 5],
  ["activePowerL1", 920],
  ["apparentPowerL1", 1150],
  ["reactivePowerL1", 690],
  ["activePower", 2760],
  ["apparentPower", 3450],
  ["reactivePower", 2070],
  ["powerFactor", 0.8],
  ["frequency", 50],
  ["voltageL12", 230 * Math.sqrt(3)],
];
export const LOAD = ["--mains", "230", "--current", "5", "--pf", "0.8", "--frequency", "50"] as const;
