/** What a running head-end says is wrong, through its API. */
import { expect } from "vitest";
import type { Program } from "./programs.ts";

export const TOKEN = "0123456789abcdef0123456789abcdef";

interface Alarm {
  readonly kind: string;
  readonly part: string;
  readonly name: string;
  readonly cause: string;
  readonly open: boolean;
  readonly seconds: number | null;
}

export class AlarmList {
  readonly #url: string;

  /** @param headend started with {@link TOKEN} in METERWORKS_TOKEN */
  constructor({ ready }: Pick<Program, "ready">) {
    this.#url = /http:\S+\d/.exec(ready)?.[0] as string;
  }

  async read(state: "open" | "all"): Promise<readonly Alarm[]> {
    const headers = { authorization: `Bearer ${TOKEN}` };
    const answer = await fetch(`${this.#url}/api/v1/alarms?state=${state}`, { headers });
    return ((await answer.json()) as { alarms: readonly Alarm[] }).alarms;
  }

  /** Until exactly these last, each as `kind name`. */
  async until(expected: readonly string[]): Promise<void> {
    const names = async () => (await this.read("open")).map(({ kind, name }) => `${kind} ${name}`).sort();
    await expect.poll(names, { timeout: 15_000, interval: 50 }).toEqual([...expected].sort());
  }
}
