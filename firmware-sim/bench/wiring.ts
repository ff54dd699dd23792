/** The meter wired wrongly: what reaches its terminals of a load as the reference sees it. */
import type { Harmonic, Mains, PhaseMains } from "../metrology/mains.ts";

/** Phases are indices. */
export type Wiring =
  | { readonly kind: "swap"; readonly a: number; readonly b: number }
  | { readonly kind: "reverse" | "open" | "lost"; readonly a: number }
  | { readonly kind: "lost-neutral" };

/** What reaches the terminals when the meter is wired so, in the order given. */
export function wired(mains: Mains, wiring: readonly Wiring[]): Mains {
  return { ...mains, phases: wiring.reduce(apply, mains.phases) };
}

function apply(before: readonly PhaseMains[], w: Wiring): readonly PhaseMains[] {
  if (w.kind === "lost-neutral") return floating(before);
  return before.map((p, i) => {
    if (w.kind === "swap") return i === w.a || i === w.b ? withCurrentOf(p, before[i === w.a ? w.b : w.a]) : p;
    if (i !== w.a) return p;
    if (w.kind === "reverse") return reversed(p);
    return w.kind === "open" ? { ...p, current: 0 } : { ...p, voltage: 0 };
  });
}

function withCurrentOf(p: PhaseMains, other: PhaseMains | undefined): PhaseMains {
  if (other === undefined) return p;
  const { current, currentHarmonics } = other;
  return { ...p, current, currentHarmonics, angle: turn(p.voltageAngle - (other.voltageAngle - other.angle)) };
}

/** Turning a wave over is half a cycle of the fundamental; even harmonics need another half turn of their own. */
function reversed(p: PhaseMains): PhaseMains {
  return {
    ...p,
    angle: (p.angle + 180) % 360,
    currentHarmonics: p.currentHarmonics.map((h) => (h.order % 2 === 0 ? { ...h, angle: h.angle + 180 } : h)),
  };
}

/**
 * Without its neutral the star point of the meter's voltage dividers floats to the mean of the phases that have a voltage;
 * on a terminal that has none nothing drives a current through the divider, so it shows nothing.
 */
function floating(phases: readonly PhaseMains[]): readonly PhaseMains[] {
  const live = phases.filter((p) => p.voltage > 0);
  const orders = [1, ...new Set(live.flatMap((p) => p.voltageHarmonics.map((h) => h.order)))];
  const star = new Map(orders.map((order) => [order, meanOf(live.map((p) => voltageOf(p, order)))]));
  return phases.map((p) => {
    if (p.voltage === 0) return p;
    const against = (order: number) => minus(voltageOf(p, order), star.get(order) as Phasor);
    const fundamental = against(1);
    const voltage = Math.hypot(...fundamental);
    // What rounding leaves of a voltage that cancels is none.
    if (voltage < p.voltage * 1e-9) return { ...p, voltage: 0, voltageHarmonics: [] };
    const voltageAngle = degreesOf(fundamental);
    const voltageHarmonics = orders.slice(1).map((order): Harmonic => {
      const harmonic = against(order);
      const angle = turn(degreesOf(harmonic) - order * voltageAngle);
      return { order, ratio: Math.hypot(...harmonic) / voltage, angle };
    });
    return { ...p, voltage, voltageAngle, voltageHarmonics, angle: turn(voltageAngle - (p.voltageAngle - p.angle)) };
  });
}

type Phasor = readonly [re: number, im: number];

/** A phase's voltage at an order, against the system's zero. */
function voltageOf(p: PhaseMains, order: number): Phasor {
  const parts = order === 1 ? [{ ratio: 1, angle: 0 }] : p.voltageHarmonics.filter((h) => h.order === order);
  const at = (h: { ratio: number; angle: number }) => ((order * p.voltageAngle + h.angle) * Math.PI) / 180;
  return [
    parts.reduce((sum, h) => sum + p.voltage * h.ratio * Math.cos(at(h)), 0),
    parts.reduce((sum, h) => sum + p.voltage * h.ratio * Math.sin(at(h)), 0),
  ];
}

function meanOf(phasors: readonly Phasor[]): Phasor {
  const mean = (k: 0 | 1) => phasors.reduce((sum, p) => sum + p[k], 0) / phasors.length;
  return [mean(0), mean(1)];
}

function minus(a: Phasor, b: Phasor): Phasor {
  return [a[0] - b[0], a[1] - b[1]];
}

function degreesOf([re, im]: Phasor): number {
  return (Math.atan2(im, re) * 180) / Math.PI;
}

function turn(degrees: number): number {
  return ((degrees % 360) + 360) % 360;
}
