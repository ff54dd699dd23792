/** Errors as RFC 9457 problem details: a status, a reason for programs, and a sentence that says what to do. */
import { STATUS_CODES } from "node:http";
import type { FastifyReply } from "fastify";
import type { Refusal } from "../ports.ts";

export class Problem extends Error {
  readonly status: number;
  /** A closed list for programs; the sentence may change, this does not. */
  readonly reason: string;
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, reason: string, detail: string, retryAfterSeconds?: number) {
    super(detail);
    this.status = status;
    this.reason = reason;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

const REFUSAL_STATUS: Readonly<Record<Refusal["reason"], number>> = {
  "unknown-meter": 404,
  "no-relay": 422,
  "no-clock": 422,
  "not-prepaid": 422,
  "bad-amount": 422,
  "key-used-differently": 409,
  "too-many-orders": 429,
  "store-failed": 503,
  "bad-deadline": 422,
  "bad-precondition": 422,
  "unknown-order": 404,
  "not-waiting": 409,
  "second-person-needed": 403,
  "too-late": 409,
  "bad-selection": 422,
  "unknown-alarm": 404,
  "too-many-reads": 429,
  "no-answer": 504,
  "not-active": 409,
  "not-plausible": 422,
};

const RETRY_AFTER_SECONDS = 5;

/** A refusal of the collector as a problem; those that pass by themselves say when to try again. */
export function refused({ reason, detail }: Refusal): Problem {
  const status = REFUSAL_STATUS[reason];
  return new Problem(status, reason, detail, status === 429 || status === 503 ? RETRY_AFTER_SECONDS : undefined);
}

/** Waits for the store; where it is broken, its sentence goes to the caller: it is written for people. */
export async function fromStore<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw new Problem(
      503,
      "store-failed",
      `the store does not answer: ${(error as Error).message}`,
      RETRY_AFTER_SECONDS,
    );
  }
}

/** `type` is about:blank, so `title` is the phrase of the status (RFC 9457, 4.2.1). */
export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  const { status, reason, message, retryAfterSeconds } = problem;
  if (retryAfterSeconds !== undefined) reply.header("retry-after", retryAfterSeconds);
  const body = { type: "about:blank", title: STATUS_CODES[status] ?? "Error", status, detail: message, reason };
  return reply.code(status).type("application/problem+json").send(body);
}
