/**
 * The head-end's configuration file to what the collector and the drivers need. Durations are in seconds, money in decimal
 * strings of the currency, models by id or file name. Every problem is reported, each with its place and the fix.
 */

import type { MeterModel } from "../protocols/models/model.ts";
import { type LinkId, linkId } from "../src/core/actor.ts";
import { parseDecimal } from "../src/core/decimal.ts";
import { isMeasureKey, type MeasureKey, measure } from "../src/core/measures.ts";
import { currencyOf, minor, pricePerKwh } from "../src/core/money.ts";
import { failure, type Result, success } from "../src/core/result.ts";
import { MICROS_PER_SECOND } from "../src/core/time.ts";
import { type CompletenessConfig, DEFAULT_COMPLETENESS } from "./completeness/interval-book.ts";
import {
  type ClockConfig,
  DEFAULT_CLOCK,
  type LineConfig,
  type MeterConfig,
  type PolledMeterConfig,
  type PrepaidConfig,
  type SiteConfig,
} from "./config.ts";
import { checkConfig } from "./config-check.ts";
import { type ConfigProblem, ObjectReader } from "./config-reader.ts";
import { readGroup } from "./parse-groups.ts";
import { readOrders } from "./parse-orders.ts";
import type { MeterId } from "./ports.ts";
import { DEFAULT_RETENTION, type RetentionPolicy, readRetention } from "./retention.ts";
import type { CronPort } from "./schedule/cron-port.ts";

/** Where a line is: what the driver opens. */
export type LineWhere =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | {
      readonly kind: "serial";
      readonly path: string;
      readonly baud: number;
      readonly parity: "none" | "even" | "odd";
      readonly dataBits: 7 | 8;
      readonly stopBits: 1 | 2;
    };

export interface HeadendConfig {
  readonly collector: SiteConfig;
  /** By the line's link. */
  readonly where: ReadonlyMap<LinkId, LineWhere>;
  readonly retention: RetentionPolicy;
}

/** Finds a model by id or file name; the failure is a sentence that says what to do. */
export type ModelFinder = (reference: string) => Result<MeterModel, string>;

/** The link name under which a file's `mqtt` section is reached; the driver attaches its broker to it. */
const MQTT_LINK: LinkId = linkId("mqtt");

const DEFAULT_POLL_SECONDS = 60;

/** @param cron judges the calendar times of schedules, see {@link parseConfig} */
export function parseConfigText(
  text: string,
  findModel: ModelFinder,
  cron?: CronPort,
): Result<HeadendConfig, readonly ConfigProblem[]> {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    return failure([{ place: "", problem: `this is not JSON: ${error instanceof Error ? error.message : error}` }]);
  }
  return parseConfig(document, findModel, cron);
}

export function parseConfig(
  document: unknown,
  findModel: ModelFinder,
  cron?: CronPort,
): Result<HeadendConfig, readonly ConfigProblem[]> {
  const problems: ConfigProblem[] = [];
  const root = new ObjectReader(document, "", problems);
  const where = new Map<LinkId, LineWhere>();
  const lines = root.objects("lines").map((line, i) => readLine(line, i, where, findModel));
  const mqtt = root.has("mqtt") ? readMqtt(root.object("mqtt"), findModel) : undefined;
  const prepaid = root.objects("prepaid").map(readPrepaid);
  const groups = root.objects("groups").map((group) => readGroup(group, cron));
  const clock = root.has("clock") ? readClock(root.object("clock")) : undefined;
  const orders = root.has("orders") ? readOrders(root.object("orders")) : undefined;
  const completeness = root.has("completeness") ? readCompleteness(root.object("completeness")) : DEFAULT_COMPLETENESS;
  const retention = root.has("retention") ? readRetention(root.object("retention")) : DEFAULT_RETENTION;
  root.close();
  if (problems.length > 0) return failure(problems);
  const collector: SiteConfig = {
    lines: lines.filter((line) => line !== undefined),
    ...(mqtt === undefined ? {} : { mqtt }),
    prepaid: prepaid.filter((account) => account !== undefined),
    ...(clock === undefined ? {} : { clock }),
    ...(groups.length === 0 ? {} : { groups: groups.filter((group) => group !== undefined) }),
    ...(orders === undefined ? {} : { orders }),
    completeness,
  };
  const conflicts = checkConfig(collector);
  return conflicts.length > 0 ? failure(conflicts) : success({ collector, where, retention });
}

function readCompleteness(section: ObjectReader): CompletenessConfig {
  const { minutes, from } = DEFAULT_COMPLETENESS;
  const read = {
    minutes: section.has("minutes") ? section.choice("minutes", [5, 10, 15, 20, 30, 60]) : minutes,
    from: section.has("from") ? section.choice("from", ["any", "profile"]) : from,
  };
  section.close();
  return { minutes: read.minutes ?? minutes, from: read.from ?? from };
}

function readLine(
  line: ObjectReader,
  index: number,
  wheres: Map<LinkId, LineWhere>,
  findModel: ModelFinder,
): LineConfig | undefined {
  const name = line.has("name") ? line.text("name", "a name for the line") : `line-${index + 1}`;
  const given = line.has("framing") ? line.choice("framing", ["rtu", "ascii", "tcp"]) : undefined;
  const where = readWhere(line.object("where"), given === "ascii");
  const framing = line.has("framing") ? given : where?.kind === "tcp" ? "tcp" : "rtu";
  const pollEvery = line.has("pollSeconds") ? line.number("pollSeconds", 0.1, 86_400) : DEFAULT_POLL_SECONDS;
  const responseTimeout = line.has("timeoutSeconds") ? line.number("timeoutSeconds", 0.01, 60) : undefined;
  const retries = line.has("retries") ? line.integer("retries", 0, 10) : undefined;
  const echo = line.has("echo") ? line.flag("echo") : undefined;
  if (echo === true && framing === "tcp")
    line.problem("echo", 'Modbus TCP has no echo; leave it out, or say "framing": "rtu" behind a transparent server');
  const measures = line.has("measures") ? readMeasures(line) : undefined;
  const meters = line.objects("meters").map((meter) => readPolledMeter(meter, findModel));
  line.close();
  if (name === undefined || where === undefined || framing === undefined || pollEvery === undefined) return undefined;
  const link = linkId(name);
  wheres.set(link, where);
  return {
    link,
    framing,
    pollEvery: micros(pollEvery),
    meters: meters.filter((meter) => meter !== undefined),
    ...(where.kind === "serial" ? { baud: where.baud, bitsPerChar: bitsPerChar(where) } : { gateway: where.host }),
    ...(echo === undefined ? {} : { echo }),
    ...(responseTimeout === undefined ? {} : { responseTimeout: micros(responseTimeout) }),
    ...(retries === undefined ? {} : { retries }),
    ...(measures === undefined ? {} : { measures }),
  };
}

/** Start bit, data bits, parity, stop bits. */
function bitsPerChar({ dataBits, parity, stopBits }: LineWhere & { kind: "serial" }): number {
  return 1 + dataBits + (parity === "none" ? 0 : 1) + stopBits;
}

function micros(seconds: number): number {
  return Math.round(seconds * MICROS_PER_SECOND);
}

function readWhere(where: ObjectReader, ascii: boolean): LineWhere | undefined {
  const read = where.has("tcp") ? readTcp(where) : where.has("serial") ? readSerial(where, ascii) : undefined;
  if (!where.has("tcp") && !where.has("serial"))
    where.problem(
      "tcp",
      'write { "tcp": "host:port" } or { "serial": "/dev/ttyUSB0", "baud": 9600, "parity": "none" }',
    );
  where.close();
  return read;
}

function readTcp(where: ObjectReader): LineWhere | undefined {
  const text = where.text("tcp", '"host:port"');
  if (text === undefined) return undefined;
  const parts = /^(?:\[([0-9a-fA-F:]+)\]|([^:\s]+)):(\d{1,5})$/.exec(text);
  const host = parts?.[1] ?? parts?.[2];
  const port = Number(parts?.[3]);
  if (host !== undefined && port >= 1 && port <= 65_535) return { kind: "tcp", host, port };
  where.problem("tcp", `"${text}" is not host:port, such as 192.168.1.20:502`);
  return undefined;
}

/** A character of Modbus ASCII has 7 data bits, and a parity or a second stop bit (serial line V1.02, 2.5.2). */
function readSerial(where: ObjectReader, ascii: boolean): LineWhere | undefined {
  const path = where.text("serial", "the path of a serial port");
  const baud = where.has("baud") ? where.integer("baud", 300, 921_600) : 9600;
  const parity = where.has("parity") ? where.choice("parity", ["none", "even", "odd"]) : ascii ? "even" : "none";
  const usual = ascii && parity === "none" ? 2 : 1;
  const stopBits = where.has("stopBits") ? where.choice("stopBits", [1, 2] as const) : usual;
  if (path === undefined || baud === undefined || parity === undefined || stopBits === undefined) return undefined;
  return { kind: "serial", path, baud, parity, dataBits: ascii ? 7 : 8, stopBits };
}

function readMeasures(line: ObjectReader): readonly MeasureKey[] {
  const keys: MeasureKey[] = [];
  for (const { value } of line.list("measures")) {
    const key = typeof value === "string" && isMeasureKey(value) ? value : undefined;
    if (key !== undefined && measure(key).isDetail)
      line.problem("measures", `"${key}" is not stored by a head-end; "meterworks read --harmonics" shows it`);
    else if (key !== undefined) keys.push(key);
    else line.problem("measures", `"${value}" is no measure; "meterworks models ID" lists those of a model`);
  }
  return keys;
}

function readMeter(meter: ObjectReader, findModel: ModelFinder): MeterConfig | undefined {
  const id = meter.text("id", "the meter's serial number or a name");
  const reference = meter.text("model", "a model id such as eastron-sdm630");
  const ratio = meter.has("ratio") ? meter.integer("ratio", 1, 1_000_000) : undefined;
  if (id === undefined || reference === undefined) return undefined;
  const model = findModel(reference);
  if (model.ok) return { id: id as MeterId, model: model.value, ...(ratio === undefined ? {} : { ratio }) };
  meter.problem("model", model.error);
  return undefined;
}

function readPolledMeter(meter: ObjectReader, findModel: ModelFinder): PolledMeterConfig | undefined {
  const common = readMeter(meter, findModel);
  const unit = meter.has("unit") ? meter.integer("unit", 1, 247) : common?.model.modbus.defaults.unit;
  const password = meter.has("password") ? meter.integer("password", 0, 0xffff_ffff) : undefined;
  meter.close();
  if (common === undefined || unit === undefined) return undefined;
  return { ...common, unit, ...(password === undefined ? {} : { password }) };
}

function readMqtt(mqtt: ObjectReader, findModel: ModelFinder): SiteConfig["mqtt"] {
  const acceptUnknown = mqtt.has("acceptUnknown") ? mqtt.choice("acceptUnknown", [true, false, "hold"] as const) : true;
  const silentAfter = mqtt.has("silentAfterSeconds") ? mqtt.number("silentAfterSeconds", 1, 31_536_000) : undefined;
  const meters = mqtt.objects("meters").map((meter) => {
    const read = readMeter(meter, findModel);
    meter.close();
    return read;
  });
  mqtt.close();
  return {
    link: MQTT_LINK,
    acceptUnknown: acceptUnknown ?? true,
    ...(silentAfter === undefined ? {} : { silentAfter: micros(silentAfter) }),
    meters: meters.filter((meter) => meter !== undefined),
  };
}

/** Longer than any clock is off that still runs. */
const LONGEST_OFF = 86_400;

function readClock(clock: ObjectReader): ClockConfig | undefined {
  const correct = clock.has("correct") ? clock.flag("correct") : DEFAULT_CLOCK.correct;
  const seconds = (name: string, micros: number) =>
    clock.has(name) ? clock.number(name, 1, LONGEST_OFF) : micros / MICROS_PER_SECOND;
  const correctBeyond = seconds("correctBeyondSeconds", DEFAULT_CLOCK.correctBeyond);
  const alarmBeyond = seconds("alarmBeyondSeconds", DEFAULT_CLOCK.alarmBeyond);
  clock.close();
  if (correct === undefined || correctBeyond === undefined || alarmBeyond === undefined) return undefined;
  if (alarmBeyond < correctBeyond) clock.problem("alarmBeyondSeconds", "is at least correctBeyondSeconds");
  return { correct, correctBeyond: micros(correctBeyond), alarmBeyond: micros(alarmBeyond) };
}

/** A price may have six decimals more than the currency has: fractions of a cent per kWh are usual. */
const PRICE_DECIMALS = 6;

function readPrepaid(account: ObjectReader): PrepaidConfig | undefined {
  const meter = account.text("meter", "the id of a meter");
  const currency = account.text("currency", "a currency code such as EUR");
  const isCode = currency !== undefined && /^[A-Z]{3}$/.test(currency);
  if (currency !== undefined && !isCode) account.problem("currency", `"${currency}" is no currency code such as EUR`);
  const decimals = currencyOf(currency ?? "").decimals;
  const price = readAmount(account, "price", decimals + PRICE_DECIMALS);
  const warnAt = readAmount(account, "warnAt", decimals);
  const cutAt = account.has("cutAt") ? readAmount(account, "cutAt", decimals) : 0n;
  const initial = account.has("initial") ? readAmount(account, "initial", decimals) : undefined;
  account.close();
  if (meter === undefined || currency === undefined || !isCode) return undefined;
  if (price === undefined || warnAt === undefined || cutAt === undefined) return undefined;
  return {
    meter: meter as MeterId,
    currency,
    price: pricePerKwh(price),
    warnAt: minor(warnAt),
    cutAt: minor(cutAt),
    ...(initial === undefined ? {} : { initial: minor(initial) }),
  };
}

function readAmount(account: ObjectReader, name: string, decimals: number): bigint | undefined {
  const text = account.text(name, 'an amount in quotes such as "10.00"');
  if (text === undefined) return undefined;
  const parsed = parseDecimal(text, decimals);
  if (!parsed.ok) account.problem(name, parsed.error);
  return parsed.ok ? parsed.value : undefined;
}
