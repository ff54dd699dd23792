/** TLS and users at the embedded broker and towards it. Certificates are openssl's, foreign clients are mqtt.js with its own TLS options. */
import { readFileSync } from "node:fs";
import mqtt from "mqtt";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { mayPublish, maySubscribe } from "../../protocols/mqtt/access.ts";
import type { AccessOptions } from "../../src/platform/broker-access.ts";
import { type BrokerUser, brokerUserLine, parseBrokerUsers } from "../../src/platform/broker-users.ts";
import type { Link } from "../../src/platform/link.ts";
import { type BrokerLink, openBroker } from "../../src/platform/mqtt-broker.ts";
import { connectMqtt } from "../../src/platform/mqtt-client.ts";
import { subscribeMqtt } from "../../src/platform/mqtt-subscriber.ts";
import { readTlsFiles, type TlsMaterial } from "../../src/platform/tls-files.ts";
import { Authority, type CertificateFiles } from "../certificates.ts";
import { describeWithPeers } from "../peers.ts";
import { temporaryDirectory } from "../programs.ts";
import { ScriptedActor, testRuntime, until } from "./support.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const rules = { mayPublish, maySubscribe };

describeWithPeers("TLS between meter, broker and head-end", ["openssl"], () => {
  const directory = temporaryDirectory();
  let ours: Authority;
  let foreign: Authority;
  let server: CertificateFiles;
  let meter: CertificateFiles;
  let users: readonly BrokerUser[];

  beforeAll(async () => {
    ours = await Authority.make(directory.path, "ours");
    foreign = await Authority.make(directory.path, "foreign");
    [server, meter] = await Promise.all([ours.issue("broker"), ours.issue("flat-7")]);
    const lines = [await brokerUserLine("flat-8", "meter", "secret of 8"), "desk:reader:certificate"];
    const parsed = parseBrokerUsers(lines.join("\n"));
    if (!parsed.ok) throw new Error(parsed.error);
    users = parsed.value;
  });
  afterAll(() => directory.remove());

  interface Site {
    readonly link: BrokerLink;
    readonly actor: ScriptedActor;
    readonly refused: string[];
    readonly url: (user?: string) => string;
  }

  async function site(tls: TlsMaterial, access?: AccessOptions): Promise<Site> {
    const refused: string[] = [];
    const { runtime } = testRuntime();
    const link = await openBroker({
      ...{ host: "127.0.0.1", port: 0, deliver: ["meters/+/telemetry"], tls },
      ...(access === undefined ? {} : { access }),
      onRefused: (name, what) => refused.push(`${name} ${what}`),
    });
    const actor = new ScriptedActor((event) =>
      event.kind === "message" && event.token !== undefined
        ? [{ kind: "acknowledge", link: event.link, token: event.token }]
        : [],
    );
    runtime.host(actor).attach(link);
    cleanups.push(() => runtime.close());
    return { link, actor, refused, url: (user = "") => `mqtts://${user}127.0.0.1:${link.port}` };
  }

  const plainTls = () => readTlsFiles(server);
  const mutualTls = () => readTlsFiles({ ...server, ca: ours.cert });
  const backoff = { firstMs: 10, longestMs: 20 };

  /** Both of our clients: the meter's by mqtt.js, the head-end's thin one. */
  const CLIENTS = [
    ["the meter's session", (url: string, tls: TlsMaterial) => connectMqtt({ url, tls, clientId: "c", backoff })],
    [
      "the head-end's subscriber",
      (url: string, tls: TlsMaterial) =>
        subscribeMqtt({ url, tls, clientId: "c", subscriptions: ["meters/flat-7/cmd"], backoff }),
    ],
  ] as const;

  function hosted(link: Link): { readonly link: Link; readonly actor: ScriptedActor } {
    const { runtime } = testRuntime();
    const actor = new ScriptedActor();
    runtime.host(actor).attach(link);
    cleanups.push(() => runtime.close());
    return { link, actor };
  }

  /** Why the first attempt failed. */
  async function problem(link: Link): Promise<string> {
    const { actor } = hosted(link);
    await until(() => actor.events.length > 0, "an attempt");
    const [first] = actor.events;
    return first?.kind === "closed" ? first.reason : (first?.kind ?? "");
  }

  it.each(CLIENTS)(
    "%s connects with the right authority and its certificate, and publishes",
    async (_name, connect) => {
      const { actor, url } = await site(mutualTls(), { rules, users: undefined });
      const { link } = hosted(connect(url(), readTlsFiles({ ca: ours.cert, ...meter })));
      await until(() => link.open, "connected");
      link.publish("meters/flat-7/telemetry", Buffer.from("x"), 1, false, 1);
      await until(() => actor.kinds().includes("message"), "published");
    },
  );

  it.each(CLIENTS)("%s does not believe a foreign authority's broker, and says so", async (_name, connect) => {
    const { url } = await site(plainTls());
    expect(await problem(connect(url(), readTlsFiles({ ca: foreign.cert })))).toMatch(
      /from an authority that is not known here|not from the authority/,
    );
  });

  it.each(CLIENTS)("%s does not believe a certificate that has ended, and says so", async (_name, connect) => {
    const ended = await ours.issue("broker", -1);
    // Our own broker would not start with it.
    expect(() => readTlsFiles(ended)).toThrow(/ended on/);
    const { url } = await site({ cert: readFileSync(ended.cert), key: readFileSync(ended.key) });
    expect(await problem(connect(url(), readTlsFiles({ ca: ours.cert })))).toContain("certificate has ended");
  });

  it.each(CLIENTS)("%s says that the broker wants a client certificate, or another one", async (_name, connect) => {
    const { url, refused, actor } = await site(mutualTls(), { rules, users: undefined });
    expect(await problem(connect(url(), readTlsFiles({ ca: ours.cert })))).toContain("asks for a client certificate");
    const stranger = await foreign.issue("flat-7");
    expect(await problem(connect(url(), readTlsFiles({ ca: ours.cert, ...stranger })))).toBe(
      "the connection ended before the broker greeted us; its log may say why",
    );
    expect(refused.length).toBeGreaterThanOrEqual(2);
    for (const line of refused) expect(line).toMatch(/^(127\.0\.0\.1)? ?TLS: /);
    expect(actor.kinds()).toEqual(["opened"]);
  });

  it.each(CLIENTS)("%s says that a broker without TLS has none", async (_name, connect) => {
    const link = await openBroker({ host: "127.0.0.1", port: 0, deliver: [] });
    cleanups.push(() => link.end());
    const reason = await problem(connect(`mqtts://127.0.0.1:${link.port}`, readTlsFiles({ ca: ours.cert })));
    expect(reason).toMatch(/speaks no TLS|connection lost|ECONNRESET|disconnected/);
  });

  const foreignClient = ({ url }: Site, options: mqtt.IClientOptions) => {
    const ca = readFileSync(ours.cert);
    return mqtt.connectAsync(url(), { ca, reconnectPeriod: 0, ...options }, false).then((client) => {
      client.on("error", () => {});
      cleanups.push(() => client.endAsync(true));
      return client;
    });
  };
  const pair = ({ cert, key }: CertificateFiles) => ({ cert: readFileSync(cert), key: readFileSync(key) });

  it("refuses a client certificate that has ended", async () => {
    const here = await site(mutualTls(), { rules, users: undefined });
    const ended = pair(await ours.issue("flat-7", -1));
    await expect(foreignClient(here, { ...ended, clientId: "c" })).rejects.toThrow();
    expect(here.refused.join()).toContain("TLS: CERT_HAS_EXPIRED");
  });

  it("knows a meter by its certificate whatever user name it claims, and holds it to its topics", async () => {
    const here = await site(mutualTls(), { rules, users });
    const flat7 = await foreignClient(here, { ...pair(meter), clientId: "c", username: "flat-8" });
    await flat7.publishAsync("meters/flat-7/telemetry", "mine", { qos: 1 });
    await expect(flat7.subscribeAsync("meters/flat-8/cmd", { qos: 1 })).rejects.toThrow();
    await flat7.subscribeAsync("meters/flat-7/cmd", { qos: 1 });
    const gone = new Promise<void>((resolve) => flat7.once("close", () => resolve()));
    flat7.publish("meters/flat-8/telemetry", "not mine", { qos: 1 });
    await gone;
    expect(here.actor.kinds()).toEqual(["opened", "message"]);
    expect(here.refused).toEqual(["flat-7 subscribe meters/flat-8/cmd", "flat-7 publish meters/flat-8/telemetry"]);
  });

  it("with users lets in by password too, but not by a wrong one, a foreign certificate or nothing", async () => {
    const here = await site(mutualTls(), { rules, users });
    const flat8 = { username: "flat-8", password: "secret of 8" };
    const client = await foreignClient(here, { ...flat8, clientId: "c" });
    await client.publishAsync("meters/flat-8/telemetry", "mine", { qos: 1 });
    const stranger = pair(await foreign.issue("flat-7"));
    for (const options of [
      { username: "flat-8", password: "guess" },
      { username: "flat-8" },
      { username: "flat-9", password: "secret of 8" },
      // "desk" comes by certificate only: no password is its password.
      { username: "desk", password: "certificate" },
      { ...stranger, username: "flat-7" },
      {},
    ])
      await expect(foreignClient(here, { clientId: "x", ...options })).rejects.toThrow(/refused/i);
    expect(here.refused.length).toBe(6);
  });

  it("makes a reader of a certificate that the users call one", async () => {
    const here = await site(mutualTls(), { rules, users });
    const desk = await foreignClient(here, { ...pair(await ours.issue("desk")), clientId: "d" });
    const heard = new Promise<string>((resolve) => desk.once("message", (topic) => resolve(topic)));
    await desk.subscribeAsync("meters/#", { qos: 1 });
    const flat7 = await foreignClient(here, { ...pair(meter), clientId: "c" });
    await flat7.publishAsync("meters/flat-7/telemetry", "x", { qos: 1 });
    expect(await heard).toBe("meters/flat-7/telemetry");
    const gone = new Promise<void>((resolve) => desk.once("close", () => resolve()));
    desk.publish("meters/flat-7/telemetry", "as a reader", { qos: 1 });
    await gone;
    expect(here.refused).toEqual(["desk publish meters/flat-7/telemetry"]);
  });

  it("keeps the session of one user from another who uses its client id", async () => {
    const here = await site(mutualTls(), { rules, users });
    const mine = await foreignClient(here, { ...pair(meter), clientId: "same", clean: false });
    await mine.subscribeAsync("meters/flat-7/cmd", { qos: 1 });
    const other = await foreignClient(here, {
      ...{ username: "flat-8", password: "secret of 8", clientId: "same", clean: false },
    });
    const stolen: string[] = [];
    other.on("message", (topic) => stolen.push(topic));
    const heard = new Promise<string>((resolve) => mine.once("message", (topic) => resolve(topic)));
    here.link.publish("meters/flat-7/cmd", Buffer.from("open"), 1, false);
    expect(await heard).toBe("meters/flat-7/cmd");
    expect(mine.connected).toBe(true);
    expect(stolen).toEqual([]);
  });

  it("names a file that is wrong, and what is wrong with it", async () => {
    const other = await ours.issue("other");
    for (const [files, message] of [
      [{ cert: server.cert, key: other.key }, "is not the key of"],
      [{ cert: server.key, key: server.key }, "is no certificate in PEM form"],
      [{ cert: server.cert, key: server.cert }, "is no private key in PEM form"],
      [{ cert: server.cert }, "has no key"],
      [{ key: server.key }, "has no certificate"],
      [{ ca: `${ours.cert}.gone` }, "there is no file"],
    ] as const)
      expect(() => readTlsFiles(files)).toThrow(message);
  });
});

it.each([
  ["flat-7:meter:scrypt$16384$AAAA$BBBB", "line 1: the scrypt hash is damaged"],
  ["# comment\n\nflat-7:boss:certificate", "line 3: NAME:meter|reader:"],
  ["a/b:meter:certificate", "line 1: NAME:meter|reader:"],
  ["a:meter:certificate\na:reader:certificate", 'line 2: "a" is there twice'],
])("a users file %j is refused", (text, error) => {
  const parsed = parseBrokerUsers(text);
  expect(parsed.ok ? "" : parsed.error).toContain(error);
});
