/**
 * The list of incidents: opened by the first sign, held as long as it is seen, closed when it is healed. Whoever watches
 * says what is the case now; here it becomes one record with a beginning, an end and a count.
 */
import { type Civil, civil, MICROS_PER_SECOND, type Now } from "../../src/core/time.ts";
import { type Acknowledgement, type Incident, type IncidentKind, incidentId, type Place } from "./incident.ts";

/** One that comes back within this time is the same one. */
const FLAPPING = 60 * MICROS_PER_SECOND;
/** Incidents that last at one time; of those beyond only the number is known. */
export const MOST_OPEN = 10_000;
/** A link's or a store's reason may be long; what is kept of it, in characters. */
const LONGEST_CAUSE = 300;

export interface Sign {
  readonly cause: string;
  /** When it began, if before now. */
  readonly since?: Civil;
  readonly meters?: number;
  readonly within?: string | null;
}

interface Entry {
  incident: Incident;
  /** Monotonic µs of its beginning, or undefined where that was before this process. */
  readonly began: number | undefined;
  closedAt: number | undefined;
}

export class Incidents {
  readonly #open = new Map<string, Entry>();
  /** Closed a moment ago, oldest first. */
  readonly #recent = new Map<string, Entry>();
  readonly #speed: number;
  readonly #changed: (incident: Incident, what: "opened" | "changed" | "closed") => void;
  #number = 0;
  #unlisted = 0;

  /**
   * @param kept those that lasted when the process began
   * @param speed civil seconds per monotonic one
   * @param changed hears every change that should be stored
   */
  constructor(
    kept: readonly Incident[],
    speed: number,
    changed: (incident: Incident, what: "opened" | "changed" | "closed") => void,
  ) {
    this.#speed = speed;
    this.#changed = changed;
    for (const incident of kept)
      this.#open.set(keyOf(incident.kind, incident.place), { incident, began: undefined, closedAt: undefined });
  }

  /** Those that last, oldest first. */
  open(): readonly Incident[] {
    return [...this.#open.values()].map(({ incident }) => incident).sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** How many came that were not listed, because too many last already. */
  get unlisted(): number {
    return this.#unlisted;
  }

  find(kind: IncidentKind, place: Place): Incident | undefined {
    return this.#open.get(keyOf(kind, place))?.incident;
  }

  /** It is the case. Gives the incident, or undefined where there are too many to list another. */
  hold(kind: IncidentKind, place: Place, sign: Sign, now: Now): Incident | undefined {
    const key = keyOf(kind, place);
    const entry = this.#open.get(key);
    if (entry !== undefined) return this.#update(entry, sign);
    this.#forget(now);
    const back = this.#recent.get(key);
    if (back !== undefined) {
      this.#recent.delete(key);
      this.#open.set(key, back);
      back.closedAt = undefined;
      const { incident } = back;
      back.incident = { ...incident, ...shown(sign), until: null, count: incident.count + 1 };
      this.#changed(back.incident, "opened");
      return back.incident;
    }
    if (this.#open.size >= MOST_OPEN) {
      this.#unlisted += 1;
      return undefined;
    }
    const opened = this.#create(kind, place, sign, now);
    this.#open.set(key, opened);
    this.#changed(opened.incident, "opened");
    return opened.incident;
  }

  /** It is not, or no longer, the case. */
  heal(kind: IncidentKind, place: Place, now: Now): void {
    const key = keyOf(kind, place);
    const entry = this.#open.get(key);
    if (entry === undefined) return;
    this.#open.delete(key);
    this.#recent.set(key, entry);
    entry.closedAt = now.mono;
    entry.incident = { ...entry.incident, until: now.civil, lasted: this.#lasted(entry, now) };
    this.#changed(entry.incident, "closed");
  }

  /** Something that is over when it is noticed. */
  moment(kind: IncidentKind, place: Place, sign: Sign, now: Now): void {
    this.hold(kind, place, sign, now);
    this.heal(kind, place, now);
  }

  acknowledge(id: string, acknowledged: Acknowledgement | null): Incident | undefined {
    for (const entry of this.#open.values()) {
      if (entry.incident.id !== id) continue;
      entry.incident = { ...entry.incident, acknowledged };
      this.#changed(entry.incident, "changed");
      return entry.incident;
    }
    return undefined;
  }

  #create(kind: IncidentKind, place: Place, sign: Sign, now: Now): Entry {
    this.#number += 1;
    const since = sign.since ?? now.civil;
    const before = Math.max(0, now.civil - since);
    const incident: Incident = {
      id: incidentId(since, this.#number),
      ...{ kind, place, since, until: null, count: 1 },
      ...{ cause: "", meters: 0, within: null, acknowledged: null },
      ...shown(sign),
      lasted: before,
    };
    return { incident, began: now.mono - before / this.#speed, closedAt: undefined };
  }

  /** A new cause or another number of meters is told; that it still lasts is not. */
  #update(entry: Entry, sign: Sign): Incident {
    const { incident } = entry;
    const next = { ...incident, ...shown(sign) };
    if (next.cause === incident.cause && next.meters === incident.meters && next.within === incident.within)
      return incident;
    entry.incident = next;
    this.#changed(next, "changed");
    return next;
  }

  #lasted({ began, incident }: Entry, now: Now): number {
    if (began === undefined) return Math.max(incident.lasted, now.civil - incident.since);
    return Math.round((now.mono - began) * this.#speed);
  }

  #forget(now: Now): void {
    for (const [key, entry] of this.#recent) {
      if (now.mono - (entry.closedAt ?? 0) <= FLAPPING) return;
      this.#recent.delete(key);
    }
  }
}

function shown({ cause, meters, within }: Sign): Partial<Incident> {
  return {
    cause: cause.slice(0, LONGEST_CAUSE),
    ...(meters === undefined ? {} : { meters }),
    ...(within === undefined ? {} : { within }),
  };
}

function keyOf(kind: IncidentKind, { part, name }: Place): string {
  return `${kind} ${part} ${name}`;
}

/** When an incident ended, on the scale of its beginning; `now` for one that lasts. */
export function endOf({ since, until, lasted }: Incident, now: Civil): Civil {
  return until === null ? now : civil(since + lasted);
}
