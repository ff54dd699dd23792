import { describe, expect, test } from "vitest";
import { checkSettings, factorySettings } from "../../firmware-sim/settings.ts";
import { FOUR_RATES } from "../../firmware-sim/tariff/settings.ts";
import { findModel } from "../../protocols/models/index.ts";
import type { MeterModel } from "../../protocols/models/model.ts";

const MODEL = findModel("meterworks-3p") as MeterModel;

function problem(value: unknown): string {
  const checked = checkSettings(value, MODEL);
  return checked.ok ? "none" : checked.error;
}

test("what is left out is as it leaves the factory, what is given lies over it", () => {
  const checked = checkSettings(
    { tariff: "four-rates", credit: { alarm1: 700 }, relay: { tripDelay: 300 }, clock: { zoneMinutes: 480 } },
    MODEL,
  );
  const factory = factorySettings(MODEL);
  expect(checked).toMatchObject({
    ok: true,
    value: {
      tariff: FOUR_RATES,
      credit: { mode: "money", alarm1: 700, alarm2: 500 },
      relay: { ...factory.relay, tripDelay: 300 },
      clock: { ...factory.clock, zoneMinutes: 480 },
      demand: factory.demand,
    },
  });
  expect(checkSettings({}, MODEL)).toEqual({ ok: true, value: factory });
});

test("credit in energy has the alarms of energy", () => {
  expect(checkSettings({ credit: { mode: "energy" } }, MODEL)).toMatchObject({
    value: { credit: { alarm1: 10_000_000 } },
  });
});

describe("settings that no meter could follow are refused by name", () => {
  test.each([
    [[], "settings are an object"],
    [{ tarif: 1 }, 'there is no setting "tarif"'],
    [{ tariff: "night" }, 'there is no tariff "night": one-rate, four-rates'],
    [{ tariff: {} }, "tariff.tables: this is missing"],
    [{ credit: { opening: -1 } }, "opening is a whole amount"],
    [{ credit: { friendly: { hours: 5 } } }, "credit.friendly.hours is a list"],
    [{ credit: { friendly: { days: [null] } } }, "credit.friendly.days has an item that is null"],
    [{ events: { overVoltage: { trigger: 5 } } }, "overVoltage.trigger is 5"],
    [{ events: { thunder: {} } }, 'events has no "thunder"'],
    [{ demand: { periodMinutes: 7 } }, "does not divide the hour"],
    [{ demand: null }, "demand is an object"],
    [{ profile: { classes: [null] } }, "6 classes"],
    [{ profile: { classes: [{ intervalMinutes: 5, captures: ["x"] }, null, null, null, null, null] } }, 'no "x"'],
    [{ freezes: { hourly: 5 } }, "freezes.hourly is an object"],
    [{ display: { auto: ["foo"] } }, '"foo" is nothing that a display shows'],
    [{ relay: { tripDelay: "x" } }, "relay.tripDelay is a number"],
    [{ authority: { attempts: -1 } }, "authority"],
  ])("%j", (value, words) => {
    expect(problem(value)).toContain(words);
  });
});
