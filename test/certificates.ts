/** Certificate authorities and certificates for tests, made by openssl when they are wanted: nothing to expire in the checkout. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { requirePeer } from "./peers.ts";
import { run } from "./programs.ts";

export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

async function openssl(args: readonly string[]): Promise<void> {
  const { code, stderr } = await run(requirePeer("openssl"), args);
  if (code !== 0) throw new Error(`openssl ${args.join(" ")}: ${stderr}`);
}

const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

export class Authority implements CertificateFiles {
  readonly cert: string;
  readonly key: string;
  readonly #directory: string;
  readonly #name: string;

  private constructor(directory: string, name: string) {
    this.#directory = directory;
    this.#name = name;
    this.cert = join(directory, `${name}.pem`);
    this.key = join(directory, `${name}.key`);
  }

  /** Its files go into the directory under its name. */
  static async make(directory: string, name: string): Promise<Authority> {
    const authority = new Authority(directory, name);
    const to = ["-keyout", authority.key, "-out", authority.cert];
    await openssl(["req", "-x509", ...NEW_KEY, ...to, "-subj", `/CN=${name}`, "-days", "2"]);
    return authority;
  }

  /** A certificate for this common name, good for 127.0.0.1 too; with `days` below zero it has ended. */
  async issue(commonName: string, days = 2): Promise<CertificateFiles> {
    const stem = join(this.#directory, `${this.#name}-${commonName}${days < 0 ? "-ended" : ""}`);
    const files = { cert: `${stem}.pem`, key: `${stem}.key` };
    await openssl(["req", ...NEW_KEY, "-keyout", files.key, "-out", `${stem}.csr`, "-subj", `/CN=${commonName}`]);
    writeFileSync(`${stem}.ext`, "subjectAltName=IP:127.0.0.1\n");
    const sign = ["-CA", this.cert, "-CAkey", this.key, "-CAcreateserial", "-extfile", `${stem}.ext`];
    await openssl(["x509", "-req", "-in", `${stem}.csr`, "-out", files.cert, "-days", String(days), ...sign]);
    return files;
  }
}
