/** Certificates and keys from PEM files, judged when they are read: a wrong one is named at the start, not at night. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { errorText, PlatformError, systemCode } from "./errors.ts";

export interface TlsFiles {
  /** Authorities whose certificates are believed; without it those of the system. */
  readonly ca?: string | undefined;
  /** Our certificate, with its chain. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/** The contents, in the form that `node:tls` and mqtt.js take. */
export interface TlsMaterial {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/** @throws PlatformError that names the file and what is wrong with it. */
export function readTlsFiles({ ca, cert, key }: TlsFiles): TlsMaterial {
  if ((cert === undefined) !== (key === undefined))
    throw new PlatformError(
      "failed",
      cert === undefined ? `the key ${key} has no certificate` : `the certificate ${cert} has no key`,
      "a certificate and its key go together",
    );
  return {
    ...(ca === undefined ? {} : { ca: readCertificate(ca) }),
    ...(cert === undefined || key === undefined ? {} : readPair(cert, key)),
  };
}

function readPair(certFile: string, keyFile: string): { readonly cert: Buffer; readonly key: Buffer } {
  const cert = readCertificate(certFile);
  const key = readFile(keyFile);
  try {
    createPrivateKey(key);
  } catch {
    const encrypted = key.includes("ENCRYPTED");
    throw new PlatformError(
      "failed",
      `${keyFile} is no ${encrypted ? "key without a passphrase" : "private key in PEM form"}`,
      encrypted
        ? "openssl pkey -in FILE -out PLAIN takes it off"
        : 'it should begin with "-----BEGIN PRIVATE KEY-----"',
    );
  }
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    const mismatch = systemCode(error) === "ERR_OSSL_X509_KEY_VALUES_MISMATCH";
    throw new PlatformError(
      "failed",
      mismatch ? `${keyFile} is not the key of ${certFile}` : `${certFile} can't be used: ${errorText(error)}`,
      mismatch ? "give the key that the certificate was requested with" : "use RSA of 2048 bits and more, or EC",
    );
  }
  return { cert, key };
}

function readCertificate(file: string): Buffer {
  const bytes = readFile(file);
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(bytes);
  } catch {
    throw new PlatformError(
      "failed",
      `${file} is no certificate in PEM form`,
      'it should begin with "-----BEGIN CERTIFICATE-----"',
    );
  }
  if (Date.parse(certificate.validTo) < Date.now())
    throw new PlatformError("failed", `the certificate ${file} ended on ${certificate.validTo}`, "have it renewed");
  return bytes;
}

function readFile(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    const code = systemCode(error);
    if (code === "ENOENT") throw new PlatformError("not-found", `there is no file ${file}`, "check the path");
    if (code === "EACCES")
      throw new PlatformError("permission", `not allowed to read ${file}`, "a key belongs to the user that runs this");
    throw new PlatformError("failed", `${file} can't be read: ${errorText(error)}`, "give a PEM file");
  }
}
