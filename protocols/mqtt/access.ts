/** Who may publish and hear which topics: the rules of the embedded broker, and the same as an ACL file for Mosquitto. */
import { CHANNELS, type Channel, parseTopic } from "./topics.ts";

/** A meter has its own topics, a reader hears all of them and says nothing. */
export interface BrokerIdentity {
  /** For a meter its serial number. */
  readonly name: string;
  readonly role: "meter" | "reader";
}

const HEARD_BY_METERS: Channel = "cmd";
const SAID_BY_METERS = CHANNELS.filter((channel) => channel !== HEARD_BY_METERS);

export function mayPublish({ name, role }: BrokerIdentity, topic: string): boolean {
  const where = parseTopic(topic);
  return role === "meter" && where?.meter === name && where.channel !== HEARD_BY_METERS;
}

/** A meter may ask for its command topic only, by name; a reader for anything below `meters/`. */
export function maySubscribe({ name, role }: BrokerIdentity, filter: string): boolean {
  if (role === "reader") return filter.startsWith("meters/");
  const where = parseTopic(filter);
  return where?.meter === name && where.channel === HEARD_BY_METERS;
}

/** Mosquitto's `acl_file` for the same rules; `%u` there is the user name, or with certificates their common name. */
export function mosquittoAcl(headend: string, readers: readonly string[]): string {
  const lines = [
    "# Every meter, under its serial number as user name, has its own topics.",
    ...SAID_BY_METERS.map((channel) => `pattern write meters/%u/${channel}`),
    `pattern read meters/%u/${HEARD_BY_METERS}`,
    "",
    "# The head-end hears all meters and gives them orders.",
    `user ${headend}`,
    ...SAID_BY_METERS.map((channel) => `topic read meters/+/${channel}`),
    `topic write meters/+/${HEARD_BY_METERS}`,
  ];
  for (const reader of readers) lines.push("", `user ${reader}`, "topic read meters/#");
  return `${lines.join("\n")}\n`;
}
