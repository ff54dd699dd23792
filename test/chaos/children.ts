/** The run's processes by role: started, ended, and what they take of the machine. A role may be started again. */
import { readFileSync } from "node:fs";
import { processCpuMicros } from "../bench/machine.ts";
import { type Program, start } from "../programs.ts";

export interface RoleUse {
  readonly role: string;
  /** Seconds of CPU, of all its processes. */
  readonly cpuSeconds: number;
  /** Mean share of one core while it ran. */
  readonly cores: number;
  /** MiB, the highest of any of its processes, and that at the end. */
  readonly peakMiB: number;
  readonly lastMiB: number;
}

interface Role {
  readonly programs: Program[];
  cpuBefore: number;
  cpu: number;
  peakKiB: number;
  lastKiB: number;
  seconds: number;
}

const PROBE_MS = 500;
/** Characters. */
const LAST_WORDS = 2_000;

export class Children {
  readonly #roles = new Map<string, Role>();
  readonly #timer: NodeJS.Timeout;
  /** Processes that are not ready yet. */
  readonly #coming = new Set<number>();
  #stopped = false;

  constructor() {
    this.#timer = setInterval(() => this.#probe(), PROBE_MS);
  }

  /** Rejects with what the program said where it did not become ready. */
  async start(role: string, command: readonly string[], ready: RegExp, timeoutMs = 120_000): Promise<Program> {
    const [program = "", ...args] = command;
    if (this.#stopped) throw new Error("the run is being ended");
    let pid = 0;
    const onSpawn = (spawned: number): void => {
      pid = spawned;
      this.#coming.add(pid);
    };
    const started = await start(program, args, { ready, timeoutMs, onSpawn }).finally(() => this.#coming.delete(pid));
    const entry = this.#roles.get(role) ?? {
      ...{ programs: [], cpuBefore: 0, cpu: 0, peakKiB: 0, lastKiB: 0, seconds: 0 },
    };
    entry.cpuBefore = entry.cpu;
    entry.programs.push(started);
    this.#roles.set(role, entry);
    return started;
  }

  /** No more is measured from here on: what follows is no part of the run. */
  measured(): void {
    clearInterval(this.#timer);
  }

  use(): readonly RoleUse[] {
    return [...this.#roles].map(([role, { cpu, peakKiB, lastKiB, seconds }]) => ({
      role,
      cpuSeconds: cpu / 1e6,
      cores: cpu / 1e6 / Math.max(seconds, PROBE_MS / 1_000),
      peakMiB: peakKiB / 1024,
      lastMiB: lastKiB / 1024,
    }));
  }

  /** The first process that ended without being asked to: its role, and the last that it said. */
  fallen(expected: ReadonlySet<Program>): string | undefined {
    for (const [role, { programs }] of this.#roles)
      for (const program of programs)
        if (program.exited() && !expected.has(program))
          return `${role} ended by itself: ${program.stderr().slice(-LAST_WORDS)}`;
    return undefined;
  }

  async stopAll(): Promise<void> {
    clearInterval(this.#timer);
    this.#stopped = true;
    for (const pid of this.#coming) process.kill(pid, "SIGKILL");
    await Promise.all([...this.#roles.values()].flatMap(({ programs }) => programs.map((p) => p.stop("SIGTERM"))));
  }

  #probe(): void {
    for (const role of this.#roles.values()) {
      const running = role.programs.at(-1);
      if (running === undefined || running.exited()) continue;
      try {
        role.cpu = role.cpuBefore + processCpuMicros(running.pid);
        const status = readFileSync(`/proc/${running.pid}/status`, "utf8");
        role.lastKiB = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? role.lastKiB);
        role.peakKiB = Math.max(role.peakKiB, Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0));
        role.seconds += PROBE_MS / 1_000;
      } catch {
        // It ended between the question and the answer.
      }
    }
  }
}
