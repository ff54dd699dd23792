/** What a reader can be asked to do, and what comes of it. */
import { failure, type Result } from "../../src/core/result.ts";
import type { DataSet } from "./dataset.ts";
import type { ReaderFailure } from "./errors.ts";
import type { ParityHandling } from "./frame.ts";
import { type Command, type Identification, RESPONSE_LIMIT, refusalOfCommand, SIGN_ON_BAUD } from "./message.ts";

export type ReaderJob =
  /** Sign-on and data readout, in the mode that the meter's identification names. */
  | { readonly kind: "readout" }
  /** Programming mode: the password (P1) if there is one, the commands in order, then the break. */
  | { readonly kind: "session"; readonly password?: string; readonly commands: readonly Command[] }
  /** Mode D and P1: waits at `baud`, at most `patience` µs, for the next pushed telegram. */
  | { readonly kind: "listen"; readonly baud: number; readonly patience: number };

export interface ReaderReport {
  readonly identification: Identification;
  /** The readout, or the pushed telegram; empty for a session in mode C. */
  readonly sets: readonly DataSet[];
  /** One entry for each command: the data sets of a read, nothing for what was acknowledged. */
  readonly replies: readonly (readonly DataSet[])[];
  /** False where the mode has no check character (A, D, P1 before version 4). */
  readonly checked: boolean;
}

export type ReaderResult = Result<ReaderReport, ReaderFailure>;

export type ReaderEffect =
  | { readonly kind: "send"; readonly bytes: Uint8Array }
  /** Takes hold once everything sent before has left the line; of no meaning on TCP and PTY. */
  | { readonly kind: "baud"; readonly rate: number }
  | { readonly kind: "done"; readonly ticket: number; readonly result: ReaderResult };

export interface ReaderOptions {
  /** Device address; empty (default) for the only meter on the line. */
  readonly address?: string;
  readonly parity?: ParityHandling;
  /** The rate of a sign-on, for meters that left the standard's 300. */
  readonly signOnBaud?: number;
  /** The highest rate this end can do; a faster meter of mode C is kept at 300. Default 19200. */
  readonly maxBaud?: number;
  /** Battery meters: NULs sent before the request to wake the meter up; default 0. */
  readonly wakeCharacters?: number;
  /** µs that operating system and adapter may add to the standard's limits; default 100 ms. */
  readonly slack?: number;
  /** Sign-ons after the first, and NAKs and repeats of one message; default 2. */
  readonly retries?: number;
}

/** Every option with its default in place. */
export function withDefaults(options: ReaderOptions): Required<ReaderOptions> {
  return {
    address: options.address ?? "",
    parity: options.parity ?? "port",
    signOnBaud: options.signOnBaud ?? SIGN_ON_BAUD,
    maxBaud: options.maxBaud ?? 19_200,
    wakeCharacters: options.wakeCharacters ?? 0,
    slack: options.slack ?? 100_000,
    retries: options.retries ?? 2,
  };
}

/** The pause after the wake-up characters, and before a new sign-on: the meter must have given up the former one. */
export const SETTLE = RESPONSE_LIMIT + 100_000;
/** A readout with load profiles; the limit on what a meter can make us hold. */
export const READOUT_LIMIT = 65_536;
const MOST_COMMANDS = 256;

/** What is wrong with a job, if something is. */
export function refusalOfJob(job: ReaderJob): string | undefined {
  if (job.kind !== "session") return undefined;
  if (job.commands.length > MOST_COMMANDS) return `a session has at most ${MOST_COMMANDS} commands`;
  const commands = job.password === undefined ? job.commands : [passwordCommand(job.password), ...job.commands];
  for (const command of commands) {
    const refusal = refusalOfCommand(command);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function passwordCommand(password: string): Command {
  return { operation: "P1", address: "", value: password };
}

/** A job on its way. */
export interface Running {
  readonly ticket: number;
  readonly job: ReaderJob;
  readonly commands: readonly Command[];
  identification: Identification | undefined;
  sets: readonly DataSet[];
  checked: boolean;
  readonly replies: DataSet[][];
  /** Text of the blocks that ended with EOT. */
  partial: string;
  signOns: number;
  repeats: number;
  inSession: boolean;
  /** Why the last answer could not be used: the reason given if no better one follows. */
  doubt: ReaderFailure | undefined;
}

export function running(ticket: number, job: ReaderJob): Running {
  const password = job.kind === "session" && job.password !== undefined ? [passwordCommand(job.password)] : [];
  return {
    ticket,
    job,
    commands: job.kind === "session" ? [...password, ...job.commands] : [],
    identification: undefined,
    sets: [],
    checked: false,
    replies: [],
    partial: "",
    signOns: 0,
    repeats: 0,
    inSession: false,
    doubt: undefined,
  };
}

/** What silence means, by what was waited for. */
export const SILENCE = {
  identification: { kind: "timeout", detail: "nobody answered the sign-on" },
  readout: { kind: "timeout", detail: "no data came after the identification" },
  operand: { kind: "timeout", detail: "the meter did not enter programming mode" },
  reply: { kind: "timeout", detail: "the command was not answered" },
  telegram: { kind: "timeout", detail: "no telegram was pushed" },
} as const satisfies Record<string, ReaderFailure>;

export const LINK_DOWN: ReaderResult = failure({ kind: "link-down" });
