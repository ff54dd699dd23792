/** `meterworks models`: the meter models, or one map in full. */
import type { Command } from "commander";
import { MODELS } from "../../../protocols/models/index.ts";
import type { MeterModel } from "../../../protocols/models/model.ts";
import { measure } from "../../core/measures.ts";
import { loadModel } from "../models.ts";
import { print, printJson, table } from "../output.ts";

export function addModels(program: Command): void {
  program
    .command("models [model]")
    .description("the meter models it knows, or one map in full")
    .option("--json", "the model as JSON: a file to start your own model from")
    .addHelpText(
      "after",
      "\nExamples:\n  meterworks models\n  meterworks models eastron-sdm630\n  meterworks models meterworks-1p --json > my-meter.json",
    )
    .action((id: string | undefined, options: { json?: boolean }) => {
      if (id === undefined) list(options.json === true);
      else show(loadModel(id), options.json === true);
    });
}

function list(json: boolean): void {
  if (json) {
    printJson(MODELS);
    return;
  }
  const rows = MODELS.map((m) => [
    m.id,
    `${m.manufacturer} ${m.name}`,
    `${m.phases}~`,
    `${m.plate.un} V ${m.plate.imax} A`,
    `class ${m.plate.activeClass}`,
    m.plate.relayAmps === null ? "no relay" : `relay ${m.plate.relayAmps} A`,
  ]);
  print(table(rows));
  print("\n`meterworks models ID` shows a map; docs/models.md has them all.");
}

function show(model: MeterModel, json: boolean): void {
  if (json) {
    printJson(model);
    return;
  }
  const { plate, modbus } = model;
  const { unit, baud, parity, stopBits } = modbus.defaults;
  print(`${model.id}: ${model.manufacturer} ${model.name}`);
  print(
    `Rating plate: ${plate.un} V, ${plate.imin}-${plate.itr}(${plate.imax}) A, start ${plate.ist} A, ${plate.frequency} Hz, ${plate.wiring}`,
  );
  print(
    `Classes: active ${plate.activeClass}, reactive ${plate.reactiveClass}; ${plate.impPerKwh} imp/kWh, ${plate.impPerKvarh} imp/kvarh`,
  );
  print(
    `Relay: ${plate.relayAmps === null ? "none" : `${plate.relayAmps} A`}; PF sign: ${model.pfSign}; polyphase total: ${model.polyphaseTotal}`,
  );
  print(
    `Serial: unit ${unit}, ${baud} ${8}${parity[0]?.toUpperCase()}${stopBits}; reads of at most ${modbus.readLimit} registers`,
  );
  print(`Words: ${modbus.wordOrder}; holes: ${modbus.holes}; FC 03 and 04: ${modbus.tables}`);
  print(`Source: ${model.source}\n`);
  const rows = modbus.registers.map((r) => {
    const m = measure(r.measure);
    const scale = r.scale === undefined || r.scale === 0 ? "" : ` × 10^${r.scale}`;
    return [
      modbus.tables === "shared" ? "03/04" : r.table === "input" ? "04" : "03",
      r.address.toString(16).toUpperCase().padStart(4, "0"),
      r.encoding,
      `${r.unit}${scale}`,
      m.obis,
      r.measure,
      m.title,
    ];
  });
  print(table([["FC", "PDU", "encoding", "unit", "OBIS", "measure", "title"], ...rows]));
}
