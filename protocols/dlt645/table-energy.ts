/** Groups 00 and 01: energies and maximum demands, by tariff and settlement; what is left of the credit. */
import type { MeasureKey, Phase } from "../../src/core/measures.ts";
import type { Behind, Format, Item } from "./item.ts";
import { ENERGY, fn, hex, letter, no, number, of, PHASES, row, SIGNED_ENERGY, STAMP } from "./rows.ts";

/** DI2, quantity, format and unit of its energy, unit of its demand, what is behind the energy. */
type EnergyRow = readonly [di2: number, name: string, format: Format, unit: string, demand: string, behind: Behind];

export const TOTALS: readonly EnergyRow[] = [
  [0x00, "combined active", SIGNED_ENERGY, "kWh", "kW", fn("combinedActive")],
  [0x01, "forward active", ENERGY, "kWh", "kW", of("activeEnergyImport")],
  [0x02, "reverse active", ENERGY, "kWh", "kW", of("activeEnergyExport")],
  [0x03, "combined reactive 1", SIGNED_ENERGY, "kvarh", "kvar", fn("combinedReactive1")],
  [0x04, "combined reactive 2", SIGNED_ENERGY, "kvarh", "kvar", fn("combinedReactive2")],
  [0x05, "quadrant I reactive", ENERGY, "kvarh", "kvar", of("reactiveEnergyQ1")],
  [0x06, "quadrant II reactive", ENERGY, "kvarh", "kvar", of("reactiveEnergyQ2")],
  [0x07, "quadrant III reactive", ENERGY, "kvarh", "kvar", of("reactiveEnergyQ3")],
  [0x08, "quadrant IV reactive", ENERGY, "kvarh", "kvar", of("reactiveEnergyQ4")],
  [0x09, "forward apparent", ENERGY, "kVAh", "kVA", no("direction of apparent energy")],
  [0x0a, "reverse apparent", ENERGY, "kVAh", "kVA", no("direction of apparent energy")],
];

/** Phase A begins at 15, B at 29, C at 3D. The combined reactive energies (17, 18) are recalled; quadrants come after them. */
function phaseEnergies(p: Phase): readonly Item[] {
  const base = 0x15 + 0x14 * (p - 1);
  const energy = (offset: number, name: string, format: Format, unit: string, key: MeasureKey) =>
    row(`00${hex(base + offset)}00SS`, `phase ${letter(p)} ${name} energy`, format, unit, of(key));
  return [
    energy(0, "forward active", ENERGY, "kWh", `activeEnergyImportL${p}`),
    energy(1, "reverse active", ENERGY, "kWh", `activeEnergyExportL${p}`),
    energy(2, "combined reactive 1", SIGNED_ENERGY, "kvarh", `reactiveEnergyImportL${p}`),
    energy(3, "combined reactive 2", SIGNED_ENERGY, "kvarh", `reactiveEnergyExportL${p}`),
  ];
}

export const ENERGIES: readonly Item[] = [
  ...TOTALS.map(([di2, name, format, unit, , behind]) =>
    row(`00${hex(di2)}TTSS`, `${name} energy`, format, unit, behind),
  ),
  ...PHASES.flatMap(phaseEnergies),
  row("00900100", "remaining energy", ENERGY, "kWh", fn("remainingEnergy")),
  row("00900101", "overdraft energy", ENERGY, "kWh", fn("overdraftEnergy")),
  row("00900200", "remaining amount", ENERGY, "yuan", fn("remainingAmount")),
  row("00900201", "overdraft amount", ENERGY, "yuan", fn("overdraftAmount")),
];

export const DEMANDS: readonly Item[] = TOTALS.slice(1).map(([di2, name, , , unit, behind]) => ({
  pattern: `01${hex(di2)}TTSS`,
  name: `${name} maximum demand`,
  parts: [
    { name: `${name} maximum demand`, format: number(3, 4), unit },
    { name: "time of the maximum", format: STAMP, unit: "" },
  ],
  behind: behind.kind === "absent" ? behind : fn("maximumDemand"),
}));
