/** One run from start to figures: processes up, two outages, orderly end, judgement. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { freePort, type Program } from "../programs.ts";
import { Children, type RoleUse } from "./children.ts";
import type { JudgeFigures, RunTimes } from "./judge.ts";
import type { ChaosOptions } from "./options.ts";
import type { Outage } from "./outages.ts";
import { type Scraped, Scraper } from "./scraper.ts";
import { makeSite, type Site, UNITS_PER_GATEWAY } from "./site.ts";

/** When in the run each is ended, and how long it is left away. */
const KILL_HEADEND_AT = 0.35;
const RESTART_BROKER_AT = 0.65;
const AWAY_MS = 2_000;
/** Meters in one process. */
const HOSTED = 2_000;
const CONNECTS_PER_SECOND = 400;
const BROKER_READY = /mosquitto version .* running/;
const HEADEND_READY = /^ready /;
/** The judge waits for what is on its way, then reads the whole store. */
const JUDGE_PATIENCE_MS = 300_000;

export interface RunResult {
  readonly figures: JudgeFigures;
  readonly use: readonly RoleUse[];
  readonly scraped: Scraped;
}

const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

export class ChaosRun {
  readonly #options: ChaosOptions;
  readonly #directory: string;
  readonly #mosquitto: string;
  readonly #say: (text: string) => void;
  readonly #children = new Children();
  readonly #scraper = new Scraper();
  readonly #outages: Outage[] = [];
  /** Ended by the run itself. */
  readonly #ended = new Set<Program>();

  /**
   * @param mosquitto its path
   * @param say what happens, for stderr
   */
  constructor(options: ChaosOptions, directory: string, mosquitto: string, say: (text: string) => void) {
    this.#options = options;
    this.#directory = directory;
    this.#mosquitto = mosquitto;
    this.#say = say;
    mkdirSync(directory, { recursive: true });
  }

  /** Ends every process of the run. */
  stop(): Promise<void> {
    this.#scraper.stop();
    return this.#children.stopAll();
  }

  /** @throws Error where a process does not come up, or ends by itself. */
  async execute(): Promise<RunResult> {
    const { everySeconds, seconds } = this.#options;
    const polled = await this.#startPolled();
    const site = makeSite(this.#directory, this.#mosquitto, await freePort(), polled.ports, this.#options);
    let broker = await this.#children.start("mosquitto", site.broker, BROKER_READY);
    let headend = await this.#children.start("head-end", site.headend, HEADEND_READY);
    this.#scraper.follow(headend.ready);
    const judge = await this.#node("judge", "judge.js", [this.#directory, site.store]);
    const publishing = await this.#startPublishing(site);
    this.#say("all meters are connected");
    const began = Date.now();
    await this.#pass(began, KILL_HEADEND_AT * seconds);
    headend = await this.#outage("head-end", headend, "SIGKILL", site.headend, HEADEND_READY);
    this.#scraper.follow(headend.ready);
    await this.#pass(began, RESTART_BROKER_AT * seconds);
    broker = await this.#outage("broker", broker, "SIGTERM", site.broker, BROKER_READY);
    await this.#pass(began, seconds);
    const times: RunTimes = { began, ended: Date.now(), everySeconds, outages: this.#outages };
    this.#children.measured();
    const scraped = this.#scraper.stop();
    this.#say("the meters stop");
    await Promise.all([...publishing, ...polled.programs].map((program) => this.#end(program)));
    writeFileSync(join(this.#directory, "run.json"), JSON.stringify(times));
    this.#say("the store is compared with what the meters saw acknowledged");
    await this.#end(judge);
    await this.#end(headend);
    await this.#end(broker);
    this.#keepLogs({ headend, broker });
    const line = /^figures (.*)$/m.exec(judge.stdout())?.[1];
    if (line === undefined) throw new Error(`the judge gave no figures: ${judge.stderr()}`);
    return { figures: JSON.parse(line) as JudgeFigures, use: this.#children.use(), scraped };
  }

  async #startPolled() {
    const { polled } = this.#options;
    const ports: number[] = [];
    const programs: Program[] = [];
    const share = Math.ceil(polled / 2 / UNITS_PER_GATEWAY) * UNITS_PER_GATEWAY;
    for (let first = 0; first < polled; first += share) {
      const file = join(this.#directory, `polled-${first}.witness`);
      const args = [first, Math.min(share, polled - first), UNITS_PER_GATEWAY, file];
      const program = await this.#node(`Modbus meters ${first}…`, "polled-meters.js", args);
      ports.push(...(JSON.parse(program.ready.slice("ready ".length)) as number[]));
      programs.push(program);
    }
    return { ports, programs };
  }

  #startPublishing({ brokerUrl }: Site): Promise<readonly Program[]> {
    const { meters, everySeconds } = this.#options;
    const rampSeconds = meters / CONNECTS_PER_SECOND;
    this.#say(`${meters} meters connect, ${rampSeconds.toFixed(0)} s or longer`);
    const firsts = Array.from({ length: Math.ceil(meters / HOSTED) }, (_, i) => i * HOSTED);
    return Promise.all(
      firsts.map((first) => {
        const file = join(this.#directory, `published-${first}.witness`);
        const count = Math.min(HOSTED, meters - first);
        const args = [brokerUrl, first, count, meters, everySeconds, rampSeconds, file];
        return this.#node(`MQTT meters ${first}…`, "mqtt-meters.js", args);
      }),
    );
  }

  #node(role: string, name: string, args: readonly (string | number)[]): Promise<Program> {
    return this.#children.start(role, [process.execPath, script(name), ...args.map(String)], /^ready/, 600_000);
  }

  async #outage(
    process: Outage["process"],
    program: Program,
    signal: NodeJS.Signals,
    command: readonly string[],
    ready: RegExp,
  ): Promise<Program> {
    this.#say(`the ${process} is ended by ${signal}`);
    const began = Date.now();
    await this.#end(program, signal);
    await sleep(AWAY_MS);
    const next = await this.#children.start(process === "broker" ? "mosquitto" : process, command, ready);
    this.#outages.push({ process, began, ended: Date.now() });
    this.#say(`the ${process} is back`);
    return next;
  }

  async #end(program: Program, signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    this.#ended.add(program);
    await program.stop(signal, JUDGE_PATIENCE_MS);
  }

  /** Until so many seconds of the run have passed. */
  async #pass(began: number, until: number): Promise<void> {
    for (;;) {
      const elapsed = (Date.now() - began) / 1_000;
      if (elapsed >= until) return;
      const fallen = this.#children.fallen(this.#ended);
      if (fallen !== undefined) throw new Error(fallen);
      const left = Math.ceil(this.#options.seconds - elapsed);
      if (left % 10 === 0) this.#say(`${left} s left`);
      await sleep(Math.min(1_000, (until - elapsed) * 1_000));
    }
  }

  #keepLogs(programs: Readonly<Record<string, Program>>): void {
    for (const [name, program] of Object.entries(programs))
      writeFileSync(join(this.#directory, `${name}.log`), program.stderr());
  }
}
