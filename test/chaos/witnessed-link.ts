/** A meter's session with its broker, watched: what is published and what is acknowledged goes to the witness file. */
import { Link } from "../../src/platform/link.ts";
import { COMPARED, type WitnessWriter } from "./witness.ts";

interface Telemetry {
  readonly meter: string;
  readonly sequence: number;
  readonly time: string;
  readonly values: Readonly<Record<string, string>>;
}

/** Stands for `inner`, under its name. */
export class WitnessedLink extends Link {
  readonly #inner: Link;
  readonly #witness: WitnessWriter;
  /** By the token under which the meter waits for the acknowledgement. */
  readonly #unacknowledged = new Map<number, Telemetry>();

  constructor(inner: Link, witness: WitnessWriter) {
    super(inner.id);
    this.#inner = inner;
    this.#witness = witness;
    inner.subscribe((event) => {
      if (event.kind === "opened") this.markOpen();
      else if (event.kind === "closed") this.markClosed(event.reason, inner.finished);
      else {
        if (event.kind === "published") this.#acknowledged(event.token);
        this.emit(event);
      }
    });
  }

  get unacknowledged(): number {
    return this.#unacknowledged.size;
  }

  override publish(topic: string, payload: Uint8Array, qos: 0 | 1, retain: boolean, token?: number): void {
    // Read with nothing of ours: what crossed the wire, not what our decoder makes of it.
    if (topic.endsWith("/telemetry") && token !== undefined) {
      const telemetry = JSON.parse(Buffer.from(payload).toString("utf8")) as Telemetry;
      this.#unacknowledged.set(token, telemetry);
      const { meter, sequence, time, values } = telemetry;
      const compared = COMPARED.map(([obis]) => values[obis] ?? "");
      this.#witness.add(["published", meter, sequence, Date.now(), time, compared]);
    }
    this.#inner.publish(topic, payload, qos, retain, token);
  }

  override acknowledge(token: number): void {
    this.#inner.acknowledge(token);
  }

  close(reason: string): void {
    this.#inner.close(reason);
  }

  end(): Promise<void> {
    return this.#inner.end();
  }

  #acknowledged(token: number): void {
    const telemetry = this.#unacknowledged.get(token);
    this.#unacknowledged.delete(token);
    if (telemetry !== undefined) this.#witness.add(["acknowledged", telemetry.meter, telemetry.sequence, Date.now()]);
  }
}
