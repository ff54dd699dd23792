/** A meter of the broker contract: the session of the real meter, with readings that a test knows beforehand. */
import type { LinkEffect, LinkEvent } from "../../src/core/actor.ts";
import type { Link } from "../../src/platform/link.ts";
import { connectMqtt } from "../../src/platform/mqtt-client.ts";
import type { MqttVersion } from "../../src/platform/mqtt-url.ts";
import type { Runtime } from "../../src/platform/runtime.ts";
import { FakeMqttMeter } from "../headend/fakes.ts";
import { ScriptedActor, testRuntime } from "../platform/support.ts";

/** 2026-11-24T16:00:00Z in ms; a reading each minute from then on. */
const FIRST = 1_795_881_600_000;

const isoOf = (sequence: number) => new Date(FIRST + sequence * 60_000).toISOString();

export class ContractMeter {
  readonly fake: FakeMqttMeter;
  /** Sequence numbers of the readings that the broker has acknowledged. */
  readonly acknowledged: number[] = [];
  readonly #url: string;
  readonly #version: MqttVersion;
  #runtime: Runtime | undefined;
  #link: Link | undefined;

  constructor(id: string, url: string, version: MqttVersion) {
    this.fake = new FakeMqttMeter(id);
    this.#url = url;
    this.#version = version;
  }

  /** The µs of its reading with this number. */
  static timeOf(sequence: number): number {
    return (FIRST + sequence * 60_000) * 1000;
  }

  get connected(): boolean {
    return this.#link?.open ?? false;
  }

  /** Comes (back) under its name. */
  connect(): void {
    const { id } = this.fake;
    this.#link = connectMqtt({
      ...{ url: this.#url, version: this.#version, clientId: id, persistent: true },
      ...{ subscriptions: [`meters/${id}/cmd`], backoff: { firstMs: 10, longestMs: 50 } },
    });
    const { runtime } = testRuntime();
    this.#runtime = runtime;
    runtime.host(new ScriptedActor((event) => this.#hear(event))).attach(this.#link);
  }

  async leave(): Promise<void> {
    await this.#runtime?.close();
    this.#runtime = undefined;
  }

  /** Publishes its next readings, each 1 Wh above the one before. */
  publish(count: number): void {
    for (let i = 0; i < count; i++) {
      this.fake.device.energyWh += 1;
      const payload = this.fake.telemetry(isoOf(this.fake.sequence + 1));
      this.say("telemetry", payload, this.fake.sequence);
    }
  }

  say(channel: string, payload: string, token?: number): void {
    this.#link?.publish(`meters/${this.fake.id}/${channel}`, Buffer.from(payload), 1, false, token);
  }

  #hear(event: LinkEvent): readonly LinkEffect[] {
    if (event.kind === "published") this.acknowledged.push(event.token);
    if (event.kind !== "message") return [];
    const answer = this.fake.command(Buffer.from(event.payload).toString(), isoOf(this.fake.sequence));
    if (answer !== undefined) this.say("resp", answer);
    return [];
  }
}
