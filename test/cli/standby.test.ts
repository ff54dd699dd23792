/** Two head-ends on one PostgreSQL: when one stands still or dies, the other polls within the lease time. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeWithPeers, requirePeer } from "../peers.ts";
import { type PostgresServer, startPostgres } from "../postgres-server.ts";
import { CLI, freePort, type Program, runCli, start, startCli, temporaryDirectory } from "../programs.ts";

const LEASE_SECONDS = 6;
/** For the start of a collector and the next poll on a machine that is busy with other tests. */
const BUSY_SECONDS = 1.5;
const directory = temporaryDirectory();
afterAll(() => directory.remove());
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test("the API's token needs a place that a PostgreSQL store does not have", async () => {
  const { code, stderr } = await runCli(["headend", "--store", "postgres://u:geheim@127.0.0.1:1/x"]);
  expect(code).toBe(2);
  expect(stderr).toMatch(/token needs a place; give --token-file FILE, or put the token into METERWORKS_TOKEN/);
});

test("the key that signs orders does, too, where there is a broker", async () => {
  const args = ["headend", "--store", "postgres://127.0.0.1:1/x", "--token-file", join(directory.path, "t")];
  const { code, stderr } = await runCli(args);
  expect(code).toBe(2);
  expect(stderr).toMatch(/signs orders needs a place; give --order-key FILE, the same for each head-end/);
});

test("a server that is not there is named without the password", async () => {
  const args = ["headend", "--store", "postgres://u:geheim@127.0.0.1:1/x", "--broker", "none"];
  const place = ["--token-file", join(directory.path, "t")];
  const { code, stderr } = await runCli([...args, ...place]);
  expect(code).toBe(2);
  expect(stderr).toMatch(/the store cannot be opened at postgres:\/\/127\.0\.0\.1:1\/x: nothing listens there/);
  expect(stderr).not.toContain("geheim");
});

test.each([
  ["backup", /pg_dump --format=custom --schema=meterworks --file=BACKUP postgres:\/\/h:5432\/x/],
  ["restore", /pg_restore --clean --if-exists --dbname=postgres:\/\/h:5432\/x/],
])("%s of PostgreSQL names PostgreSQL's own program", async (command, said) => {
  const { code, stderr } = await runCli([command, "file", "--store", "postgres://u:geheim@h/x"]);
  expect(code).toBe(2);
  expect(stderr).toMatch(said);
  expect(stderr).not.toContain("geheim");
});

describeWithPeers("two head-ends", ["postgres"], () => {
  let server: PostgresServer;
  const programs: Program[] = [];
  let config = "";

  beforeAll(async () => {
    server = await startPostgres(requirePeer("postgres"), ["fsync = off"]);
    const port = await freePort();
    const meter = ["--model", "meterworks-1p", "--unit", "1", "--tcp", `127.0.0.1:${port}`, "--current", "5"];
    programs.push(await startCli(["meter", ...meter]));
    config = join(directory.path, "site.json");
    const meters = [{ id: "m1", model: "meterworks-1p", unit: 1 }];
    // The account leaves entries in the audit.
    const prepaid = [{ meter: "m1", currency: "EUR", price: "0.30", warnAt: "5.00", cutAt: "0.00", initial: "20.00" }];
    const lines = [{ where: { tcp: `127.0.0.1:${port}` }, pollSeconds: 1, meters }];
    writeFileSync(config, JSON.stringify({ lines, prepaid }));
  }, 60_000);
  afterAll(async () => {
    for (const program of programs) await program.stop("SIGKILL");
    await server?.stop();
  });

  async function headend(name: string, ready: RegExp): Promise<Program> {
    const args = ["--config", config, "--store", server.url, "--broker", "none", "--http", "127.0.0.1:0"];
    const program = await start(
      process.execPath,
      [CLI, "headend", ...args, "--name", name, "--lease-seconds", String(LEASE_SECONDS)],
      { ready, env: { METERWORKS_TOKEN: "0123456789abcdef" } },
    );
    programs.push(program);
    return program;
  }
  const said = async (program: Program, what: RegExp) => {
    const until = performance.now() + 10_000;
    while (!what.test(program.stderr()) && performance.now() < until) await sleep(50);
    expect(program.stderr()).toMatch(what);
  };
  const rows = async () => {
    const [row] = await server.query(
      "SELECT count(*)::int AS stored, (SELECT sum(count)::int FROM meterworks.reading_counts) AS counted FROM meterworks.readings",
    );
    return row as { stored: number; counted: number };
  };
  /** Seconds until a reading comes that was not there. */
  const untilNext = async () => {
    const began = performance.now();
    const before = (await rows()).stored;
    while ((await rows()).stored === before && performance.now() - began < 15_000) await sleep(50);
    return (performance.now() - began) / 1_000;
  };

  test("one stands still, then the other is killed; each time the readings go on within the lease time", {
    timeout: 60_000,
  }, async () => {
    const a = await headend("A", /^ready /);
    const b = await headend("B", /headend\.standby/);
    expect(b.stderr()).toMatch(/waiting for (site|line \S+), held by A until 20\d\d-/);
    expect(b.stdout()).toBe("");
    await untilNext();

    process.kill(a.pid, "SIGSTOP");
    expect(await untilNext()).toBeLessThan(LEASE_SECONDS + BUSY_SECONDS);
    expect(b.stdout()).toMatch(/^ready /m);
    process.kill(a.pid, "SIGCONT");
    await said(a, /headend\.deposed/);
    await said(a, /held by B until/);
    expect(await untilNext()).toBeLessThan(1 + BUSY_SECONDS);

    await b.stop("SIGKILL");
    expect(await untilNext()).toBeLessThan(LEASE_SECONDS + BUSY_SECONDS);
    expect(a.stdout().match(/^ready /gm), a.stderr()).toHaveLength(2);

    // An orderly end gives the leases back.
    const c = await headend("C", /headend\.standby/);
    expect(await a.stop()).toBe(0);
    await said(c, /headend\.leading/);
    const { stored, counted } = await rows();
    expect(stored).toBe(counted);
    const fences = await server.query("SELECT DISTINCT fence::int FROM meterworks.leases");
    expect(fences).toEqual([{ fence: 4 }]);

    // What three head-ends wrote one after the other is one chain.
    const verify = () => runCli(["audit", "verify", "--store", server.url, "--json"]);
    const whole = await verify();
    expect(whole.code).toBe(0);
    const { ok, entries } = JSON.parse(whole.stdout) as { ok: boolean; entries: number };
    expect(ok).toBe(true);
    expect(entries).toBeGreaterThanOrEqual(3);
    await server.query(`ALTER TABLE meterworks.audit DISABLE TRIGGER audit_append_only;
      UPDATE meterworks.audit SET detail = 'nothing' WHERE number = 2`);
    const broken = await verify();
    expect(broken.code).toBe(1);
    expect(JSON.parse(broken.stdout)).toMatchObject({ ok: false, broken: { number: 2 } });
  });
});
