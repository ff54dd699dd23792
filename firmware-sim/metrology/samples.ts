/** Buffers for the samples of all channels, in counts: one array, because the loops over several channels run faster in one. */
export class Samples {
  /** Voltage of every phase, then current of every phase, each {@link stride} long. */
  readonly all: Float64Array;
  readonly stride: number;
  /** Views into {@link all}. */
  readonly channels: readonly Float64Array[];
  readonly voltage: readonly Float64Array[];
  readonly current: readonly Float64Array[];

  constructor(phases: number, length: number) {
    const all = new Float64Array(2 * phases * length);
    this.all = all;
    this.stride = length;
    this.channels = Array.from({ length: 2 * phases }, (_, c) => all.subarray(c * length, (c + 1) * length));
    this.voltage = this.channels.slice(0, phases);
    this.current = this.channels.slice(phases);
  }
}
