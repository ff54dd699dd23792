/** What an audit can say of how a meter knows that an order is the head-end's: protocols differ in what they offer. */
/** How an order travels. */
export type OrderWire = "modbus" | "mqtt";

/** A clause for the audit's entry of an order that is sent. */
export function authenticity(wire: OrderWire): string {
  if (wire === "mqtt") return "over MQTT, signed with the head-end's key";
  return "over Modbus, unsigned: the meter's password and its unlock window stand in for a signature";
}
