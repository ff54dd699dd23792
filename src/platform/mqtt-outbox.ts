/** Messages on their way to a broker: some unacknowledged, some waiting their turn, and never more than a bound. */

export interface OutgoingMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1;
  readonly retain: boolean;
  /** The name by which the actor asked to be told of the acknowledgement. */
  readonly token?: number | undefined;
}

export interface OutboxOptions {
  /** QoS 1 messages without acknowledgement at one time. */
  readonly window?: number;
  /** QoS 1 messages waiting, for a broker that is away. */
  readonly waiting?: number;
  /** Called with the number lost so far, each time the oldest waiting message had to go. */
  readonly onLost?: (total: number) => void;
}

export class Outbox {
  readonly #window: number;
  readonly #limit: number;
  readonly #onLost: (total: number) => void;
  readonly #send: (message: OutgoingMessage) => void;
  #waiting: OutgoingMessage[] = [];
  #head = 0;
  #inFlight = 0;
  #lost = 0;
  #open = false;

  constructor(options: OutboxOptions, send: (message: OutgoingMessage) => void) {
    this.#window = options.window ?? 32;
    this.#limit = options.waiting ?? 1000;
    this.#onLost = options.onLost ?? (() => {});
    this.#send = send;
  }

  /** QoS 0 goes now or never. QoS 1 waits; where too many wait the oldest goes, being the one a meter can be asked for again. */
  offer(message: OutgoingMessage): void {
    if (message.qos === 0) {
      if (this.#open) this.#send(message);
      return;
    }
    this.#waiting.push(message);
    if (this.#waiting.length - this.#head > this.#limit) {
      this.#take();
      this.#lost += 1;
      this.#onLost(this.#lost);
    }
    this.#pump();
  }

  /** The broker is there: what waits may go. */
  start(): void {
    this.#open = true;
    this.#pump();
  }

  /** The broker is away. Messages in flight stay with the session, which repeats them. */
  stop(): void {
    this.#open = false;
  }

  /** One message in flight is done with. */
  settled(): void {
    this.#inFlight -= 1;
    this.#pump();
  }

  #pump(): void {
    while (this.#open && this.#inFlight < this.#window && this.#head < this.#waiting.length) {
      this.#inFlight += 1;
      this.#send(this.#take());
    }
  }

  #take(): OutgoingMessage {
    const message = this.#waiting[this.#head] as OutgoingMessage;
    this.#head += 1;
    if (this.#head > 64 && 2 * this.#head > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#head);
      this.#head = 0;
    }
    return message;
  }
}
