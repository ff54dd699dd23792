/** Modbus servers: the PDU level, one TCP connection, one serial line. */
export { type ModbusDataModel, respond } from "./respond.ts";
export { ModbusAsciiServer, ModbusRtuServer, type ModbusSerialServer } from "./server-serial.ts";
export { ModbusTcpServerSession } from "./server-tcp.ts";
