/** How intervals are read out of a load profile: the registers and messages here are made and read by hand. */
import { describe, expect, test } from "vitest";
import type { GapRequest } from "../../../headend/completeness/gap-filler.ts";
import type { MeterId } from "../../../headend/ports.ts";
import type { SessionOutput } from "../../../headend/sessions/line-task.ts";
import { MqttProfiles } from "../../../headend/sessions/mqtt-profile.ts";
import { ProfileTask } from "../../../headend/sessions/profile-task.ts";
import { decodeResponse } from "../../../protocols/mqtt/message.ts";
import { linkId } from "../../../src/core/actor.ts";
import { civil, mono, type Now } from "../../../src/core/time.ts";

const M = "flat-7" as MeterId;
/** 2026-11-24T16:00:00Z, in seconds and as an interval of 15 minutes. */
const START = 1_795_881_600 - (1_795_881_600 % 900);
const FIRST = START / 900;
const now = (seconds = 0): Now => ({ mono: mono(seconds * 1e6), civil: civil((START + seconds) * 1e6) });
const gap = (from: number, to: number): GapRequest => ({
  ...{ meter: M, minutes: 15 },
  span: { from: FIRST + from, to: FIRST + to },
});

/** Outputs as short texts: which intervals are known up to where, and the end. */
const told = (out: readonly SessionOutput[]) =>
  out.flatMap((output) => {
    if (output.kind === "profiled") {
      const { from, proven, records } = output.piece;
      const each = records.map(({ interval, energies }) => `${interval - FIRST}:${energies.join("/")}`);
      return [`${from - FIRST}..${proven - FIRST} ${each.join(" ")}`.trim()];
    }
    return output.kind === "profileEnd" ? [`end ${output.progress} ${output.reason}`.trim()] : [];
  });

describe("over Modbus", () => {
  const words = (...values: readonly number[]) => Uint8Array.from(values.flatMap((value) => [value >> 8, value & 255]));
  const long = (value: number) => [Math.floor(value / 65_536), value % 65_536];
  const CLASS = words(5, 0, 2016, 4, 0x0108, 0x0208, 0x0308, 0x0408, 0, 0, 0, 0);
  const record = (interval: number, status: number, imported: number) => [
    ...[...long(START + 900 * interval), status],
    ...[0, 0, ...long(imported)],
    ...[0, 0, 0, 0, 0x8000, 0, 0, 0, 0xffff, 0xffff, 0xffff, 0xfffe],
  ];
  const window = (...records: readonly number[][]) => words(records.length, 19, ...records.flat());

  function talk(request: GapRequest, replies: readonly (Uint8Array | "timeout")[]) {
    const task = new ProfileTask(request, 0x1030);
    const out: SessionOutput[] = [];
    const asked: string[] = [];
    let move = task.resume();
    for (const data of replies) {
      if (move.kind === "wait") move = task.resume();
      if (move.kind !== "ask" || move.request.function !== 0x17) throw new Error("it asks with function 17");
      const { address, quantity, target, words: selected } = move.request;
      asked.push(`${target.toString(16)} ${Buffer.from(selected).toString("hex")} ${address.toString(16)} ${quantity}`);
      const result =
        data === "timeout"
          ? ({ ok: false, error: { kind: "timeout" } } as const)
          : ({ ok: true, value: { function: 0x17, data } } as const);
      move = task.answer(result as Parameters<typeof task.answer>[0], now().civil, now(), out);
    }
    return { out: told(out), asked, move };
  }
  const select = (interval: number) => {
    const seconds = (START + 900 * interval).toString(16);
    return `1200 00040000000f0001${seconds}`;
  };

  test("six records a request, and on from the last one", () => {
    const six = [1, 2, 3, 4, 5, 6].map((i) => record(i, 0, 100 + i));
    const { out, asked, move } = talk(gap(1, 8), [CLASS, window(...six), window(record(7, 0, 107), record(9, 0, 109))]);
    expect(asked).toEqual([`${select(1)} 1208 12`, `${select(1)} 1218 116`, `${select(7)} 1218 40`]);
    expect(out).toEqual([
      "1..6 1:101/0//-2 2:102/0//-2 3:103/0//-2 4:104/0//-2 5:105/0//-2 6:106/0//-2",
      // The record of interval 9 shows that there is none of 8.
      "7..8 7:107/0//-2",
      "end true",
    ]);
    expect(move.kind).toBe("end");
  });

  test("what the meter has not written yet is not taken for missing", () => {
    expect(talk(gap(1, 4), [CLASS, window(record(2, 0, 5)), window()]).out).toEqual(["1..2 2:5/0//-2", "end true"]);
    expect(talk(gap(1, 4), [CLASS, window()]).out).toEqual(["end false"]);
  });

  test("after the clock was set back the first record of an interval holds", () => {
    const { out } = talk(gap(1, 3), [
      CLASS,
      window(record(1, 0, 5), record(2, 0, 6), record(2, 2, 7), record(3, 0, 8)),
    ]);
    expect(out).toEqual(["1..3 1:5/0//-2 2:6/0//-2 3:8/0//-2", "end true"]);
  });

  test.each([
    ["an interval that does not fit", words(10, 0, 9, 4, 0x0108, 0, 0, 0, 0, 0, 0, 0), /interval of 10 minutes/],
    ["a class that is off", words(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), /interval of 0 minutes/],
    ["a class without +A", words(5, 0, 9, 1, 0x2007, 0, 0, 0, 0, 0, 0, 0), /does not hold \+A/],
    ["no answer", "timeout", /no reply|timeout|answer/],
  ] as const)("%s ends it with the reason", (_, reply, reason) => {
    const { out, move } = talk(gap(1, 3), [reply]);
    expect(out[0]).toMatch(/^end false /);
    expect(out[0]).toMatch(reason);
    expect(move.kind).toBe("end");
  });

  test("a line that fails in between keeps what came", () => {
    const { out } = talk(gap(1, 8), [CLASS, window(record(1, 0, 5), record(2, 0, 6)), "timeout"]);
    expect(out[0]).toBe("1..2 1:5/0//-2 2:6/0//-2");
    expect(out[1]).toMatch(/^end true ./);
  });
});

describe("over MQTT", () => {
  const iso = (interval: number, more = 0) => new Date((START + 900 * interval + more) * 1_000).toISOString();
  const record = (interval: number, value: string) => ({
    time: iso(interval),
    marks: [],
    values: { "1-0:1.8.0": value },
  });

  function site() {
    const profiles = new MqttProfiles(linkId("broker"), 7);
    profiles.opened();
    const answer = (change: object, seconds = 1) => {
      const part = { version: 1, meter: M, kind: "profile", time: iso(20), query: 8, interval: 5, part: 1, last: true };
      const bytes = new TextEncoder().encode(JSON.stringify({ ...part, records: [], ...change }));
      const response = decodeResponse(bytes);
      if (!response.ok || response.value.kind !== "profile") throw new Error("it is a part");
      return told(profiles.response(response.value, now(seconds)));
    };
    return { profiles, answer };
  }

  test("the query names the ends of the first and the last interval", () => {
    const { profiles } = site();
    const [sent] = profiles.start(gap(1, 8), now());
    if (sent?.kind !== "publish") throw new Error("a query is published");
    expect([sent.topic, sent.qos]).toEqual(["meters/flat-7/cmd", 1]);
    expect(JSON.parse(new TextDecoder().decode(sent.payload))).toEqual({
      ...{ version: 1, kind: "profile", id: 8, step: 15 },
      ...{ from: iso(1).replace(".000", ""), to: iso(8).replace(".000", "") },
    });
  });

  test("parts follow each other; the last proves what is not there", () => {
    const { profiles, answer } = site();
    profiles.start(gap(1, 8), now());
    expect(answer({ last: false, records: [record(1, "0.000101"), record(3, "0.000103")] })).toEqual([
      "1..3 1:101/// 3:103///",
    ]);
    expect(answer({ part: 2, records: [record(4, "0.000104")] })).toEqual(["4..8 4:104///", "end true"]);
    expect(profiles.nextWake()).toBe(Number.POSITIVE_INFINITY);
  });

  test("a meter whose clock is behind proves less", () => {
    const { profiles, answer } = site();
    profiles.start(gap(1, 8), now());
    expect(answer({ time: iso(5, 30), records: [record(2, "0.000102")] })).toEqual(["1..5 2:102///", "end true"]);
  });

  test("a lost part ends it behind what came; a part twice, or of another query, is nothing", () => {
    const { profiles, answer } = site();
    profiles.start(gap(1, 8), now());
    answer({ last: false, records: [record(1, "0.000101")] });
    expect(answer({ last: false, records: [record(1, "0.000101")] })).toEqual([]);
    expect(answer({ query: 7 })).toEqual([]);
    expect(answer({ part: 3 })).toEqual(["end true part 2 of its answer is lost"]);
  });

  test("no answer in a minute, or a broker that goes, ends it", () => {
    const { profiles } = site();
    profiles.start(gap(1, 8), now());
    expect(profiles.nextWake()).toBe(60e6);
    expect(told(profiles.wake(now(59)))).toEqual([]);
    expect(told(profiles.wake(now(60)))).toEqual(["end false no answer to a query for its load profile"]);
    profiles.start(gap(1, 8), now(61));
    expect(told(profiles.closed())).toEqual(["end false the broker is away"]);
    expect(told(profiles.start(gap(1, 8), now(62)))).toEqual(["end false the broker is away"]);
  });

  test("an interval that does not fit is of no use", () => {
    const { profiles, answer } = site();
    profiles.start(gap(1, 8), now());
    expect(answer({ interval: 10 })).toEqual(["end false its load profile has an interval of 10 minutes"]);
  });
});
