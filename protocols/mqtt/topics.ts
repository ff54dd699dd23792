/** Topics of the JSON profile: `meters/{meter}/{channel}`. */
import { assert } from "../../src/core/result.ts";

/** telemetry, event and resp go out from the meter, cmd comes in. */
export const CHANNELS = ["telemetry", "event", "cmd", "resp"] as const;
export type Channel = (typeof CHANNELS)[number];

const NAME = /^[A-Za-z0-9_.-]{1,64}$/;

/** Whether a text may name a meter: no wildcard, level separator or blank, so a name is always one topic level. */
export function isMeterName(text: string): boolean {
  return NAME.test(text);
}

export function topicFor(meter: string, channel: Channel): string {
  assert(isMeterName(meter), `"${meter}" is no meter name`);
  return `meters/${meter}/${channel}`;
}

/** The subscription that hears one channel of every meter. */
export function filterFor(channel: Channel): string {
  return `meters/+/${channel}`;
}

/** @returns undefined for a topic that is not of this profile. */
export function parseTopic(topic: string): { readonly meter: string; readonly channel: Channel } | undefined {
  const [root, meter, last, ...more] = topic.split("/");
  const channel = CHANNELS.find((c) => c === last);
  if (root !== "meters" || meter === undefined || !isMeterName(meter) || channel === undefined || more.length > 0)
    return undefined;
  return { meter, channel };
}
