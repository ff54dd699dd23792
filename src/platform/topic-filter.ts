/** MQTT topic filters (MQTT 3.1.1, 4.7): `+` is one level, `#` the rest. */

/** Whether a topic matches a filter; `$…` topics match no filter that begins with a wildcard (4.7.2-1). */
export function topicMatches(filter: string, topic: string): boolean {
  const wanted = filter.split("/");
  const levels = topic.split("/");
  if (topic.startsWith("$") && (wanted[0] === "+" || wanted[0] === "#")) return false;
  for (let i = 0; i < wanted.length; i++) {
    if (wanted[i] === "#") return true;
    if (i >= levels.length || (wanted[i] !== "+" && wanted[i] !== levels[i])) return false;
  }
  return wanted.length === levels.length;
}
