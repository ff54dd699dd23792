/** The serial ports of a machine by name, on Linux, macOS and Windows, and what to do when one can't be opened. */
import { SerialPort } from "serialport";
import { errorText, PlatformError, systemCode } from "./errors.ts";

type Platform = NodeJS.Platform;

export interface SerialPortName {
  readonly path: string;
  /** What the system knows about the adapter; empty for a bare port. */
  readonly description: string;
  /** Of a USB adapter: vendor and product, four hex digits each, as `0403:6001`. */
  readonly usb?: string;
  /** Linux: a path that stays the same when adapters change places. */
  readonly byId?: string;
}

/** What the system's list says of one port. */
export interface ListedPort {
  readonly path: string;
  readonly manufacturer?: string | undefined;
  readonly serialNumber?: string | undefined;
  readonly pnpId?: string | undefined;
  readonly vendorId?: string | undefined;
  readonly productId?: string | undefined;
}

/** Adapters that are sold as USB-RS485 or optical heads, by vendor and product; the vendor's name where that is all one knows. */
const ADAPTERS: Readonly<Record<string, string>> = {
  "0403:6001": "FTDI FT232R",
  "0403:6010": "FTDI FT2232",
  "0403:6011": "FTDI FT4232",
  "0403:6014": "FTDI FT232H",
  "0403:6015": "FTDI FT-X",
  "067b:2303": "Prolific PL2303",
  "10c4:ea60": "Silicon Labs CP210x",
  "1a86:55d3": "WCH CH343",
  "1a86:7523": "WCH CH340",
};

/** The ports this machine has. @throws PlatformError where the system has no means to tell. */
export async function listSerialPorts(): Promise<readonly SerialPortName[]> {
  const ports = await SerialPort.list().catch((error: unknown) => {
    // On Linux they are asked of udev's program, which small systems and containers do not have.
    if (systemCode(error) === "ENOENT")
      throw new PlatformError(
        "missing-program",
        "serial ports can't be listed without udevadm",
        "install the package udev, or look at /dev/ttyUSB*, /dev/ttyACM* and /dev/ttyS*",
      );
    throw new PlatformError("failed", `serial ports can't be listed: ${errorText(error)}`, "look at /dev/tty*");
  });
  return ports.map((port) => describePort(port, process.platform));
}

export function describePort(port: ListedPort, platform: Platform): SerialPortName {
  const { manufacturer, serialNumber, pnpId, vendorId, productId } = port;
  const usb =
    vendorId === undefined || productId === undefined
      ? undefined
      : `${vendorId.toLowerCase().padStart(4, "0")}:${productId.toLowerCase().padStart(4, "0")}`;
  const adapter = usb === undefined ? undefined : ADAPTERS[usb];
  const description = [adapter ?? manufacturer, serialNumber].filter((text) => text !== undefined && text !== "");
  return {
    path: portPath(port.path, platform),
    description: description.join(" "),
    ...(usb === undefined ? {} : { usb }),
    ...(platform === "linux" && usb !== undefined && pnpId !== undefined ? { byId: `/dev/serial/by-id/${pnpId}` } : {}),
  };
}

/**
 * The port as it must be opened. Windows: `com10`, `COM10:` and `\\.\COM10` are COM10. macOS: opening /dev/tty.X waits for a
 * carrier that no adapter gives; /dev/cu.X is the same port without that wait.
 */
export function portPath(path: string, platform: Platform): string {
  if (platform === "win32") {
    const number = /^(?:\\\\[.?]\\)?com(\d{1,3}):?$/i.exec(path)?.[1];
    return number === undefined ? path : `COM${Number(number)}`;
  }
  return platform === "darwin" ? path.replace(/^\/dev\/tty\./, "/dev/cu.") : path;
}

/**
 * The driver's errors carry no code, only the system's sentence.
 * @param known ports that are there, named where the one asked for is not
 */
export function portProblem(path: string, text: string, platform: Platform, known: readonly string[]): PlatformError {
  const windows = platform === "win32";
  if (/no RTS/.test(text))
    return new PlatformError(
      "failed",
      `${path} has no RTS to set`,
      "leave --rts out: most adapters turn by themselves",
    );
  if (/no such (file|device)|file not found|cannot find/i.test(text)) {
    const none = "no port was found on this machine: is the adapter plugged in?";
    const hint = known.length === 0 ? none : `ports here: ${known.join(", ")}`;
    return new PlatformError("not-found", `there is no serial port ${path}`, hint);
  }
  // Windows says "access denied" of a port that another program has open: its ports have no owners.
  if (windows && /access (is )?denied/i.test(text))
    return new PlatformError("in-use", `${path} is in use by another program`, "close the program that has it open");
  if (/permission denied|not permitted|access (is )?denied/i.test(text))
    return new PlatformError(
      "permission",
      `not allowed to open ${path}`,
      platform === "darwin"
        ? "see who owns it: ls -l /dev/cu.*"
        : "join the group that owns it and log in again: sudo usermod -aG dialout $USER",
    );
  if (/cannot lock|resource busy|temporarily unavailable/i.test(text))
    return new PlatformError(
      "in-use",
      `${path} is in use by another program`,
      `find it with: ${platform === "darwin" ? "lsof" : "fuser"} ${path}`,
    );
  if (/inappropriate ioctl|not a typewriter/i.test(text)) {
    const example = windows ? "COM3" : platform === "darwin" ? "/dev/cu.usbserial-1" : "/dev/ttyUSB0";
    return new PlatformError("not-found", `${path} is no serial port`, `name a port such as ${example}`);
  }
  return new PlatformError("failed", `cannot open ${path}: ${text}`, "check the path and the serial settings");
}
