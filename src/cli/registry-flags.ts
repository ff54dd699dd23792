/** What `registry set` and `accept` may say of a meter, in the words of the table's cells. */
import type { Command } from "commander";
import { COLUMNS, type ColumnName } from "../../headend/registry/columns.ts";
import type { Dated, PlateOverride } from "../../headend/registry/entry.ts";
import { parseBinding, parseDated } from "../../headend/registry/fields.ts";
import { parseRatio, showRatio } from "../../headend/registry/ratio.ts";
import type { RegistryBody } from "../../headend/registry/view.ts";
import type { Result } from "../core/result.ts";
import { toIso } from "../core/time.ts";
import { usage } from "./errors.ts";

export type MemberFlags = Partial<Record<Exclude<ColumnName, "state">, string>>;

export function addMemberFlags(command: Command): Command {
  return command
    .option("--model <ID>", "its model")
    .option("--where <PLACE>", '"line NAME unit 1" or "mqtt"')
    .option("--serial <TEXT>", "the serial number of the device in place")
    .option("--un <V>", "rating plate: volts phase to neutral, where it is not the model's")
    .option("--imax <A>", "rating plate: amperes")
    .option("--constant <N>", "rating plate: imp/kWh")
    .option("--ct <RATIO>", 'current transformers: 200/5, or "200/5; 400/5 from 2026-12-01T00:00:00Z"')
    .option("--vt <RATIO>", "voltage transformers, likewise: 10000/100")
    .option("--customer <ID>", 'likewise with ids of your own: "k-17; k-18 from 2026-12-01T00:00:00Z"')
    .option("--tariff <ID>", "likewise")
    .option("--order-key <BASE64>", "the public key whose orders it was told to take, for the record")
    .option("--note <TEXT>", "for people");
}

/** The body of a request; an empty text takes a member away. @throws usage where one is wrong, before anything is sent */
export function bodyOf(flags: MemberFlags): RegistryBody {
  for (const { name, read } of COLUMNS) {
    const text = name === "state" ? undefined : flags[name];
    const parsed = text === undefined ? undefined : read(text);
    if (parsed?.ok === false) throw usage(`${flagOf(name)} ${parsed.error}`);
  }
  const { model, where, serial, orderKey, note } = flags;
  const plate: Record<string, number | null> = {};
  for (const name of ["un", "imax", "constant"] as const) {
    const text = flags[name];
    if (text !== undefined) plate[name] = text === "" ? null : Number(text);
  }
  const orNull = (text: string) => (text === "" ? null : text);
  return {
    ...(model === undefined ? {} : { model }),
    ...(where === undefined ? {} : { where: orNull(where) }),
    ...(serial === undefined ? {} : { serial: orNull(serial) }),
    ...(Object.keys(plate).length === 0 ? {} : { plate: plate as Partial<PlateOverride> }),
    ...(flags.ct === undefined ? {} : { ct: ratios(flags.ct) }),
    ...(flags.vt === undefined ? {} : { vt: ratios(flags.vt) }),
    ...(flags.customer === undefined ? {} : { customer: bindings(flags.customer) }),
    ...(flags.tariff === undefined ? {} : { tariff: bindings(flags.tariff) }),
    ...(orderKey === undefined ? {} : { orderKey: orNull(orderKey) }),
    ...(note === undefined ? {} : { note }),
  };
}

function flagOf(column: ColumnName): string {
  return column === "orderKey" ? "--order-key" : `--${column}`;
}

function listed<T>(parsed: Result<readonly Dated<T>[], string>) {
  return parsed.ok ? parsed.value.map(({ from, value }) => ({ from: from === 0 ? null : toIso(from), value })) : [];
}

const ratios = (text: string) =>
  listed(parseDated(text, parseRatio)).map(({ from, value }) => ({ from, ratio: showRatio(value) }));
const bindings = (text: string) =>
  listed(parseDated(text, parseBinding)).map(({ from, value }) => ({ from, id: value }));
