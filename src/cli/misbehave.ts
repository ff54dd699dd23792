/** `meter --misbehave LIST`: which of the ways to misbehave, and how often. */
import type { Spoken as SpokenThere } from "../../firmware-sim/faults/dialect.ts";
import { MisbehavingFace, type Share } from "../../firmware-sim/faults/misbehaving-face.ts";
import { findMisbehaviour, misbehaviours } from "../../firmware-sim/faults/misbehaviour.ts";
import type { Actor } from "../core/actor.ts";
import { Random } from "../core/random.ts";
import { usage } from "./errors.ts";
import { table } from "./output.ts";
import type { Spoken } from "./wires.ts";

export interface NamedShare extends Share {
  readonly name: string;
}

/** Of the rates' sum: thirds are no exact decimals. */
const ROUNDING = 1e-9;

/** `NAME[:RATE],…`: a rate is a share of all replies, 0 to 1; those without one share equally what is left. */
export function misbehave(text: string): readonly NamedShare[] {
  const asked = text.split(",").map((part) => {
    const [name = "", rate] = part.trim().split(":", 2);
    const misbehaviour = findMisbehaviour(name);
    if (misbehaviour === undefined)
      throw usage(
        `--misbehave "${name}" is unknown`,
        `known: ${misbehaviours()
          .map(([known]) => known)
          .join(", ")} or any other exception-NN`,
      );
    const share = rate === undefined || /^(0|1|0?\.\d+|1\.0+|0\.\d+)$/.test(rate) ? rate : Number.NaN;
    if (Number.isNaN(share)) throw usage(`--misbehave ${name}: "${rate}" is no rate`, "from 0 to 1, such as 0.2");
    return { name, misbehaviour, rate: rate === undefined ? undefined : Number(rate) };
  });
  const given = asked.reduce((sum, { rate }) => sum + (rate ?? 0), 0);
  const open = asked.filter(({ rate }) => rate === undefined).length;
  if (given > 1 + ROUNDING)
    throw usage(`--misbehave: the rates add up to ${given}`, "to at most 1, which is every reply");
  return asked.map(({ rate, ...rest }) => ({ ...rest, rate: rate ?? (1 - given) / open }));
}

/** Refuses what none of the faces can do. */
export function checkMisbehave(shares: readonly NamedShare[] | undefined, faces: readonly Spoken[]): void {
  for (const { name, misbehaviour } of shares ?? [])
    if (!faces.some(({ protocol }) => (misbehaviour.spoken as readonly string[]).includes(protocol)))
      throw usage(
        `--misbehave ${name} is for ${misbehaviour.spoken.join(", ")}`,
        "give another one, or a --protocol or --face that has it",
      );
}

/** The face as it is, or misbehaving. @param name tells faces with one seed apart */
export function behaving(
  face: Actor,
  protocol: SpokenThere,
  flags: { readonly misbehave?: readonly NamedShare[]; readonly seed?: number },
  name: string,
): Actor {
  if (flags.misbehave === undefined) return face;
  const random = new Random(flags.seed ?? 0).fork(`misbehave ${protocol} ${name}`);
  return new MisbehavingFace(face, protocol, flags.misbehave, random);
}

/** For `--help`. */
export function misbehaveHelp(): string {
  const short = (spoken: readonly string[]) => (spoken.length === 5 ? "all" : spoken.join(" "));
  const rows = misbehaviours().map(([name, { does, spoken }]) => [`  ${name}`, does, `(${short(spoken)})`]);
  return `\n--misbehave takes these, each with a rate such as late:0.1, or shares equally:\n${table(rows)}`;
}
