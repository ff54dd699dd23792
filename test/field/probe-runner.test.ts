/** Probes on the simulated line: what they hear, when they stop listening, and that a change of format is carried out. */
import { describe, expect, test } from "vitest";
import { linkId } from "../../src/core/actor.ts";
import { joinBytes, toHex } from "../../src/core/bytes.ts";
import type { LineFormat } from "../../src/core/line-format.ts";
import { Random } from "../../src/core/random.ts";
import { civil, mono } from "../../src/core/time.ts";
import type { Heard, Probe } from "../../src/field/probe.ts";
import { ProbeRunner } from "../../src/field/probe-runner.ts";
import { CopperLine, SOUND_COPPER } from "../../src/simulation/copper.ts";
import { SimHost, type SimLink, World } from "../../src/simulation/world.ts";

const SLOW: LineFormat = { baud: 2_400, dataBits: 8, parity: "none", stopBits: 1 };
const FAST: LineFormat = { baud: 9_600, dataBits: 8, parity: "even", stopBits: 1 };
/** µs of a character at 9600 8E1. */
const CHARACTER = (11 * 1_000_000) / 9_600;
const LISTEN = { first: 100_000, quiet: 20_000 };

/** A party at 9600 8E1 that answers every lump of bytes so much later, byte by byte. */
function run<T>(probe: Probe<T>, answers: readonly { after: number; bytes: readonly number[] }[]): T | undefined {
  const world = new World(civil(0));
  const adapter = { format: FAST, lumps: false, echo: false, keepsBad: true };
  const line = new CopperLine(world, linkId("line"), adapter, SOUND_COPPER, new Random(1));
  let heard: Uint8Array = new Uint8Array(0);
  const meter: SimLink = line.join({}, (event) => {
    if (event.kind !== "bytes") return;
    heard = joinBytes([heard, event.bytes]);
    if (!toHex(heard).endsWith("0102")) return;
    heard = new Uint8Array(0);
    for (const { after, bytes } of answers)
      world.after(after, () => meter.perform({ kind: "send", link: line.id, bytes: Uint8Array.from(bytes) }));
  });
  let result: T | undefined;
  const options = { links: [line.id], format: FAST, linkPatience: 1_000_000 };
  const runner = new ProbeRunner(probe, options, (told) => {
    result = told;
  });
  const host = new SimHost(world, runner, (effect) => {
    if (effect.kind !== "log") link.perform(effect);
  });
  const link = line.join(runner, (event) => host.post(event));
  world.run(mono(60_000_000));
  return result;
}

const ASK = Uint8Array.of(1, 2);

function* ask(listen: { first: number; quiet: number; longest?: number } = LISTEN): Probe<Heard> {
  return yield { kind: "exchange", send: ASK, listen };
}

describe("a probe", () => {
  test("hears an answer to its end, with the time of each byte and of its own last bit", () => {
    const heard = run(ask(), [{ after: 5_000, bytes: [7, 8, 9] }]) as Heard;
    expect([...heard.bytes]).toEqual([7, 8, 9]);
    expect(heard.ended).toBe("quiet");
    expect(heard.leftAt - heard.sentAt).toBeCloseTo(2 * CHARACTER, 0);
    expect((heard.chunks[0]?.at ?? 0) - heard.leftAt).toBeCloseTo(5_000 + CHARACTER, -1);
    expect(heard.endedAt - (heard.chunks.at(-1)?.at ?? 0)).toBeCloseTo(LISTEN.quiet, 0);
  });

  test("waits for the first byte as long as it was told, from when its own bytes have left", () => {
    const heard = run(ask(), []) as Heard;
    expect(heard.ended).toBe("silent");
    expect(heard.endedAt - heard.leftAt).toBeCloseTo(LISTEN.first, 0);
    expect(run(ask(), [{ after: LISTEN.first + 1_000, bytes: [1] }])?.ended).toBe("silent");
    expect(run(ask(), [{ after: LISTEN.first - 2_000, bytes: [1] }])?.ended).toBe("quiet");
  });

  test("comes to an end on a line that is never free", () => {
    const chatter = Array.from({ length: 100 }, (_, i) => ({ after: 10_000 * i, bytes: [i] }));
    const heard = run(ask({ ...LISTEN, longest: 200_000 }), chatter) as Heard;
    expect(heard.ended).toBe("unending");
    expect(heard.bytes.length).toBeGreaterThan(15);
    expect(heard.endedAt - heard.leftAt).toBeCloseTo(200_000, 0);
  });

  test("stops as soon as it has heard enough", () => {
    const probe = (function* (): Probe<Heard> {
      const enough = (bytes: Uint8Array) => bytes.length >= 2;
      return yield { kind: "exchange", send: ASK, listen: { ...LISTEN, enough } };
    })();
    const heard = run(probe, [{ after: 5_000, bytes: [7, 8, 9] }]) as Heard;
    expect([heard.ended, ...heard.bytes]).toEqual(["enough", 7, 8]);
  });

  test("is answered at the right format only, and finds it by changing its own", () => {
    const probe = (function* (): Probe<string[]> {
      const heard: string[] = [];
      for (const format of [SLOW, { ...FAST, parity: "none" } as const, FAST]) {
        yield { kind: "format", format };
        const { bytes } = yield { kind: "exchange", send: ASK, listen: LISTEN };
        heard.push(toHex(bytes));
      }
      return heard;
    })();
    const heard = run(probe, [{ after: 5_000, bytes: [7] }]);
    expect(heard).toEqual(["", "", "07"]);
  });

  test("has the last of several formats that it was told at once", () => {
    const probe = (function* (): Probe<string> {
      for (const format of [SLOW, { ...FAST, baud: 19_200 }, FAST]) yield { kind: "format", format };
      return toHex((yield { kind: "exchange", send: ASK, listen: LISTEN }).bytes);
    })();
    expect(run(probe, [{ after: 5_000, bytes: [7] }])).toBe("07");
  });

  test("gives a connection up that can't be had", () => {
    let told: Heard | undefined;
    const runner = new ProbeRunner(ask(), { links: [linkId("tcp")], linkPatience: 1_000 }, (result) => {
      told = result;
    });
    const at = (micros: number) => ({ mono: mono(micros), civil: civil(micros) });
    runner.wake(at(0));
    runner.handle({ kind: "closed", link: linkId("tcp"), reason: "connect ECONNREFUSED" }, at(500));
    expect(told).toBeUndefined();
    expect(runner.nextWake().mono).toBe(1_000);
    runner.wake(at(1_000));
    expect([told?.ended, told?.reason]).toEqual(["closed", "connect ECONNREFUSED"]);
  });

  test("sends again what it sent to a port that was being opened anew for another parity", () => {
    const probe = (function* (): Probe<Heard> {
      yield { kind: "format", format: { ...FAST, parity: "odd" } };
      return yield { kind: "exchange", send: ASK, listen: LISTEN };
    })();
    let told: Heard | undefined;
    const link = linkId("port");
    const options = { links: [link], format: FAST, linkPatience: 1_000_000 };
    const runner = new ProbeRunner(probe, options, (heard) => {
      told = heard;
    });
    const at = (micros: number) => ({ mono: mono(micros), civil: civil(micros) });
    runner.handle({ kind: "opened", link }, at(0));
    expect(runner.wake(at(0)).map((effect) => effect.kind)).toEqual(["format", "send"]);
    expect(runner.handle({ kind: "closed", link, reason: "other settings" }, at(1))).toEqual([]);
    expect(told).toBeUndefined();
    expect(runner.handle({ kind: "opened", link }, at(9_000)).map((effect) => effect.kind)).toEqual(["send"]);
    runner.handle({ kind: "bytes", link, bytes: Uint8Array.of(7) }, at(20_000));
    runner.wake(at(60_000));
    expect([told?.ended, told?.sentAt, ...(told?.bytes ?? [])]).toEqual(["quiet", 9_000, 7]);
    // A loss that nobody asked for is one.
    const lost = new ProbeRunner(ask(), options, (heard) => {
      told = heard;
    });
    lost.handle({ kind: "opened", link }, at(0));
    lost.wake(at(0));
    lost.handle({ kind: "closed", link, reason: "unplugged" }, at(1));
    expect(told?.ended).toBe("closed");
  });
});
