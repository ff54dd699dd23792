/** Where Mosquitto is, for programs that run without the test runner. */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Debian installs daemons there, which is not in every user's PATH. */
const BESIDE_PATH = ["/usr/sbin", "/usr/local/sbin"];

/** Its path; undefined where it is not installed. */
export function findMosquitto(): string | undefined {
  const { PATH = "" } = process.env;
  return [...PATH.split(delimiter), ...BESIDE_PATH].map((folder) => join(folder, "mosquitto")).find(isProgram);
}

export const NO_MOSQUITTO = 'mosquitto is missing: run "make peers" (Debian package mosquitto)';

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
