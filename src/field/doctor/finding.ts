/** What can be wrong with a line or the wiring of a meter, in the words of people who stand in front of it. */

interface CauseText {
  /** Fits behind "The doctor says:". */
  readonly title: string;
  /** What to do, the most likely first. */
  readonly remedies: readonly string[];
}

export const CAUSES = {
  healthy: {
    title: "nothing is wrong with this line",
    remedies: [],
  },
  unreachable: {
    title: "there is no connection to the serial server or meter",
    remedies: [
      "check the address and the port number, and that the device has power and network",
      "check that no other program holds its only connection",
    ],
  },
  "no-traffic": {
    title: "no answer at all",
    remedies: [
      "check the address: `meterworks scan` asks at others",
      "check that the meter has power and that both wires reach it",
      "swap A and B at one end: makers do not agree on the letters",
      "check that the adapter switches to sending (RS-485 mode, RTS)",
      "behind a serial server on TCP: check the speed and parity that it is set to",
    ],
  },
  echo: {
    title: "the adapter hears what it sends itself (echo)",
    remedies: [
      "read with --echo",
      "or switch the echo off at the adapter: tie its receiver enable to its driver enable",
    ],
  },
  "wrong-baud": {
    title: "the meter runs at another speed",
    remedies: ["give the speed that answered as --baud, or set the meter to the one you want"],
  },
  "wrong-parity": {
    title: "the meter has another parity",
    remedies: ["give the parity that answered as --parity, or set the meter to the one you want"],
  },
  "swapped-wires": {
    title: "the wires A and B are swapped",
    remedies: ["swap A and B at the adapter, or at the meter if all other meters answer"],
  },
  "two-meters": {
    title: "two meters have the same address and speak at the same time",
    remedies: [
      "disconnect one of them, give the other a new address with `meterworks write`, connect it again",
      "check that nobody else polls this line, such as a data logger",
    ],
  },
  noise: {
    title: "noise on the line damages frames at random",
    remedies: [
      "use twisted pair, its shield earthed at one end, away from power cables and frequency converters",
      "connect the signal ground of adapter and meter",
      "check screws and splices for a loose contact",
    ],
  },
  "missing-termination": {
    title: "reflections: the line is not terminated",
    remedies: [
      "put 120 ohm across A and B at both ends of the cable, and nowhere else",
      "wire from meter to meter without branches",
      "a lower speed helps at once: reflections do harm where a bit is short",
    ],
  },
  "missing-bias": {
    title: "the free line drifts: bias resistors are missing",
    remedies: ["pull A up and B down at one place of the line (typically 560 ohm), or switch on the adapter's bias"],
  },
  "adapter-latency": {
    title: "the adapter holds bytes back and hands them over in lumps",
    remedies: [
      "set its latency timer to 1 ms: /sys/bus/usb-serial/devices/ttyUSB0/latency_timer, or in the driver's settings",
      "otherwise allow a longer --timeout: every reading costs this time once more",
    ],
  },
  "slow-meter": {
    title: "the meter answers later than the time it is given",
    remedies: ["give a --timeout above the longest answer time seen here"],
  },
  "wrong-model": {
    title: "the line is good, but the meter refuses the registers of this model",
    remedies: ["`meterworks scan` says which model it is; give that as --model"],
  },
  "phase-order": {
    title: "the phases are connected in the wrong order",
    remedies: ["exchange two phases, voltage and current transformer together, with the supply off"],
  },
  "ct-reversed": {
    title: "a current transformer is the wrong way round",
    remedies: [
      "turn it round, or exchange its wires k and l; never open a current transformer's circuit under load",
      "right as it is where this phase really feeds power back, such as solar power on one phase",
    ],
  },
  "ct-wrong-phase": {
    title: "current transformers sit on phases other than their voltages",
    remedies: ["match each current transformer with its voltage; never open its circuit under load"],
  },
  "neutral-lost": {
    title: "the neutral is lost or badly connected",
    remedies: [
      "at once: have the neutral checked by an electrician; single-phase loads get too much voltage",
      "if only the meter is affected, check its own neutral terminal",
    ],
  },
} as const satisfies Readonly<Record<string, CauseText>>;

export type Cause = keyof typeof CAUSES;

export const CONFIDENCES = ["certain", "likely", "possible"] as const;
export type Confidence = (typeof CONFIDENCES)[number];

export interface Finding {
  readonly cause: Cause;
  readonly confidence: Confidence;
  /** The bytes, counts or values it rests on, a line each. */
  readonly evidence: readonly string[];
}
