/** What must fit together between the parts of a configuration, however it was made. */
import { isMeterName } from "../protocols/mqtt/topics.ts";
import type { LineConfig, MeterConfig, SiteConfig } from "./config.ts";
import type { ConfigProblem } from "./config-reader.ts";
import { Directory, inability } from "./directory.ts";
import { checkGroups } from "./parse-groups.ts";
import { planReads } from "./schedule/poll-plan.ts";

export function checkConfig(config: SiteConfig): readonly ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  checkNames(config, problems);
  for (const [i, line] of config.lines.entries()) checkLine(line, `lines[${i}]`, problems);
  // The rest asks what each meter can do, which needs names that are unique.
  if (problems.length === 0) checkPrepaid(config, problems);
  checkGroups(config, problems);
  return problems;
}

function checkNames(config: SiteConfig, problems: ConfigProblem[]): void {
  const meters = new Map<string, string>();
  const meter = ({ id, ratio = 1 }: MeterConfig, place: string) => {
    const other = meters.get(id);
    if (!isMeterName(id))
      problems.push({
        place: `${place}.id`,
        problem: `"${id}" is no meter name: 1 to 64 letters, digits, "_", "." or "-"`,
      });
    if (other !== undefined)
      problems.push({
        place: `${place}.id`,
        problem: `"${id}" is used by ${other} already; every meter has its own id`,
      });
    if (!Number.isInteger(ratio) || ratio < 1)
      problems.push({ place: `${place}.ratio`, problem: "CT × VT is a whole number of at least 1" });
    meters.set(id, place);
  };
  const links = new Set<string>(config.mqtt === undefined ? [] : [config.mqtt.link]);
  for (const [i, line] of config.lines.entries()) {
    if (links.has(line.link))
      problems.push({ place: `lines[${i}].name`, problem: `"${line.link}" is taken; every line has its own name` });
    links.add(line.link);
    for (const [j, m] of line.meters.entries()) meter(m, `lines[${i}].meters[${j}]`);
  }
  for (const [i, m] of (config.mqtt?.meters ?? []).entries()) meter(m, `mqtt.meters[${i}]`);
}

function checkLine(line: LineConfig, place: string, problems: ConfigProblem[]): void {
  if (line.meters.length === 0) problems.push({ place: `${place}.meters`, problem: "a line has at least one meter" });
  const units = new Map<number, string>();
  for (const [j, meter] of line.meters.entries()) {
    const at = `${place}.meters[${j}]`;
    const other = units.get(meter.unit);
    if (other !== undefined)
      problems.push({
        place: `${at}.unit`,
        problem: `unit ${meter.unit} is ${other} already; two would answer at once`,
      });
    units.set(meter.unit, meter.id);
    if (planReads(meter.model.modbus, line.measures).length === 0)
      problems.push({ place: `${place}.measures`, problem: `${meter.model.id} has none of these measures` });
  }
}

function checkPrepaid(config: SiteConfig, problems: ConfigProblem[]): void {
  const directory = new Directory(config, new Map(), new Map());
  const seen = new Set<string>();
  for (const [i, account] of (config.prepaid ?? []).entries()) {
    const place = `prepaid[${i}]`;
    const meter = directory.find(account.meter);
    if (seen.has(account.meter)) problems.push({ place, problem: `${account.meter} has an account already` });
    seen.add(account.meter);
    if (meter === undefined) {
      problems.push({
        place: `${place}.meter`,
        problem: `there is no meter "${account.meter}" on a line or under mqtt`,
      });
      continue;
    }
    const unable = inability(meter, "relay-open");
    if (unable !== undefined)
      problems.push({ place: `${place}.meter`, problem: `${unable.detail}, so it cannot be prepaid` });
    if (meter.registration.ratio !== 1)
      problems.push({ place: `${place}.meter`, problem: "a prepaid meter is a direct one: ratio 1" });
    if (account.price < 0n) problems.push({ place: `${place}.price`, problem: "a price is not negative" });
    if (account.warnAt < account.cutAt)
      problems.push({
        place: `${place}.warnAt`,
        problem: "the warning comes before the cut: warnAt is at least cutAt",
      });
  }
}
