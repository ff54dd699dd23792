/**
 * Lines, their meters and the gateways they go through: what fails together is one incident, at the part that those who
 * suffer have in common. All meters of an open line silent: the line; all lines to one host: the gateway; one of many: itself.
 */
import type { LinkId } from "../../src/core/actor.ts";
import { type Civil, MICROS_PER_SECOND, type Now } from "../../src/core/time.ts";
import type { LineConfig } from "../config.ts";
import type { MeterId } from "../ports.ts";
import type { Place } from "./incident.ts";
import type { Incidents } from "./incidents.ts";
import { MeterHealth } from "./meter-health.ts";

/** A connection that we closed ourselves, to try another, has so long to come back before it counts as lost. */
const OWN_CLOSE_GRACE = 10 * MICROS_PER_SECOND;

interface Line {
  readonly place: Place;
  readonly gateway: string | undefined;
  readonly meters: ReadonlyMap<MeterId, MeterHealth>;
  /** Lost, with its reason and since when; null while it is open or was never heard of. */
  lost: { readonly reason: string; readonly since: Civil } | null;
  open: boolean;
  /** Monotonic time at which a closing of our own counts as a loss. */
  ownClose: number;
  silent: number;
}

export class LineWatch {
  readonly #incidents: Incidents;
  readonly #lines = new Map<LinkId, Line>();
  readonly #gateways = new Map<string, Line[]>();
  /** The incident of each gateway that explains those of its lines. */
  readonly #explained = new Map<string, string | null>();

  constructor(lines: readonly LineConfig[], incidents: Incidents) {
    this.#incidents = incidents;
    for (const { link, gateway, meters } of lines) {
      const line: Line = {
        ...{ place: { part: "line", name: link }, gateway, lost: null, open: false, silent: 0 },
        meters: new Map(meters.map(({ id }) => [id, new MeterHealth()])),
        ownClose: Number.POSITIVE_INFINITY,
      };
      this.#lines.set(link, line);
      if (gateway !== undefined) this.#gateways.set(gateway, [...(this.#gateways.get(gateway) ?? []), line]);
    }
  }

  has(link: LinkId): boolean {
    return this.#lines.has(link);
  }

  opened(link: LinkId, now: Now): void {
    const line = this.#lines.get(link);
    if (line === undefined) return;
    line.open = true;
    line.lost = null;
    line.ownClose = Number.POSITIVE_INFINITY;
    this.#locate(line, now);
  }

  closed(link: LinkId, reason: string, now: Now): void {
    const line = this.#lines.get(link);
    if (line === undefined) return;
    const since = line.lost?.since ?? now.civil;
    if (line.ownClose < Number.POSITIVE_INFINITY && now.mono < line.ownClose) return;
    line.open = false;
    line.lost = { reason, since };
    this.#locate(line, now);
  }

  /** We are about to close the connection ourselves. */
  closing(link: LinkId, now: Now): void {
    const line = this.#lines.get(link);
    if (line !== undefined) line.ownClose = now.mono + OWN_CLOSE_GRACE;
  }

  /** A request ended; one that failed with the link says nothing of the meter. */
  request(link: LinkId, meter: MeterId, ok: boolean, now: Now): void {
    const line = this.#lines.get(link);
    const health = line?.meters.get(meter);
    if (line === undefined || health === undefined) return;
    const before = health.noisy;
    health.request(ok);
    if (before !== health.noisy || (health.noisy && !ok)) this.#tellNoise(meter, health, now);
  }

  poll(link: LinkId, meter: MeterId, failure: string | null, now: Now): void {
    const line = this.#lines.get(link);
    const health = line?.meters.get(meter);
    if (line === undefined || health === undefined || line.lost !== null) return;
    const before = health.silent;
    if (failure === null) health.answered();
    else health.pollFailed(failure, now.civil);
    if (before !== health.silent) line.silent += health.silent ? 1 : -1;
    // The first poll of this process may heal what an earlier one saw.
    const known = this.#incidents.find("meter-silent", placeOf(meter)) !== undefined;
    if (before !== health.silent || known === (failure === null)) this.#locate(line, now);
    if (health.silent) this.#tellNoise(meter, health, now);
  }

  nextWake(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { ownClose } of this.#lines.values()) next = Math.min(next, ownClose);
    return next;
  }

  wake(now: Now): void {
    for (const line of this.#lines.values()) {
      if (line.ownClose > now.mono) continue;
      line.ownClose = Number.POSITIVE_INFINITY;
      line.open = false;
      line.lost = { reason: "closed because no meter answered, and not to be had again", since: now.civil };
      this.#locate(line, now);
    }
  }

  #tellNoise(meter: MeterId, health: MeterHealth, now: Now): void {
    if (health.noisy)
      this.#incidents.hold("meter-noisy", placeOf(meter), { cause: "a third of its requests fail", meters: 0 }, now);
    else this.#incidents.heal("meter-noisy", placeOf(meter), now);
  }

  /** From what is known of a line to its incidents, the widest first: what explains others is there before them. */
  #locate(line: Line, now: Now): void {
    const before = this.#explained.get(line.gateway ?? "") ?? null;
    const gateway = this.#locateGateway(line, now);
    if (line.gateway !== undefined) this.#explained.set(line.gateway, gateway);
    const concerned = before === gateway ? [line] : (this.#gateways.get(line.gateway ?? "") ?? [line]);
    for (const one of concerned) this.#locateLine(one, gateway, now);
  }

  #locateLine(line: Line, gateway: string | null, now: Now): void {
    const { place, lost, meters } = line;
    const lineDown =
      lost === null
        ? undefined
        : this.#incidents.hold(
            "line-down",
            place,
            { cause: lost.reason, since: lost.since, meters: meters.size, within: gateway },
            now,
          );
    if (lost === null) this.#incidents.heal("line-down", place, now);
    const silent = this.#locateSilence(line, gateway, now);
    for (const [meter, health] of meters) {
      if (health.silent) {
        const since = health.since ?? now.civil;
        const within = silent ?? lineDown?.id ?? null;
        this.#incidents.hold("meter-silent", placeOf(meter), { cause: health.reason, since, meters: 1, within }, now);
      } else if (health.well && lost === null) this.#incidents.heal("meter-silent", placeOf(meter), now);
    }
  }

  /** One meter alone on its line is told as a meter: nothing shows which of the two it is. */
  #locateSilence(line: Line, gateway: string | null, now: Now): string | null {
    const { place, meters } = line;
    if (!isSilent(line) || meters.size < 2) {
      this.#incidents.heal("line-silent", place, now);
      return gateway;
    }
    const cause = `the line is open and none of its ${meters.size} meters answers: ${lastReason(line)}`;
    const sign = { cause, since: silentSince(line, now), meters: meters.size, within: gateway };
    return this.#incidents.hold("line-silent", place, sign, now)?.id ?? null;
  }

  #locateGateway({ gateway }: Line, now: Now): string | null {
    const lines = gateway === undefined ? [] : (this.#gateways.get(gateway) ?? []);
    if (gateway === undefined || lines.length < 2) return null;
    const place: Place = { part: "gateway", name: gateway };
    const down = lines.every(({ lost }) => lost !== null);
    const silent = !down && lines.every((line) => line.lost !== null || isSilent(line));
    const meters = lines.reduce((sum, line) => sum + line.meters.size, 0);
    if (!down) this.#incidents.heal("gateway-down", place, now);
    if (!silent) this.#incidents.heal("gateway-silent", place, now);
    if (!down && !silent) return null;
    const cause = down
      ? `all ${lines.length} lines to it are lost: ${lines.at(-1)?.lost?.reason}`
      : `nothing answers on any of its ${lines.length} lines`;
    const since = lines.reduce(
      (latest, line) => Math.max(latest, line.lost?.since ?? silentSince(line, now)),
      0,
    ) as Civil;
    return (
      this.#incidents.hold(down ? "gateway-down" : "gateway-silent", place, { cause, since, meters }, now)?.id ?? null
    );
  }
}

function placeOf(meter: MeterId): Place {
  return { part: "meter", name: meter };
}

function isSilent({ lost, silent, meters }: Line): boolean {
  return lost === null && meters.size > 0 && silent === meters.size;
}

/** When the last of its meters fell silent: from then on it is the line's. */
function silentSince({ meters }: Line, now: Now): Civil {
  let latest = 0;
  for (const { since } of meters.values()) latest = Math.max(latest, since ?? now.civil);
  return latest as Civil;
}

function lastReason({ meters }: Line): string {
  return [...meters.values()].at(-1)?.reason ?? "";
}
