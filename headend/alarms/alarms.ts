/**
 * Watches over lines, meters, broker, store and clock, and keeps the list of what is wrong. It hears what the collector hears
 * and asks for nothing but that its records are stored; while they can't be, the list is shown all the same.
 */
import type { LinkEvent, LinkId } from "../../src/core/actor.ts";
import { failure, success } from "../../src/core/result.ts";
import { MICROS_PER_SECOND, type Now, toIso } from "../../src/core/time.ts";
import type { Books } from "../books.ts";
import type { Work } from "../committer.ts";
import type { CollectorConfig } from "../config.ts";
import type { Observation } from "../observations.ts";
import type { CollectorEffect, MeterId, Request, StoreBatch, StoredDocument, StoreSnapshot } from "../ports.ts";
import { ClockWatch, HEAD_END, StoreWatch } from "./host-watch.ts";
import { decodeIncident, encodeIncident, INCIDENTS, type Incident } from "./incident.ts";
import { Incidents } from "./incidents.ts";
import { LineWatch } from "./lines.ts";
import { MqttWatch } from "./mqtt-watch.ts";
import { RunLog } from "./runs.ts";

/** When each meter was first heard of, by its id: from there on it is expected to be there. */
export const CONTACTS = "contacts";
const DEFAULT_SILENT_AFTER = 900 * MICROS_PER_SECOND;

export class Alarms {
  readonly #incidents: Incidents;
  readonly #lines: LineWatch;
  readonly #mqtt: MqttWatch | undefined;
  readonly #store: StoreWatch;
  readonly #clock: ClockWatch;
  readonly #runs: RunLog;
  readonly #latest: Pick<Books["latest"], "get">;
  readonly #contacted = new Set<MeterId>();
  readonly #mqttLink: LinkId | undefined;
  /** To be stored, by collection and key; what a batch has taken is in #writing until its commit. */
  readonly #dirty = new Map<string, StoredDocument>();
  #writing: readonly StoredDocument[] = [];
  #queued = false;
  #started = false;
  #told: CollectorEffect[] = [];

  constructor(config: CollectorConfig, speed: number, snapshot: StoreSnapshot, books: Books) {
    const kept = snapshot.documents.filter(({ collection }) => collection === INCIDENTS);
    this.#incidents = new Incidents(
      kept.map(({ text }) => decodeIncident(text)),
      speed,
      (incident, what) => this.#changed(incident, what),
    );
    this.#lines = new LineWatch(config.lines, this.#incidents);
    this.#store = new StoreWatch(this.#incidents);
    this.#clock = new ClockWatch(speed, this.#incidents);
    this.#runs = new RunLog(snapshot.documents);
    this.#latest = books.latest;
    const { mqtt } = config;
    this.#mqttLink = mqtt?.link;
    if (mqtt === undefined) return;
    const expected = [...books.meters.values()].filter(({ via }) => via === "mqtt").map(({ id }) => id);
    const silentAfter = mqtt.silentAfter ?? DEFAULT_SILENT_AFTER;
    this.#mqtt = new MqttWatch(mqtt.link, silentAfter, expected, this.#incidents);
  }

  /** Those that last, oldest first. */
  open(): readonly Incident[] {
    return this.#incidents.open();
  }

  /** As they are now, those that are over too, where the store has not got them yet. */
  unstored(): readonly Incident[] {
    const documents = [...this.#dirty.values()].filter(({ collection }) => collection === INCIDENTS);
    return documents.map(({ text }) => decodeIncident(text));
  }

  /** How many more came than can be listed. */
  get unlisted(): number {
    return this.#incidents.unlisted;
  }

  /** Before every event. */
  look(now: Now): void {
    this.#clock.look(now);
    if (this.#started) return;
    this.#started = true;
    for (const { from, seen } of this.#runs.start(now, (document) => this.#put(document))) {
      const cause = `the head-end that began at ${toIso(from)} was killed or lost its power; last sign of life ${toIso(seen)}`;
      this.#incidents.moment("unclean-stop", HEAD_END, { cause, since: seen }, now);
    }
  }

  link(event: Extract<LinkEvent, { kind: "opened" | "closed" }>, now: Now): void {
    if (event.link === this.#mqttLink) {
      if (event.kind === "opened") this.#mqtt?.opened(now);
      else this.#mqtt?.closed(event.reason, now);
    } else if (event.kind === "opened") this.#lines.opened(event.link, now);
    else this.#lines.closed(event.link, event.reason, now);
  }

  /** The collector closes a link by itself, to try another connection. */
  closing(link: LinkId, now: Now): void {
    this.#lines.closing(link, now);
  }

  observed(observation: Observation, now: Now): void {
    if (observation.kind !== "request" || observation.outcome === "link-down") return;
    const { line, meter, outcome } = observation;
    this.#lines.request(line, meter, outcome === "answer" || outcome === "exception", now);
  }

  /** @param reason why the poll failed, or null */
  poll(line: LinkId, meter: MeterId, reason: string | null, now: Now): void {
    this.#lines.poll(line, meter, reason, now);
    if (reason === null) this.#contact(meter, now);
  }

  /** A message of a meter that is known. */
  heard(meter: MeterId, now: Now): void {
    this.#mqtt?.heard(meter, now);
    this.#contact(meter, now);
  }

  batchGiven(now: Now): void {
    this.#store.given(now);
  }

  batchStored(full: boolean, now: Now): void {
    for (const document of this.#writing)
      if (this.#dirty.get(nameOf(document)) === document) this.#dirty.delete(nameOf(document));
    this.#writing = [];
    this.#store.stored(full, now);
  }

  batchFailed(reason: string, now: Now): void {
    this.#writing = [];
    this.#store.failed(reason, now);
  }

  storeFull(backlog: number, now: Now): void {
    this.#store.full(backlog, now);
  }

  nextWake(): number {
    const parts = [this.#lines, this.#store, this.#runs, ...(this.#mqtt === undefined ? [] : [this.#mqtt])];
    return this.#started ? Math.min(...parts.map((part) => part.nextWake())) : Number.POSITIVE_INFINITY;
  }

  wake(now: Now): void {
    this.#lines.wake(now);
    this.#store.wake(now);
    this.#mqtt?.wake(now);
    this.#runs.sign(now, (document) => this.#put(document));
  }

  /** What is to be told now: log lines and notices. */
  told(): readonly CollectorEffect[] {
    const told = this.#told;
    this.#told = [];
    return told;
  }

  /** The work that stores what has changed, if there is any that does not wait already. */
  work(): Work | undefined {
    if (this.#queued || this.#dirty.size === 0) return undefined;
    this.#queued = true;
    return {
      apply: (draft) => {
        this.#queued = false;
        this.#writing = [...this.#dirty.values()];
        for (const document of this.#writing) draft.records.push({ kind: "document", document });
      },
    };
  }

  /** A person has seen it. */
  acknowledgeWork({ ticket, incident: id, actor, note }: Extract<Request, { kind: "acknowledge" }>): Work {
    return {
      apply: (draft, now) => {
        const incident = this.#incidents.acknowledge(id, { by: actor, at: now.civil, note });
        if (incident === undefined) {
          const detail = `no alarm ${id} lasts: GET /api/v1/alarms lists those that do`;
          draft.after.push({ kind: "reply", ticket, result: failure({ reason: "unknown-alarm", detail }) });
          return;
        }
        const { kind, place } = incident;
        const meter = place.part === "meter" ? (place.name as MeterId) : null;
        const detail = `${id} ${kind} at ${place.part} ${place.name}${note === "" ? "" : `: ${note}`}`;
        const entry = { at: now.civil, actor, action: "alarm acknowledged", meter, order: null, detail };
        draft.records.push({ kind: "document", document: documentOf(incident) }, { kind: "audit", entry });
        draft.after.push({ kind: "reply", ticket, result: success({ kind: "acknowledge", incident }) });
      },
      abandoned: (reason) => {
        this.#incidents.acknowledge(id, null);
        const detail = `the store did not take it: ${reason}; try again`;
        return [{ kind: "reply", ticket, result: failure({ reason: "store-failed", detail }) }];
      },
    };
  }

  /** The last batch of an orderly end. */
  farewell(now: Now): StoreBatch {
    const end = this.#runs.end(now);
    const documents = [...this.#dirty.values(), ...(end === undefined ? [] : [end])];
    return documents.map((document) => ({ kind: "document", document }));
  }

  #contact(meter: MeterId, now: Now): void {
    if (this.#contacted.has(meter)) return;
    this.#contacted.add(meter);
    if (this.#latest.get(meter) !== undefined) return;
    this.#put({ collection: CONTACTS, key: meter, live: false, text: JSON.stringify({ at: now.civil }) });
  }

  #changed(incident: Incident, what: "opened" | "changed" | "closed"): void {
    this.#put(documentOf(incident));
    this.#told.push({ kind: "notify", notice: { kind: "alarm", incident } });
    if (what === "changed") return;
    const { id, kind, place, cause, lasted, count } = incident;
    const fields = { alarm: id, kind, [place.part]: place.name, cause, count };
    if (what === "opened") this.#told.push({ kind: "log", level: "warn", event: "alarm.opened", fields });
    else {
      const seconds = Math.round(lasted / MICROS_PER_SECOND);
      this.#told.push({ kind: "log", level: "info", event: "alarm.healed", fields: { ...fields, seconds } });
    }
  }

  #put(document: StoredDocument): void {
    this.#dirty.set(nameOf(document), document);
  }
}

function nameOf({ collection, key }: StoredDocument): string {
  return `${collection} ${key}`;
}

function documentOf(incident: Incident): StoredDocument {
  return { collection: INCIDENTS, key: incident.id, live: incident.until === null, text: encodeIncident(incident) };
}
