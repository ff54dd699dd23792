/** The head-end's broker from its flags: the embedded one with its TLS, users and rules, or a session at an outside one. */
import { existsSync, readFileSync } from "node:fs";
import type { Command } from "commander";
import { DEFAULT_LIMITS } from "../../headend/config.ts";
import { mayPublish, maySubscribe, mosquittoAcl } from "../../protocols/mqtt/access.ts";
import { filterFor } from "../../protocols/mqtt/topics.ts";
import { writeFileAtomic } from "../platform/atomic-file.ts";
import type { OnRefused } from "../platform/broker-access.ts";
import { type BrokerUser, brokerUserLine, parseBrokerUsers } from "../platform/broker-users.ts";
import { errorText } from "../platform/errors.ts";
import type { Link } from "../platform/link.ts";
import { openBroker } from "../platform/mqtt-broker.ts";
import { subscribeMqtt } from "../platform/mqtt-subscriber.ts";
import { checkBrokerUrl } from "../platform/mqtt-url.ts";
import { readTlsFiles } from "../platform/tls-files.ts";
import { usage } from "./errors.ts";
import { addMqttFlags, brokerAt, type MqttFlags } from "./mqtt-options.ts";
import { print } from "./output.ts";
import type { CommandProcess } from "./process.ts";
import { choice, type HostPort, hostPort, meterName } from "./values.ts";

export interface BrokerFlags extends MqttFlags {
  readonly broker: string;
  readonly brokerListen: HostPort;
  readonly brokerTlsCert?: string;
  readonly brokerTlsKey?: string;
  readonly brokerTlsCa?: string;
  readonly brokerUsers?: string;
  readonly addUser?: string;
  readonly role: BrokerUser["role"];
  readonly printAcl?: true;
  readonly clientId: string;
}

const RULES = { mayPublish, maySubscribe };
const PASSWORD_SHORTEST = 8;
/** The collector turns away what is beyond twice this, and that would wait for its repetition. */
const MOST_IN_FLIGHT = DEFAULT_LIMITS.queuedWork;
/** At most one line in the log per this time: a client that is refused comes again and again. */
const REFUSAL_LOG_MS = 1_000;

export function addBrokerFlags(command: Command): Command {
  command
    .option("--broker <B>", "embedded, none, or an outside broker as mqtt[s]://[user:password@]host:port", "embedded")
    .option("--broker-listen <HOST:PORT>", "where the embedded broker listens", hostPort("--broker-listen"), {
      host: "127.0.0.1",
      port: 1883,
    })
    .option("--broker-tls-cert <FILE>", "the embedded broker's certificate: it then speaks TLS only")
    .option("--broker-tls-key <FILE>", "its key")
    .option("--broker-tls-ca <FILE>", "lets clients in whose certificate this authority signed; common name = meter")
    .option("--broker-users <FILE>", "lets clients in by user and password; user name = meter")
    .option(
      "--add-user <NAME>",
      "only adds a user to --broker-users; the password is read from stdin",
      meterName("--add-user"),
    )
    .option("--role <R>", "of --add-user: meter or reader", choice("--role", ["meter", "reader"] as const), "meter")
    .option("--print-acl", "only prints the same rules as an acl_file for Mosquitto")
    .option(
      "--client-id <NAME>",
      "its name at an outside broker, which keeps its session under it",
      "meterworks-headend",
    );
  return addMqttFlags(command);
}

/** `--add-user` and `--print-acl`: true when that was all that was asked for. */
export async function administerBroker(flags: BrokerFlags): Promise<boolean> {
  if (flags.printAcl === true) {
    const users = flags.brokerUsers === undefined ? [] : readUsers(flags.brokerUsers);
    const readers = users.filter(({ role }) => role === "reader").map(({ name }) => name);
    print(mosquittoAcl(userAtBroker(flags), readers).trimEnd());
    return true;
  }
  if (flags.addUser === undefined) return false;
  const file = flags.brokerUsers;
  if (file === undefined) throw usage("--add-user needs to know the file", "give --broker-users FILE");
  const before = existsSync(file) ? readText(file) : "";
  const others = before.split("\n").filter((line) => line !== "" && !line.startsWith(`${flags.addUser}:`));
  const password = readFileSync(0, "utf8").replace(/\r?\n$/, "");
  if (password.length < PASSWORD_SHORTEST)
    throw usage(`the password on stdin is shorter than ${PASSWORD_SHORTEST} characters`, "make it longer");
  const line = await brokerUserLine(flags.addUser, flags.role, password);
  writeFileAtomic(file, [...others, line, ""].join("\n"));
  return true;
}

/** Who we are at an outside broker: the user in its address, or the name that a certificate of ours should have. */
function userAtBroker({ broker, clientId }: BrokerFlags): string {
  return (["embedded", "none"].includes(broker) ? undefined : checkBrokerUrl(broker).username) ?? clientId;
}

/** Judges flags and files before anything is opened. @throws CommandError or PlatformError that names the flag or file. */
export function checkBrokerFlags(flags: BrokerFlags): void {
  checkEmbedded(flags);
  if (flags.broker === "embedded") embeddedAccess(flags);
  else if (flags.broker !== "none") brokerAt(flags.broker, flags);
}

/**
 * Opens the broker's link; undefined with `--broker none`.
 * @param maxConnections of the embedded broker
 */
export async function openBrokerLink(
  proc: CommandProcess,
  flags: BrokerFlags,
  maxConnections: number,
): Promise<Link | undefined> {
  const topics = [filterFor("telemetry"), filterFor("resp")];
  if (flags.broker === "none") return undefined;
  const link =
    flags.broker === "embedded"
      ? await openEmbedded(proc, flags, topics, maxConnections)
      : subscribeMqtt({
          ...brokerAt(flags.broker, flags),
          ...{ clientId: flags.clientId, subscriptions: topics, maxInFlight: MOST_IN_FLIGHT },
        });
  proc.cleanup(() => link.end());
  if (flags.broker !== "embedded") logState(proc, link);
  return link;
}

function checkEmbedded(flags: BrokerFlags): void {
  const { broker, brokerTlsCert, brokerTlsKey, brokerTlsCa, brokerUsers, mqttVersion } = flags;
  const own = [brokerTlsCert, brokerTlsKey, brokerTlsCa, brokerUsers].some((flag) => flag !== undefined);
  if (broker !== "embedded") {
    if (own) throw usage("--broker-tls-… and --broker-users belong to the embedded broker", "leave --broker out");
    return;
  }
  if (mqttVersion === "5") throw usage("the embedded broker speaks MQTT 3.1.1", "MQTT 5 needs an outside --broker");
  if (flags.mqttCa !== undefined || flags.mqttCert !== undefined || flags.mqttKey !== undefined)
    throw usage(
      "--mqtt-ca, --mqtt-cert and --mqtt-key belong to an outside broker",
      "use --broker-tls-ca, -cert, -key",
    );
  if (brokerTlsCa !== undefined && brokerTlsCert === undefined)
    throw usage("--broker-tls-ca needs a broker that speaks TLS", "give --broker-tls-cert and --broker-tls-key");
}

/** Who is let in, and how. */
function embeddedAccess({ brokerTlsCert: cert, brokerTlsKey: key, brokerTlsCa: ca, brokerUsers }: BrokerFlags) {
  const tls = cert === undefined && key === undefined ? undefined : readTlsFiles({ ca, cert, key });
  const users = brokerUsers === undefined ? undefined : readUsers(brokerUsers);
  return { tls, access: users === undefined && ca === undefined ? undefined : { rules: RULES, users } };
}

function openEmbedded(
  proc: CommandProcess,
  flags: BrokerFlags,
  topics: readonly string[],
  maxConnections: number,
): Promise<Link> {
  const { brokerListen } = flags;
  const { tls, access } = embeddedAccess(flags);
  if (access === undefined && !/^(127\.|::1$|localhost$)/.test(brokerListen.host))
    proc.log({ kind: "log", level: "warn", event: "broker.open", fields: { hint: "--broker-users closes it" } });
  if (access?.users !== undefined && tls === undefined)
    proc.log({ kind: "log", level: "warn", event: "broker.plain", fields: { hint: "passwords travel readable" } });
  return openBroker({
    ...brokerListen,
    deliver: topics,
    maxConnections,
    maxInFlight: MOST_IN_FLIGHT,
    onRefused: refusalLog(proc),
    ...(tls === undefined ? {} : { tls }),
    ...(access === undefined ? {} : { access }),
  });
}

function refusalLog(proc: CommandProcess): OnRefused {
  let quietUntil = 0;
  let unsaid = 0;
  return (name, what) => {
    const now = performance.now();
    if (now < quietUntil) {
      unsaid += 1;
      return;
    }
    proc.log({ kind: "log", level: "warn", event: "broker.refused", fields: { name, what, unsaid } });
    quietUntil = now + REFUSAL_LOG_MS;
    unsaid = 0;
  };
}

function readUsers(file: string): readonly BrokerUser[] {
  const users = parseBrokerUsers(readText(file));
  if (!users.ok) throw usage(`--broker-users ${file}: ${users.error}`);
  return users.value;
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw usage(`--broker-users ${file} can't be read: ${errorText(error)}`, "make it with --add-user NAME");
  }
}

/** Says once why the outside broker is away, and when it is back. */
function logState(proc: CommandProcess, link: Link): void {
  let told: string | undefined;
  link.subscribe((event) => {
    if (event.kind === "opened") {
      told = undefined;
      proc.info("broker.connected", { link: link.id });
    } else if (event.kind === "closed" && event.reason !== told && !link.finished) {
      told = event.reason;
      proc.log({ kind: "log", level: "warn", event: "broker.away", fields: { link: link.id, reason: event.reason } });
    }
  });
}
