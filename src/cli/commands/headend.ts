/** `meterworks headend`: the collector with its API. */
import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { CronerCron } from "../../../headend/adapters/croner/cron.ts";
import type { FileCheck } from "../../../headend/adapters/sqlite/file-check.ts";
import { openSqliteStore } from "../../../headend/adapters/sqlite/store.ts";
import { DEFAULT_COMPLETENESS } from "../../../headend/completeness/interval-book.ts";
import { type ClockConfig, type CollectorConfig, DEFAULT_CLOCK } from "../../../headend/config.ts";
import { type HeadendConfig, type LineWhere, parseConfigText } from "../../../headend/parse-config.ts";
import type { Notice, Store } from "../../../headend/ports.ts";
import { DEFAULT_RETENTION, type MaintainedStore, type RetentionPolicy } from "../../../headend/retention.ts";
import { orderView, showMoney } from "../../../headend/view.ts";
import type { MeterModel } from "../../../protocols/models/model.ts";
import { failure, type Result, success } from "../../core/result.ts";
import { SystemClock } from "../../platform/clock.ts";
import { keptSigner } from "../../platform/ed25519.ts";
import type { Link } from "../../platform/link.ts";
import { openSerial } from "../../platform/serial.ts";
import { connectTcp } from "../../platform/tcp-client.ts";
import { addTokenFlags, administerTokens, namedTokens, ownToken, type TokenFlags } from "../api-tokens.ts";
import { addBrokerFlags, administerBroker, type BrokerFlags, checkBrokerFlags, openBrokerLink } from "../broker.ts";
import { CommandError, usage } from "../errors.ts";
import { startHeadend } from "../headend-process.ts";
import { keptLine } from "../kept-line.ts";
import { loadModel } from "../models.ts";
import { requireOpenFiles } from "../open-files.ts";
import { print } from "../output.ts";
import { addPostgresFlags, inPostgresTerms, type PostgresFlags } from "../postgres.ts";
import { CommandProcess } from "../process.ts";
import { keepTidy } from "../store-maintenance.ts";
import { type StoreAddress, storeAddress } from "../store-url.ts";
import { choice, type HostPort, hostPort, number, showHostPort } from "../values.ts";

/** Clocks that run faster begin when their processes do, so they differ by chance: unless the file says so, they stay as they are. */
const SIMULATED_CLOCK: ClockConfig = { ...DEFAULT_CLOCK, correct: false, alarmBeyond: Number.MAX_SAFE_INTEGER };

interface Flags extends BrokerFlags, TokenFlags, PostgresFlags {
  readonly config?: string;
  readonly store: string;
  readonly check: FileCheck;
  readonly http: HostPort;
  readonly orderKey?: string;
  readonly speed: number;
}

const HELP = `
Without --config it takes telemetry of any meter over MQTT. A config file names lines, meters and prepaid accounts:
  {
    "lines": [{ "where": { "tcp": "192.168.1.20:502" }, "pollSeconds": 60,
                "meters": [{ "id": "flat-7", "model": "meterworks-1p", "unit": 1, "password": 4711 }] }],
    "mqtt": { "meters": [{ "id": "flat-8", "model": "meterworks-1p" }] },
    "prepaid": [{ "meter": "flat-7", "currency": "EUR", "price": "0.3150", "warnAt": "5.00", "initial": "20.00" }],
    "retention": { "compactAfterDays": 3, "keepMonths": 36, "archive": "./archive" }
  }
The API's token is in METERWORKS_TOKEN, or is made and kept in --token-file (default: beside the SQLite file).
On a PostgreSQL store a second head-end with the same configuration stands by and takes over within --lease-seconds.

Examples:
  meterworks headend --store sqlite:./meters.db
  meterworks headend --config site.json --store postgres://meterworks@db.local/meters --token-file ./api.token \\
    --order-key ./orders.key
  meterworks headend --config site.json --store sqlite:./meters.db --broker mqtts://broker.local:8883 --mqtt-ca ca.pem
  meterworks headend --broker-users ./users --add-user flat-7 < password.txt
  meterworks headend --tokens ./tokens --add-token billing --scope read,operate --expires 365d
  meterworks topup flat-7 20.00 --api http://127.0.0.1:8086 --token-file ./meters.db.token`;

export function addHeadend(program: Command): void {
  const command = program
    .command("headend")
    .description(
      "the collector: reads lines and broker, stores, bills prepaid meters, carries out orders; with an HTTP API",
    )
    .option("--config <FILE>", "lines, meters and prepaid accounts (JSON)")
    .option("--store <URL>", "sqlite:FILE or postgres://USER@HOST/DATABASE", "sqlite:meterworks.db")
    .option(
      "--check <HOW>",
      "the store's file is checked at the start: none, quick or full",
      choice("--check", ["none", "quick", "full"]),
      "quick",
    );
  addTokenFlags(addBrokerFlags(addPostgresFlags(command)))
    .option("--http <HOST:PORT>", "where the API listens", hostPort("--http"), { host: "127.0.0.1", port: 8086 })
    .option(
      "--order-key <FILE>",
      "signs orders over MQTT; made at the first start (default: the SQLite file's name with .orderkey)",
    )
    .option("--speed <X>", "the clock of a simulated site runs so fast", number("--speed", 0.001, 1e6), 1)
    .addHelpText("after", HELP)
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  if ((await administerBroker(flags)) || administerTokens(flags, new SystemClock().now().civil)) return;
  checkBrokerFlags(flags);
  const address = storeAddress(flags.store);
  const files = keptFiles(flags, address);
  const parsed = readConfig(flags.config);
  const connections = requireOpenFiles({
    lines: parsed.collector.lines.length,
    meters: flags.broker === "embedded" ? (parsed.collector.mqtt?.meters.length ?? 0) : 0,
  });
  const site: Site = { flags, files, parsed, connections };
  await CommandProcess.run(flags.speed, async (proc) => {
    if (address.kind === "sqlite") {
      const store = await openStore(proc, address.file, flags.check, parsed.retention);
      keepTidy(proc, store, {
        onStep: ({ compacted, archived }) => proc.info("store-maintenance", { compacted, archived }),
      });
      await serve(proc, site, store);
      await proc.stopped;
    } else {
      if (parsed.retention !== DEFAULT_RETENTION) warnOfRetention(proc);
      await inPostgresTerms(proc, address.url, flags, parsed.collector, async (store, over) => {
        await serve(proc, site, store);
        await Promise.race([proc.stopped, over]);
      });
    }
  });
}

/** Whoever wrote the section counts on its archives. */
function warnOfRetention(proc: CommandProcess): void {
  const reason = "retention is for SQLite stores: nothing is compacted, archived or removed; see docs/postgres.md";
  proc.log({ kind: "log", level: "warn", event: "retention.left-out", fields: { reason } });
}

interface Site {
  readonly flags: Flags;
  readonly files: KeptFiles;
  readonly parsed: HeadendConfig;
  /** How many meters may be at the embedded broker at once. */
  readonly connections: ReturnType<typeof requireOpenFiles>;
}

async function serve(proc: CommandProcess, { flags, files, parsed, connections }: Site, store: Store): Promise<void> {
  const lines = await openLines(proc, parsed);
  const { mqtt, ...site } = parsed.collector;
  const broker = await openBrokerLink(proc, flags, connections);
  const config: CollectorConfig = {
    ...(flags.speed === 1 ? {} : { clock: SIMULATED_CLOCK }),
    ...site,
    lines: lines.map(({ line, link }) => ({ ...line, link: link.id })),
    ...(broker === undefined
      ? {}
      : {
          mqtt: { meters: [], ...mqtt, link: broker.id, signer: keptSigner(files.orderKey) },
        }),
  };
  const tokens = flags.tokens === undefined ? undefined : namedTokens(flags.tokens, (reason) => warn(proc, reason));
  const links = [...lines.map(({ link }) => link), ...(broker === undefined ? [] : [broker])];
  const counts = { readings: 0, pollErrors: 0 };
  const { url } = await startHeadend(proc, {
    ...{ config, links, store, http: flags.http, token: ownToken(files.token) },
    ...(tokens === undefined ? {} : { tokens }),
    sinks: [(notice) => count(counts, notice), (notice) => logNotice(proc, notice)],
    status: () => ({ ...counts, links: links.map((link) => ({ link: link.id, open: link.open })) }),
  });
  const at =
    broker !== undefined && "port" in broker
      ? `, mqtt ${showHostPort({ ...flags.brokerListen, port: broker.port as number })}`
      : "";
  print(`ready ${url}${at}`);
}

function warn(proc: CommandProcess, reason: string): void {
  proc.log({ kind: "log", level: "warn", event: "tokens.broken", fields: { reason } });
}

/** Its end is agreed at once: an open store keeps the process alive when a port or the broker can't be opened after it. */
async function openStore(
  proc: CommandProcess,
  file: string,
  check: FileCheck,
  retention: RetentionPolicy,
): Promise<MaintainedStore> {
  const store = await openSqliteStore({ file, check, retention }).catch((error: Error) => {
    throw new CommandError(2, error.message);
  });
  proc.cleanup(() => store.close());
  return store;
}

function readConfig(file: string | undefined): HeadendConfig {
  if (file === undefined)
    return {
      collector: { lines: [], completeness: DEFAULT_COMPLETENESS },
      where: new Map(),
      retention: DEFAULT_RETENTION,
    };
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw usage(`--config ${file} can't be read: ${(error as Error).message}`);
  }
  const config = parseConfigText(text, modelFinder, new CronerCron());
  if (config.ok) return config.value;
  const [first, ...more] = config.error;
  const rest = more.length === 0 ? "" : ` (and ${more.length} more)`;
  throw usage(`--config ${file}: ${first?.place === "" ? "" : `${first?.place}: `}${first?.problem}${rest}`);
}

function modelFinder(reference: string): Result<MeterModel, string> {
  try {
    return success(loadModel(reference));
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return failure(`${error.message}${error.hint === undefined ? "" : `; ${error.hint}`}`);
  }
}

async function openLines(proc: CommandProcess, config: HeadendConfig) {
  const opened: { readonly line: CollectorConfig["lines"][number]; readonly link: Link }[] = [];
  for (const line of config.collector.lines) {
    const link = keptLine(proc, await openLine(config.where.get(line.link) as LineWhere, line.link));
    opened.push({ line, link });
  }
  return opened;
}

async function openLine(where: LineWhere, name: string): Promise<Link> {
  if (where.kind === "tcp") return connectTcp({ host: where.host, port: where.port, name });
  const { path, baud, parity, dataBits, stopBits } = where;
  return openSerial({ path, baudRate: baud, parity, dataBits, stopBits, name });
}

interface KeptFiles {
  readonly token: string;
  readonly orderKey: string;
}

/** Beside an SQLite file; a PostgreSQL store has no such place, and head-ends that take each other's place share them. */
function keptFiles({ tokenFile, orderKey, broker }: Flags, address: StoreAddress): KeptFiles {
  if (address.kind === "sqlite")
    return { token: tokenFile ?? `${address.file}.token`, orderKey: orderKey ?? `${address.file}.orderkey` };
  if (tokenFile === undefined && process.env["METERWORKS_TOKEN"] === undefined)
    throw usage(
      "with a PostgreSQL store the API's token needs a place",
      "give --token-file FILE, or put the token into METERWORKS_TOKEN",
    );
  if (orderKey === undefined && broker !== "none")
    throw usage(
      "with a PostgreSQL store the key that signs orders needs a place",
      "give --order-key FILE, the same for each head-end, or --broker none",
    );
  return { token: tokenFile ?? "", orderKey: orderKey ?? "" };
}

function count(counts: { readings: number; pollErrors: number }, notice: Notice): void {
  if (notice.kind === "reading") counts.readings += 1;
  else if (notice.kind === "poll" && !notice.ok) counts.pollErrors += 1;
}

function logNotice(proc: CommandProcess, notice: Notice): void {
  if (notice.kind === "order") {
    const { id, meter, operation, state, reason } = orderView(notice.order);
    proc.info("order", { order: id, meter, operation, state, reason });
  } else if (notice.kind === "balance" && notice.level !== "good")
    proc.info("balance", {
      meter: notice.meter,
      balance: `${showMoney(notice.balance, notice.currency)} ${notice.currency}`,
      level: notice.level,
    });
  else if (notice.kind === "poll" && !notice.ok)
    proc.log({
      kind: "log",
      level: "warn",
      event: "poll.failed",
      fields: { meter: notice.meter, reason: notice.reason },
    });
}
