/** The acknowledgements we owe a broker, sent in the order in which its messages came (MQTT 3.1.1, 4.6). */

interface Owed {
  readonly messageId: number;
  safe: boolean;
}

export class OwedAcknowledgements {
  readonly #send: (messageId: number) => void;
  #owed: Owed[] = [];
  #head = 0;
  /** The token of `#owed[0]`: tokens are consecutive, and never used again. */
  #firstToken = 1;

  constructor(send: (messageId: number) => void) {
    this.#send = send;
  }

  get size(): number {
    return this.#owed.length - this.#head;
  }

  /** The token that all others wait for; undefined where nothing is owed. */
  get oldest(): number | undefined {
    return this.size === 0 ? undefined : this.#firstToken + this.#head;
  }

  /** Returns the token by which the message is acknowledged. */
  owe(messageId: number): number {
    return this.#firstToken + this.#owed.push({ messageId, safe: false }) - 1;
  }

  /** Sends what is due now. Tokens of a connection that is gone do nothing: the broker repeats their messages. */
  acknowledge(token: number): void {
    const entry = this.#owed[token - this.#firstToken];
    if (entry === undefined) return;
    entry.safe = true;
    while (this.#owed[this.#head]?.safe) {
      this.#send((this.#owed[this.#head] as Owed).messageId);
      this.#head += 1;
    }
    if (this.#head > 1000 && 2 * this.#head > this.#owed.length) this.#drop(this.#head);
  }

  /** The connection is gone, and with it the debt. */
  forgetAll(): void {
    this.#drop(this.#owed.length);
  }

  #drop(count: number): void {
    this.#firstToken += count;
    this.#owed = this.#owed.slice(count);
    this.#head = 0;
  }
}
