/**
 * Programs that others wrote and that judge ours. A missing one skips its tests and says how to get it (`make peers`);
 * with METERWORKS_REQUIRE_PEERS=1, as in CI, it fails them.
 */
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { describe, test } from "vitest";
import { postgresProgram } from "./postgres-server.ts";

const PEERS = [
  "mbpoll",
  "libmodbus",
  "pymodbus",
  "pyserial",
  "python3",
  "socat",
  "tshark",
  "text2pcap",
  "mosquitto",
  "mosquitto_sub",
  "mosquitto_pub",
  "mosquitto_passwd",
  "openssl",
  "tmux",
  "postgres",
  "prlimit",
] as const;
export type PeerName = (typeof PEERS)[number];

/** Debian's interpreter: python3-pymodbus and python3-serial are installed for it, not for another Python earlier in PATH. */
const DEBIAN_PYTHON = "/usr/bin/python3";
// Debian installs daemons in sbin, which is not in every user's PATH.
const EXTRA_PATH = ["/usr/sbin", "/usr/local/sbin", "/sbin"];

const found = new Map<PeerName, string | undefined>();

/**
 * The path of a peer, or undefined when it is not usable here. For `libmodbus` it is the C compiler that builds against
 * it, for `pymodbus` and `pyserial` the Python that has them.
 */
function peer(name: PeerName): string | undefined {
  if (!found.has(name)) found.set(name, detect(name));
  return found.get(name);
}

/** The path of a peer (as {@link peer}), inside a test that has already checked. */
export function requirePeer(name: PeerName): string {
  const path = peer(name);
  if (path === undefined) throw new Error(`${name} is missing; "make peers" installs it`);
  return path;
}

/** A `describe` that needs these peers. */
export function describeWithPeers(name: string, needed: readonly PeerName[], define: () => void): void {
  const missing = needed.filter((candidate) => peer(candidate) === undefined);
  if (missing.length === 0) {
    describe(name, define);
    return;
  }
  const reason = `${missing.join(", ")} missing: run "make peers"`;
  const { METERWORKS_REQUIRE_PEERS } = process.env;
  if (METERWORKS_REQUIRE_PEERS === "1") {
    describe(name, () => {
      test("has its peers", () => {
        throw new Error(`${reason} (METERWORKS_REQUIRE_PEERS=1 allows no skip)`);
      });
    });
    return;
  }
  describe.skip(`${name} [skipped: ${reason}]`, define);
}

function detect(name: PeerName): string | undefined {
  if (name === "libmodbus") {
    const compiler = findProgram("cc");
    return compiler !== undefined && succeeds("pkg-config", ["--exists", "libmodbus"]) ? compiler : undefined;
  }
  if (name === "pymodbus") {
    return succeeds(DEBIAN_PYTHON, ["-c", "import pymodbus.client, pymodbus.server"]) ? DEBIAN_PYTHON : undefined;
  }
  if (name === "pyserial") return succeeds(DEBIAN_PYTHON, ["-c", "import serial.rfc2217"]) ? DEBIAN_PYTHON : undefined;
  if (name === "postgres") return postgresProgram();
  return findProgram(name);
}

function succeeds(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: "ignore", timeout: 10_000 }).status === 0;
}

function findProgram(name: string): string | undefined {
  const { PATH = "" } = process.env;
  const folders = [...PATH.split(delimiter), ...EXTRA_PATH];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
