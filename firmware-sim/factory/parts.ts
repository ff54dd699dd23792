/**
 * The parts a meter happens to be built from: errors of the front end drawn from the meter's seed.
 *
 * The ranges are those of parts that makers of class B to D meters buy; they are what data sheets give as limits, taken as
 * evenly spread because a maker sorts nothing out before calibration.
 */

import { Random } from "../../src/core/random.ts";
import type { ChannelError, FrontEndErrors } from "../metrology/front-end.ts";

/** Relative. The chip's own voltage reference, common to all channels: 1.25 V ± 1 % (RN8209). A high one reads low. */
const REFERENCE = 0.01;
/** Relative, per channel: divider of six 1 % resistors, or transformer ratio and burden, with the gain of the converter. */
const CHANNEL_GAIN = 0.03;
/** µs by which the current comes early: a transformer that tolerates DC leads by 1.5° to 4.5° at 50 Hz. */
const TRANSFORMER_LEAD = { least: 83, most: 250 };
/** µs, per channel: time constant of the anti-alias RC (33 µs) by the tolerance of its capacitor. */
const FILTER_DELAY = 2;
/** Of full scale. The chip's input offset of 5 mV in 0.5 V; what is not mains frequency is filtered out behind it. */
const DC_OFFSET = 0.01;
/** 1/K, per channel: 10 ppm of the resistors and 5 ppm of the reference. */
const DRIFT = 15e-6;
/** Of full scale, voltage into current: −100 dB, the limit of data sheets. */
const CROSSTALK = 1e-5;
/** Of full scale, rms: −114 to −102 dB, from a layout as of the data sheet to a poor one. */
const NOISE = { least: 2e-6, most: 8e-6 };
/** ppm. A crystal of ± 20 ppm and ten years of ageing. It stays: the factory has nothing to correct it with. */
const CLOCK_PPM = 30;

/** The errors of the parts of the meter with this seed. */
export function drawParts(seed: number, phases: 1 | 3): FrontEndErrors {
  const random = new Random(seed).fork("parts");
  const between = (low: number, high: number) => low + (high - low) * random.unit();
  const within = (limit: number) => between(-limit, limit);
  const reference = 1 + within(REFERENCE);
  const channel = (lead: number): ChannelError => ({
    gain: (1 + within(CHANNEL_GAIN)) / reference - 1,
    delay: within(FILTER_DELAY) - lead,
    offset: within(DC_OFFSET),
    drift: within(DRIFT),
  });
  const each = <T>(draw: () => T): T[] => Array.from({ length: phases }, draw);
  return {
    voltage: each(() => channel(0)),
    current: each(() => channel(between(TRANSFORMER_LEAD.least, TRANSFORMER_LEAD.most))),
    crosstalk: each(() => within(CROSSTALK)),
    clockPpm: within(CLOCK_PPM),
    noise: between(NOISE.least, NOISE.most),
  };
}
