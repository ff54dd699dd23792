/** Names and troubles of serial ports as three systems have them; only Linux is run here. */
import { describe, expect, it } from "vitest";
import { describePort, portPath, portProblem } from "../../src/platform/serial-ports.ts";

describe("port names", () => {
  it.each([
    ["COM3", "win32", "COM3"],
    ["com10", "win32", "COM10"],
    ["COM10:", "win32", "COM10"],
    ["\\\\.\\COM12", "win32", "COM12"],
    ["COM03", "win32", "COM3"],
    ["\\\\.\\pipe\\meter", "win32", "\\\\.\\pipe\\meter"],
    ["/dev/tty.usbserial-A9", "darwin", "/dev/cu.usbserial-A9"],
    ["/dev/cu.usbserial-A9", "darwin", "/dev/cu.usbserial-A9"],
    ["/dev/ttyUSB0", "linux", "/dev/ttyUSB0"],
    ["/dev/tty.odd", "linux", "/dev/tty.odd"],
    ["com3", "linux", "com3"],
  ] as const)("%s on %s is %s", (path, platform, expected) => {
    expect(portPath(path, platform)).toBe(expected);
  });
});

describe("the list", () => {
  it("names the adapter and a path that lasts", () => {
    const ftdi = {
      path: "/dev/ttyUSB0",
      manufacturer: "FTDI",
      serialNumber: "A9",
      pnpId: "usb-FTDI_FT232R_USB_UART_A9-if00-port0",
      vendorId: "0403",
      productId: "6001",
    };
    expect(describePort(ftdi, "linux")).toEqual({
      path: "/dev/ttyUSB0",
      description: "FTDI FT232R A9",
      usb: "0403:6001",
      byId: "/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A9-if00-port0",
    });
    const mac = { ...ftdi, path: "/dev/tty.usbserial-A9", pnpId: undefined, vendorId: "403" };
    expect(describePort(mac, "darwin")).toEqual({
      path: "/dev/cu.usbserial-A9",
      description: "FTDI FT232R A9",
      usb: "0403:6001",
    });
    const strange = { path: "COM3", manufacturer: "wch.cn", vendorId: "1A86", productId: "FFFF" };
    expect(describePort(strange, "win32")).toEqual({ path: "COM3", description: "wch.cn", usb: "1a86:ffff" });
    expect(describePort({ path: "/dev/ttyS0" }, "linux")).toEqual({ path: "/dev/ttyS0", description: "" });
  });
});

describe("what can't be opened", () => {
  it.each([
    ["linux", "Error: No such file or directory, cannot open X", "not-found", /ports here: P1, P2/],
    ["win32", "Opening X: File not found", "not-found", /ports here: P1, P2/],
    ["linux", "Error: Permission denied, cannot open X", "permission", /usermod -aG dialout/],
    ["darwin", "Error: Permission denied, cannot open X", "permission", /ls -l \/dev\/cu/],
    ["win32", "Opening X: Access denied", "in-use", /close the program/],
    ["linux", "Error Resource temporarily unavailable Cannot lock port", "in-use", /fuser X/],
    ["darwin", "Error: Resource busy, cannot open X", "in-use", /lsof X/],
    ["linux", "Error: Inappropriate ioctl for device", "not-found", /\/dev\/ttyUSB0/],
    ["darwin", "Error: Inappropriate ioctl for device", "not-found", /\/dev\/cu\./],
    ["linux", "it has no RTS to set: Error: Inappropriate ioctl for device", "failed", /leave --rts out/],
    ["linux", "Error: something new", "failed", /check the path/],
  ] as const)("%s: %s", (platform, text, code, hint) => {
    const problem = portProblem("X", text, platform, ["P1", "P2"]);
    expect(problem.code).toBe(code);
    expect(problem.hint).toMatch(hint);
    expect(problem.message).toContain("X");
  });

  it("says that there are no ports at all", () => {
    expect(portProblem("X", "no such file", "linux", []).hint).toMatch(/is the adapter plugged in/);
  });
});
