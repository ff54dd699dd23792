/** What goes wrong, where, and since when: one record from its first sign until it is healed. */
import type { Civil } from "../../src/core/time.ts";

export const INCIDENT_KINDS = [
  "line-down",
  "line-silent",
  "gateway-down",
  "gateway-silent",
  "broker-down",
  "broker-silent",
  "meter-silent",
  "meter-noisy",
  "store-failing",
  "store-behind",
  "clock-jump",
  "unclean-stop",
] as const;
export type IncidentKind = (typeof INCIDENT_KINDS)[number];

export const PARTS = ["meter", "line", "gateway", "broker", "store", "head-end"] as const;

/** Where it is: the part that all who suffer from it have in common. */
export interface Place {
  readonly part: (typeof PARTS)[number];
  readonly name: string;
}

export interface Acknowledgement {
  readonly by: string;
  readonly at: Civil;
  readonly note: string;
}

export interface Incident {
  /** Grows with the time of its beginning: `since` in µs, 16 digits, then a running number. */
  readonly id: string;
  readonly kind: IncidentKind;
  readonly place: Place;
  /** In words: what the link, the meter or the store said. */
  readonly cause: string;
  readonly since: Civil;
  /** When it was healed, by the clock of then; null while it lasts. */
  readonly until: Civil | null;
  /** µs from the first sign to the last healing by a clock that nobody sets; of one that lasts, up to when it was stored. */
  readonly lasted: number;
  /** How often it came: one that comes back within a minute is the same. */
  readonly count: number;
  /** Meters that can't be reached because of it. */
  readonly meters: number;
  /** Of an incident that explains this one: its id. */
  readonly within: string | null;
  readonly acknowledged: Acknowledgement | null;
}

/** The collection of incidents among the store's documents; those that last are live. */
export const INCIDENTS = "incidents";

export function encodeIncident(incident: Incident): string {
  return JSON.stringify(incident);
}

/** @throws SyntaxError where the store is damaged */
export function decodeIncident(text: string): Incident {
  return JSON.parse(text) as Incident;
}

const ID_DIGITS = 16;

export function incidentId(since: Civil, number: number): string {
  return `${String(Math.max(0, since)).padStart(ID_DIGITS, "0")}-${number}`;
}

export const INCIDENT_ID = /^\d{16}-\d{1,9}$/;

/** What a person can do about it, where it does not heal by itself. */
export const ADVICE: Readonly<Record<IncidentKind, string>> = {
  "line-down": "look at the adapter's plug, or at cable and power of the serial server; it is opened again by itself",
  "line-silent": "the line is open and none of its meters answers: look at its cable, its termination and the gateway",
  "gateway-down": "all lines of this gateway are lost: look at its power and network",
  "gateway-silent": "no meter behind this gateway answers: look at the gateway, not at the meters",
  "broker-down": "look at the broker and the way to it; the session is taken up again by itself",
  "broker-silent": "the broker is there and no meter gets through to it: look at its users, its rules and the network",
  "meter-silent": "the others on its line answer: look at this meter, its supply, address and settings",
  "meter-noisy": "it answers now and then: look at its connection, its address (twice?) and disturbances",
  "store-failing": "free the disk or end the program that holds the file; nothing is acknowledged until it is stored",
  "store-behind": "the disk is slower than the meters: polls pause and messages wait",
  "clock-jump": "see who set the clock; readings keep the times they were given",
  "unclean-stop": "what was acknowledged is stored; see why the process or the machine ended",
};
