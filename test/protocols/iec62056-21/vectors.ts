/** Captured readouts of real meters (sources named), and helpers that share no code with the product. */

/** volkszaehler/vzlogger tests/MeterD0.cpp: Landis+Gyr ZMD120, without its framing. */
export const ZMD120 = [
  "F.F(00000000)",
  "0.0.0( 20000)",
  "1.8.1(001846.0*kWh)",
  "1.8.2(000000.0*kWh)",
  "2.8.1(004329.6*kWh)",
  "2.8.2(000000.0*kWh)",
  "1.8.0(001846.0*kWh)",
  "2.8.0(004329.6*kWh)",
  "!",
  "",
].join("\r\n");
export const ZMD120_IDENT = "/LGZ52ZMD120APt.G03\r\n";
/** Computed for the text above between STX and ETX. */
export const ZMD120_CHECK = 0x2a;

/** Apollon77/smartmeter-obis test/testSerialRequestResponseD0ModeE.js. */
export const ACE0 =
  "F.F(00)\r\nC.1(1234567890123456)\r\nC.5.0(00)\r\n1.8.0(000285.4*kWh)\r\n2.8.0(000120.1*kWh)\r\n!\r\n";
export const ACE0_IDENT = "/ACE0\\3k260V01.18\r\n";
export const ACE0_CHECK = 0x1b;

/** Apollon77/smartmeter-obis test/testSerialResponseD0FastSend.js: mode D. */
export const EHZ = [
  "/EMH5----eHZ-E0018E",
  "",
  "1-0:0.0.0*255(331200-5009810)",
  "1-0:1.8.1*255(032942.0231)",
  "1-0:96.5.5*255(80)",
  "0-0:96.1.255*255(0000680476)",
  "!",
  "",
].join("\r\n");

/** peterzandbergen/iec62056 meter.out.txt: a DSMR 5.0 telegram with its CRC. */
export const DSMR5 = [
  "/CTA5ZIV-METER",
  "",
  "1-3:0.2.8(50)",
  "0-0:1.0.0(210524211943S)",
  "0-0:96.1.1(4530303639303030373132353230353230)",
  "1-0:1.8.1(000502.689*kWh)",
  "1-0:1.8.2(000270.765*kWh)",
  "1-0:2.8.1(000294.455*kWh)",
  "1-0:2.8.2(000602.408*kWh)",
  "0-0:96.14.0(0001)",
  "1-0:1.7.0(00.469*kW)",
  "1-0:2.7.0(00.000*kW)",
  "0-0:96.7.21(00145)",
  "0-0:96.7.9(00053)",
  "1-0:99.97.0(9)(0-0:96.7.19)(210513024411S)(0004249792*s)(210513024411S)(0004249792*s)(210513024410S)(0004249791*s)" +
    "(210418061228S)(0002102289*s)(210418061228S)(0002102289*s)(210418061227S)(0002102288*s)(201029040354W)" +
    "(0000000321*s)(201029040354W)(0000000320*s)(201029040354W)(0000000320*s)",
  "1-0:32.32.0(00027)",
  "1-0:52.32.0(00029)",
  "1-0:72.32.0(00016)",
  "1-0:32.36.0(00024)",
  "1-0:52.36.0(00033)",
  "1-0:72.36.0(00029)",
  "0-0:96.13.0()",
  "1-0:32.7.0(230.0*V)",
  "1-0:52.7.0(227.0*V)",
  "1-0:72.7.0(232.0*V)",
  "1-0:31.7.0(001*A)",
  "1-0:51.7.0(000*A)",
  "1-0:71.7.0(000*A)",
  "1-0:21.7.0(00.249*kW)",
  "1-0:41.7.0(00.140*kW)",
  "1-0:61.7.0(00.104*kW)",
  "1-0:22.7.0(00.000*kW)",
  "1-0:42.7.0(00.000*kW)",
  "1-0:62.7.0(00.000*kW)",
  "0-1:24.1.0(003)",
  "0-1:96.1.0(4730303732303034303031383139323230)",
  "0-1:24.2.1(210524211500S)(00521.908*m3)",
  "!4715",
  "",
].join("\r\n");

export const ascii = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "latin1"));
export const latin = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

/** XOR of what follows the first SOH or STX: the oracle for check characters. */
export function xor(text: string): string {
  return String.fromCharCode([...ascii(text)].reduce((sum, byte) => sum ^ byte, 0));
}

/** `STX text ETX BCC` and, with a command, `SOH command STX text ETX BCC`, by the oracle. */
export function block(text: string, command?: string): string {
  const body = command === undefined ? `${text}\x03` : `${command}\x02${text}\x03`;
  return `${command === undefined ? "\x02" : "\x01"}${body}${xor(body)}`;
}
export const BREAK = "\x01B0\x03q";
