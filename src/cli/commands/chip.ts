/** `meterworks chip`: a bare metering chip on TCP, for the driver of somebody's own firmware. */
import { Argument, type Command } from "commander";
import { BareChipFace, type ChipBus } from "../../../firmware-sim/faces/bare-chip.ts";
import { ADE9000_FULL_SCALE, Ade9000 } from "../../../firmware-sim/metrology/ade9000.ts";
import { Ade9000Spi } from "../../../firmware-sim/metrology/ade9000-spi.ts";
import {
  BareChip,
  type CoreCycle,
  type CoreWave,
  type CoreWindow,
  type FullScale,
} from "../../../firmware-sim/metrology/bare-chip.ts";
import { RN8209C_FULL_SCALE, Rn8209c } from "../../../firmware-sim/metrology/rn8209c.ts";
import { Rn8209cUart } from "../../../firmware-sim/metrology/rn8209c-uart.ts";
import { randomSeed } from "../../platform/entropy.ts";
import { listenTcp } from "../../platform/tcp.ts";
import { usage } from "../errors.ts";
import { loadOf } from "../load.ts";
import { addLoadFlags, type LoadFlags } from "../meter-options.ts";
import { print } from "../output.ts";
import { CommandProcess } from "../process.ts";
import { type HostPort, hostPort, integer, showHostPort } from "../values.ts";

interface Flags extends LoadFlags {
  readonly tcp?: HostPort;
  readonly seed?: number;
}

interface Registers {
  readonly update: (window: CoreWindow) => void;
  readonly updateCycle?: (cycle: CoreCycle) => void;
  readonly updateWave?: (wave: CoreWave) => void;
  readonly newBus: () => ChipBus;
}

interface Offered {
  readonly phases: 1 | 3;
  readonly fullScale: FullScale;
  /** The registers, and what a bus to them is made of. */
  readonly make: () => Registers;
}

const CHIPS = {
  rn8209c: {
    phases: 1,
    fullScale: RN8209C_FULL_SCALE,
    make: () => {
      const chip = new Rn8209c();
      return { update: (window) => chip.update(window), newBus: () => new Rn8209cUart(chip) };
    },
  },
  ade9000: {
    phases: 3,
    fullScale: ADE9000_FULL_SCALE,
    make: () => {
      const chip = new Ade9000();
      return {
        update: (window) => chip.update(window),
        updateCycle: (cycle) => chip.updateCycle(cycle),
        updateWave: (wave) => chip.updateWave(wave),
        newBus: () => new Ade9000Spi(chip),
      };
    },
  },
} as const satisfies Readonly<Record<string, Offered>>;

const HELP = `
RN8209C: the bytes of its UART. ADE9000: each SPI transfer is a 16-bit big-endian length and that many MOSI bytes, answered
by as many MISO bytes.

Examples:
  meterworks chip rn8209c --tcp 127.0.0.1:8209 --mains 230 --current 5 --pf 0.5L
  meterworks chip ade9000 --tcp 127.0.0.1:9000 --mains 230,231,229 --current 5,4,3`;

export function addChip(program: Command): void {
  const command = program
    .command("chip")
    .description("a bare metering chip on TCP; prints `ready WHERE` with the volts and amperes at its full scale")
    .addArgument(new Argument("<chip>", "which one").choices(Object.keys(CHIPS)))
    .option("--tcp <HOST:PORT>", "listens here; port 0 lets the system choose", hostPort("--tcp"));
  addLoadFlags(command)
    .option("--seed <N>", "repeats the same noise", integer("--seed", 0, Number.MAX_SAFE_INTEGER))
    .addHelpText("after", HELP)
    .action(run);
}

async function run(name: keyof typeof CHIPS, flags: Flags): Promise<void> {
  const { tcp } = flags;
  if (tcp === undefined) throw usage("--tcp is missing", "say where to listen, for example --tcp 127.0.0.1:8209");
  const { phases, fullScale, make }: Offered = CHIPS[name];
  const seed = flags.seed ?? randomSeed();
  const load = loadOf(flags, phases, seed);
  await CommandProcess.run(1, async (proc) => {
    const { update, updateCycle, updateWave, newBus } = make();
    const options = { fullScale, phases, load, start: proc.clock.now().civil, seed };
    const core = new BareChip(options, update, updateCycle, updateWave);
    const host = proc.runtime.host(new BareChipFace(core, newBus), undefined, { name });
    const server = await listenTcp({ ...tcp, maxConnections: 16 }, (link) => host.attach(link));
    proc.cleanup(() => server.close());
    const where = showHostPort({ host: tcp.host, port: server.port });
    print(`ready ${where} full scale ${fullScale.volts.toFixed(3)} V ${fullScale.amperes.toFixed(3)} A rms`);
    proc.info("chip.ready", { chip: name, where, seed });
    await proc.stopped;
  });
}
