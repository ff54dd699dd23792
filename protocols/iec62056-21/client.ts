/**
 * The reader's side of IEC 62056-21: sign-on and readout in modes A, B and C, programming mode, and pushed telegrams (mode D,
 * P1). One job at a time. Data of modes B and C without its check character is refused; mode A has none.
 */
import { assert, failure, success } from "../../src/core/result.ts";
import { EchoFilter } from "../echo.ts";
import {
  LINK_DOWN,
  READOUT_LIMIT,
  type ReaderEffect,
  type ReaderJob,
  type ReaderOptions,
  type ReaderResult,
  type Running,
  refusalOfJob,
  running,
  SETTLE,
  SILENCE,
  withDefaults,
} from "./client-job.ts";
import { type DataSet, errorMessage, parseDataSets } from "./dataset.ts";
import { errorText, type ReaderFailure } from "./errors.ts";
import { ACK, addParity, ETX, NAK, stripParity, wireTime } from "./frame.ts";
import {
  baudCode,
  buildBreak,
  buildCommand,
  buildOption,
  buildRequest,
  type Command,
  parseIdentification,
  parseRequest,
  RESPONSE_LIMIT,
  refusalOfAddress,
  SLOW_REACTION,
} from "./message.ts";
import { parseTelegram, TelegramStream } from "./p1.ts";
import { type Block, LINE_LIMIT, Scanner, type Token } from "./scanner.ts";

export type { ReaderEffect, ReaderJob, ReaderOptions, ReaderResult } from "./client-job.ts";

/** What the reader waits for. `settle`: data of mode A is complete, unless an ETX shows that its STX was lost. */
type Stage = "identification" | "readout" | "settle" | "operand" | "reply" | "telegram";

interface Outgoing {
  readonly at: number;
  readonly bytes: Uint8Array;
  readonly stage: Stage;
  /** The rate to go to once the message has left. */
  readonly baud: number | undefined;
}

const NEVER = Number.POSITIVE_INFINITY;

export class Iec62056Reader {
  readonly #options: Required<ReaderOptions>;
  readonly #scanner = new Scanner(READOUT_LIMIT);
  readonly #stream = new TelegramStream();
  #running: Running | undefined;
  #stage: Stage = "identification";
  #outgoing: Outgoing | undefined;
  #last: Outgoing | undefined;
  #deadline = NEVER;
  /** Noise may look like the beginning of an answer again and again, but not for ever. */
  #stageEnds = NEVER;
  readonly #echo = new EchoFilter();
  #baud = 0;
  #up = false;

  constructor(options: ReaderOptions = {}) {
    this.#options = withDefaults(options);
  }

  get busy(): boolean {
    return this.#running !== undefined;
  }

  /** Begins a job, which ends with one `done`; at once where it can't be begun. */
  submit(ticket: number, job: ReaderJob, mono: number): readonly ReaderEffect[] {
    const refusal =
      refusalOfAddress(this.#options.address) ??
      refusalOfJob(job) ??
      (this.busy ? "the reader is busy with another job" : undefined);
    if (refusal !== undefined) return [done(ticket, failure({ kind: "bad-request", detail: refusal }))];
    if (!this.#up) return [done(ticket, LINK_DOWN)];
    this.#running = running(ticket, job);
    if (job.kind !== "listen") return this.#signOn(this.#running, mono, mono);
    this.#stream.clear();
    this.#stage = "telegram";
    this.#deadline = mono + job.patience;
    return this.#setBaud(job.baud);
  }

  /** Characters from the link, the last of which came at `mono`. */
  receive(bytes: Uint8Array, mono: number): readonly ReaderEffect[] {
    const effects: ReaderEffect[] = [];
    for (const byte of this.#options.parity === "even" ? stripParity(bytes) : bytes) {
      if (this.#running === undefined) break;
      // While our own message waits for its turn, nobody has been asked anything.
      if (this.#outgoing !== undefined) continue;
      for (const heard of this.#echo.pass(byte)) effects.push(...this.#character(this.#running, heard, mono));
    }
    if (this.#scanner.busy && this.#stage !== "telegram")
      this.#deadline = Math.min(this.#stageEnds, mono + RESPONSE_LIMIT + this.#options.slack);
    return effects;
  }

  /** To be called at {@link nextWake}; does nothing when nothing is due. */
  wake(mono: number): readonly ReaderEffect[] {
    const running = this.#running;
    if (running === undefined) return [];
    if (this.#outgoing !== undefined) return mono >= this.#outgoing.at ? this.#transmit(this.#outgoing, mono) : [];
    return mono >= this.#deadline ? this.#overdue(running, mono) : [];
  }

  nextWake(): number {
    if (this.#running === undefined) return NEVER;
    return this.#outgoing?.at ?? this.#deadline;
  }

  linkUp(): void {
    this.#up = true;
    // A port opened afresh has the rate it was configured with.
    this.#baud = 0;
  }

  /** The running job is done with `link-down`. */
  linkDown(): readonly ReaderEffect[] {
    this.#up = false;
    const running = this.#running;
    this.#running = undefined;
    this.#outgoing = undefined;
    return running === undefined ? [] : [done(running.ticket, LINK_DOWN)];
  }

  #signOn(running: Running, at: number, mono: number): readonly ReaderEffect[] {
    running.signOns++;
    running.repeats = 0;
    running.partial = "";
    const baud = this.#setBaud(this.#options.signOnBaud);
    const request = buildRequest(this.#options.address);
    const nuls = this.#options.wakeCharacters;
    if (nuls === 0) return [...baud, ...this.#say(request, "identification", at, mono)];
    const awake = at + wireTime(this.#options.signOnBaud, nuls) + SETTLE;
    return [...baud, this.#sendEffect(new Uint8Array(nuls)), ...this.#say(request, "identification", awake, mono)];
  }

  /** Sends at `at`, then waits in `stage` for the answer. */
  #say(bytes: Uint8Array, stage: Stage, at: number, mono: number, baud?: number): readonly ReaderEffect[] {
    this.#scanner.clear();
    this.#outgoing = { bytes, stage, at, baud };
    return mono >= at ? this.#transmit(this.#outgoing, mono) : [];
  }

  #transmit(outgoing: Outgoing, mono: number): readonly ReaderEffect[] {
    this.#outgoing = undefined;
    this.#last = outgoing;
    this.#echo.expect(outgoing.bytes);
    const left = mono + wireTime(this.#baud, outgoing.bytes.length);
    const change = outgoing.baud === undefined ? [] : this.#setBaud(outgoing.baud);
    this.#expect(outgoing.stage, left);
    return [this.#sendEffect(outgoing.bytes), ...change];
  }

  /** An answer must begin within the standard's limit from `mono` on; its first character is heard when it has ended. */
  #expect(stage: Stage, mono: number): void {
    this.#stage = stage;
    this.#scanner.clear();
    this.#scanner.expecting = stage === "identification" ? "sign-on" : stage === "readout" ? "data" : "frames";
    this.#deadline = mono + RESPONSE_LIMIT + wireTime(this.#baud, 1) + this.#options.slack;
    this.#stageEnds = this.#deadline + wireTime(this.#baud, stage === "identification" ? LINE_LIMIT : READOUT_LIMIT);
  }

  #character(running: Running, byte: number, mono: number): readonly ReaderEffect[] {
    if (this.#stage === "telegram") return this.#telegram(running, byte);
    if (this.#stage === "settle") {
      if (byte !== ETX) return [];
      return this.#signOnAgain(running, { kind: "bad-reply", detail: "a readout whose STX was lost" }, mono);
    }
    const token = this.#scanner.feed(byte);
    if (token === undefined) return [];
    if (token.kind === "overflow") {
      const detail = `a readout of more than ${READOUT_LIMIT} bytes`;
      return this.#finish(running, failure({ kind: "bad-reply", detail }));
    }
    if (this.#stage === "identification")
      return token.kind === "line" ? this.#identified(running, token.text, mono) : [];
    if (token.kind === "block") return this.#block(running, token, mono);
    return this.#stage === "readout" ? this.#plain(running, token, mono) : this.#sign(running, token, mono);
  }

  #telegram(running: Running, byte: number): readonly ReaderEffect[] {
    const bytes = this.#stream.feed(byte);
    if (bytes === undefined) return [];
    const telegram = parseTelegram(bytes);
    if (telegram.ok) {
      running.identification = telegram.value.identification;
      running.sets = telegram.value.sets;
      running.checked = telegram.value.check === "good";
      return this.#complete(running);
    }
    // The next push is a repeat of this one in all but its values.
    running.doubt = { kind: "bad-reply", detail: errorText(telegram.error) };
    return [];
  }

  #identified(running: Running, line: string, mono: number): readonly ReaderEffect[] {
    // The optical head shows our own request first.
    if (parseRequest(line) !== undefined) return [];
    const identification = parseIdentification(line);
    if (!identification.ok) {
      running.doubt = { kind: "bad-reply", detail: identification.error };
      return [];
    }
    running.identification = identification.value;
    const { mode, baud, z, reaction } = identification.value;
    if (mode !== "C") {
      const change = mode === "B" ? this.#setBaud(baud) : [];
      this.#expect("readout", mono);
      return change;
    }
    const chosen = baud <= this.#options.maxBaud ? z : "0";
    const programming = running.job.kind === "session";
    const option = buildOption(chosen, programming ? "programming" : "readout");
    return this.#say(option, programming ? "operand" : "readout", mono + reaction, mono, baudCode(chosen).baud);
  }

  #plain(running: Running, token: Token, mono: number): readonly ReaderEffect[] {
    if (token.kind !== "plain") return [];
    if (running.identification?.mode !== "A") {
      running.doubt = { kind: "bad-reply", detail: "data without its check character" };
      return [];
    }
    const sets = parseDataSets(token.text);
    if (!sets.ok) return this.#signOnAgain(running, { kind: "bad-reply", detail: errorText(sets.error) }, mono);
    running.sets = sets.value;
    this.#stage = "settle";
    this.#deadline = mono + RESPONSE_LIMIT;
    return [];
  }

  #block(running: Running, block: Block, mono: number): readonly ReaderEffect[] {
    if (!block.good) {
      const computed = errorText({ kind: "bad-check", found: block.found, computed: block.computed });
      return this.#doubt(running, { kind: "bad-reply", detail: computed }, mono);
    }
    if (block.command === "B0") {
      running.inSession = false;
      return this.#finish(running, failure({ kind: "break" }));
    }
    if (this.#stage === "operand") {
      if (block.command !== "P0") return [];
      running.inSession = true;
      return this.#nextCommand(running, mono);
    }
    // A block with any other command is our own, echoed.
    if (block.command !== undefined) return [];
    if (running.partial.length + block.data.length > READOUT_LIMIT)
      return this.#finish(running, failure({ kind: "bad-reply", detail: `data of more than ${READOUT_LIMIT} bytes` }));
    const text = running.partial + block.data;
    if (block.partial) {
      running.partial = text;
      return this.#say(Uint8Array.of(ACK), this.#stage, mono + this.#reaction(running), mono);
    }
    const sets = parseDataSets(text);
    // Seven bits of check let one damaged block in 128 pass; what can't be read is asked for again like the others.
    if (!sets.ok) return this.#doubt(running, { kind: "bad-reply", detail: errorText(sets.error) }, mono);
    if (this.#stage === "readout" && sets.value.length === 0)
      return this.#doubt(running, { kind: "bad-reply", detail: "a readout without data" }, mono);
    running.partial = "";
    return this.#stage === "readout"
      ? this.#readoutDone(running, sets.value, mono)
      : this.#reply(running, sets.value, mono);
  }

  #readoutDone(running: Running, sets: readonly DataSet[], mono: number): readonly ReaderEffect[] {
    running.sets = sets;
    running.checked = true;
    return this.#afterReadout(running, mono);
  }

  /** Modes A and B go from readout to programming without an option: the first command is the change. */
  #afterReadout(running: Running, mono: number): readonly ReaderEffect[] {
    if (running.job.kind !== "session") return this.#complete(running);
    running.inSession = true;
    return this.#nextCommand(running, mono);
  }

  /** ACK and NAK to the command under way. */
  #sign(running: Running, token: Token, mono: number): readonly ReaderEffect[] {
    if (token.kind === "nak") return this.#sayAgain(running, { kind: "not-acknowledged" }, mono);
    const reading = this.#command(running)?.operation.startsWith("R") === true;
    if (token.kind !== "ack" || this.#stage !== "reply" || reading) return [];
    return this.#reply(running, [], mono);
  }

  #reply(running: Running, sets: readonly DataSet[], mono: number): readonly ReaderEffect[] {
    const code = errorMessage(sets);
    if (code !== undefined) return this.#finish(running, failure({ kind: "refused", code }));
    running.replies.push([...sets]);
    return this.#nextCommand(running, mono);
  }

  #command(running: Running): Command | undefined {
    return running.commands[running.replies.length];
  }

  #nextCommand(running: Running, mono: number): readonly ReaderEffect[] {
    running.repeats = 0;
    const command = this.#command(running);
    if (command === undefined) return this.#complete(running);
    return this.#say(buildCommand(command), "reply", mono + this.#reaction(running), mono);
  }

  /** An answer with a wrong check character is asked for again. */
  #doubt(running: Running, reason: ReaderFailure, mono: number): readonly ReaderEffect[] {
    if (running.repeats >= this.#options.retries) return this.#finish(running, failure(reason));
    running.repeats++;
    return this.#say(Uint8Array.of(NAK), this.#stage, mono + this.#reaction(running), mono);
  }

  #sayAgain(running: Running, reason: ReaderFailure, mono: number): readonly ReaderEffect[] {
    const last = this.#last;
    if (last === undefined || running.repeats >= this.#options.retries) return this.#finish(running, failure(reason));
    running.repeats++;
    return this.#say(last.bytes, last.stage, mono + this.#reaction(running), mono, last.baud);
  }

  /** After an attempt that led nowhere: the meter gets the time to give up too. */
  #signOnAgain(running: Running, reason: ReaderFailure, mono: number): readonly ReaderEffect[] {
    running.doubt = reason;
    if (running.signOns > this.#options.retries) return this.#finish(running, failure(reason));
    return this.#signOn(running, mono + SETTLE, mono);
  }

  #overdue(running: Running, mono: number): readonly ReaderEffect[] {
    switch (this.#stage) {
      case "settle":
        return this.#afterReadout(running, mono);
      case "identification":
      case "readout":
      case "operand":
        return this.#signOnAgain(running, running.doubt ?? SILENCE[this.#stage], mono);
      case "telegram":
        return this.#finish(running, failure(running.doubt ?? SILENCE.telegram));
      case "reply": {
        const command = this.#command(running);
        // A command that changes something may have been carried out: whether to repeat it is not ours to say.
        if (command === undefined || !/^[RP]/.test(command.operation))
          return this.#finish(running, failure(SILENCE.reply));
        return this.#sayAgain(running, SILENCE.reply, mono);
      }
    }
  }

  #reaction(running: Running): number {
    return running.identification?.reaction ?? SLOW_REACTION;
  }

  #complete(running: Running): readonly ReaderEffect[] {
    const { identification, sets, checked, job } = running;
    assert(identification !== undefined, "a job is complete only after an identification");
    // The first answer of a session with a password is that to P1.
    const replies = running.replies.slice(job.kind === "session" && job.password !== undefined ? 1 : 0);
    return this.#finish(running, success({ identification, sets, replies, checked }));
  }

  /** The meter is let go, the port goes back to where a sign-on begins. */
  #finish(running: Running, result: ReaderResult): readonly ReaderEffect[] {
    const bye = running.inSession ? [this.#sendEffect(buildBreak())] : [];
    this.#running = undefined;
    this.#outgoing = undefined;
    this.#scanner.clear();
    const home = running.job.kind === "listen" ? [] : this.#setBaud(this.#options.signOnBaud);
    return [...bye, ...home, done(running.ticket, result)];
  }

  #sendEffect(bytes: Uint8Array): ReaderEffect {
    return { kind: "send", bytes: this.#options.parity === "even" ? addParity(bytes) : bytes };
  }

  #setBaud(rate: number): readonly ReaderEffect[] {
    if (rate === this.#baud) return [];
    this.#baud = rate;
    return [{ kind: "baud", rate }];
  }
}

function done(ticket: number, result: ReaderResult): ReaderEffect {
  return { kind: "done", ticket, result };
}
