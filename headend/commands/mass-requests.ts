/** What people ask of mass orders: a new one, and approve, reject, stop, resume, cancel. */
import { failure, type Result, success } from "../../src/core/result.ts";
import type { Now } from "../../src/core/time.ts";
import type { Books, Draft } from "../books.ts";
import type { OrderPolicy } from "../config.ts";
import { type Directory, inability } from "../directory.ts";
import type { MeterId, Refusal } from "../ports.ts";
import {
  auditMass,
  type MassDecision,
  type MassOrder,
  type MassReceipt,
  type MassRequest,
  METERS_IN_PIECE,
  NO_ENDS,
  pieceKey,
  putMass,
  settle,
} from "./mass-order.ts";
import { finish, mayBeDone } from "./orders.ts";

type Answer = Result<MassReceipt, Refusal>;

const MOST_METERS = 100_000;

/** Refused: `unknown-meter`, `no-relay`, `key-used-differently`, `bad-selection`. */
export function requestMass(
  books: Books,
  policy: OrderPolicy,
  directory: Directory,
  request: MassRequest,
  draft: Draft,
  now: Now,
): Answer {
  const { id, operation, actor, note } = request;
  const meters = select(books, directory, request);
  if (!meters.ok) return meters;
  const known = books.massOrders.get(id);
  if (known !== undefined) {
    if (known.operation === operation && known.requester === actor && known.total === meters.value.length)
      return success({ kind: "mass", mass: known, created: false });
    return failure({
      reason: "key-used-differently",
      detail: `the mass order "${id}" exists (${known.operation} for ${known.total} meters, by ${known.requester}); use a new id`,
    });
  }
  const { persons, perMinute, stopPercent, stopWindow, orderExpiry } = policy.mass;
  const mass: MassOrder = {
    ...{ id, operation, requester: actor, note, requestedAt: now.civil, persons, approvedBy: [] },
    ...{ state: "requested", why: "", perMinute, orderExpiry, stopPercent, stopWindow },
    ...{ total: meters.value.length, issued: 0, skipped: 0, ends: NO_ENDS, recent: "" },
    ...{ nextAt: now.civil, finishedAt: null },
  };
  for (let i = 0; i < mass.total; i += METERS_IN_PIECE)
    books.massMeters.set(pieceKey(id, i), meters.value.slice(i, i + METERS_IN_PIECE), draft);
  auditMass(
    mass,
    "requested",
    `${mass.total} meters, ${persons} persons must stand behind it; ${note}`,
    actor,
    draft,
    now,
  );
  return success({ kind: "mass", mass: putMass(books, mass, draft), created: true });
}

/** The meters that were listed, or all that fit; each once, in a fixed order. */
function select(books: Books, directory: Directory, { selection, operation }: MassRequest): Result<MeterId[], Refusal> {
  const { meters, model, via } = selection;
  const chosen: MeterId[] = [];
  if (meters !== undefined) {
    for (const id of new Set(meters)) {
      const meter = directory.find(id);
      if (meter === undefined)
        return failure({ reason: "unknown-meter", detail: `there is no meter ${id}; see the list of meters` });
      const unable = inability(meter, operation);
      if (unable !== undefined) return failure(unable);
      chosen.push(id);
    }
  } else {
    for (const { id, model: own } of [...books.meters.values()].sort((a, b) => (a.id < b.id ? -1 : 1))) {
      const meter = directory.find(id);
      if (meter === undefined || inability(meter, operation) !== undefined) continue;
      if ((model === undefined || own === model) && (via === undefined || (meter.line ?? "mqtt") === via))
        chosen.push(id);
    }
  }
  if (chosen.length > 0 && chosen.length <= MOST_METERS) return success(chosen);
  return failure({
    reason: "bad-selection",
    detail: `the selection has ${chosen.length} meters that can be switched: it takes 1 to ${MOST_METERS}`,
  });
}

/** Refused: `unknown-order`, `not-waiting`, `second-person-needed`, `too-late`. */
export function decideMass(books: Books, { id, decision, actor }: MassDecision, draft: Draft, now: Now): Answer {
  const mass = books.massOrders.get(id);
  if (mass === undefined) return failure({ reason: "unknown-order", detail: `there is no mass order "${id}"` });
  const unfit = misfit(mass, decision);
  if (unfit !== undefined) return failure(unfit);
  if (decision === "approve") return approve(books, mass, actor, draft, now);
  const to = { reject: "rejected", stop: "stopped", resume: "running", cancel: "cancelled" } as const;
  const [state, why] = [to[decision], decision === "resume" ? "" : `by ${actor}`];
  auditMass(mass, decision === "resume" ? "resumed" : state, `by ${actor}`, actor, draft, now);
  // After a look by a person only what comes then counts against it.
  const recent = decision === "resume" ? "" : mass.recent;
  const changed: MassOrder = { ...mass, state, why, recent, nextAt: now.civil };
  putMass(books, changed, draft);
  if (decision === "cancel") cancelOpen(books, id, actor, draft, now);
  const after = books.massOrders.get(id) ?? changed;
  return success({ kind: "mass", mass: settle(books, after, draft, now), created: false });
}

function misfit({ id, state }: MassOrder, decision: MassDecision["decision"]): Refusal | undefined {
  const fits = {
    approve: ["requested"],
    reject: ["requested"],
    stop: ["running"],
    resume: ["stopped"],
    cancel: ["requested", "running", "stopped"],
  }[decision].includes(state);
  if (fits) return undefined;
  const reason = decision === "cancel" ? "too-late" : "not-waiting";
  return { reason, detail: `the mass order "${id}" is ${state}: there is nothing to ${decision}` };
}

function approve(books: Books, mass: MassOrder, actor: string, draft: Draft, now: Now): Answer {
  const { id, requester, approvedBy, persons } = mass;
  if (actor === requester || approvedBy.includes(actor))
    return failure({
      reason: "second-person-needed",
      detail: `${actor} has ${actor === requester ? "requested" : "approved"} the mass order "${id}": another person must approve it`,
    });
  const by = [...approvedBy, actor];
  const missing = persons - 1 - by.length;
  const state = missing <= 0 ? "running" : "requested";
  auditMass(mass, "approved", missing <= 0 ? `by ${actor}` : `by ${actor}; ${missing} more needed`, actor, draft, now);
  const approved = putMass(books, { ...mass, approvedBy: by, state, nextAt: now.civil }, draft);
  return success({ kind: "mass", mass: approved, created: false });
}

/** What may be with a meter already runs to its end. */
function cancelOpen(books: Books, id: string, actor: string, draft: Draft, now: Now): void {
  for (const order of [...books.openOrders.values()])
    if (order.terms.mass === id && !mayBeDone(order))
      finish(
        books,
        order,
        { state: "cancelled" },
        draft,
        now,
        actor,
        `its mass order ${id} was cancelled by ${actor}: never sent`,
      );
}
