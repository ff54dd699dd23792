/** QoS 1 publishes the broker has not confirmed, under their packet identifiers (MQTT 3.1.1, 2.3.1). */
import { assert } from "../core/result.ts";
import type { OutgoingMessage } from "./mqtt-outbox.ts";

export class UnconfirmedPublishes {
  readonly #highestId: number;
  readonly #byId = new Map<number, OutgoingMessage>();
  #lastId = 0;

  constructor(highestId: number) {
    this.#highestId = highestId;
  }

  /** Gives the message an identifier that is not in use. */
  add(message: OutgoingMessage): number {
    assert(this.#byId.size < this.#highestId, "the window is larger than there are identifiers");
    do {
      this.#lastId = (this.#lastId % this.#highestId) + 1;
    } while (this.#byId.has(this.#lastId));
    this.#byId.set(this.#lastId, message);
    return this.#lastId;
  }

  /** The message, or undefined for an identifier that is not waiting: a broker's answer to a repeated publish. */
  confirm(messageId: number): OutgoingMessage | undefined {
    const message = this.#byId.get(messageId);
    this.#byId.delete(messageId);
    return message;
  }

  all(): ReadonlyMap<number, OutgoingMessage> {
    return this.#byId;
  }
}
