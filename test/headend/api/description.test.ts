/** The API's description against a validator of OpenAPI that others wrote. */
import { Validator } from "@seriousme/openapi-schema-validator";
import { expect, test } from "vitest";
import { fixture } from "./api-support.ts";

test("it is valid OpenAPI 3.1, references included; one that is damaged is not", async () => {
  const { app } = await fixture();
  const description = (await app.inject("/openapi.json")).json();
  await app.close();
  const validator = new Validator();
  const found = await validator.validate(structuredClone(description));
  expect([found.valid, found.errors]).toEqual([true, undefined]);
  expect(validator.version).toBe("3.1");
  const damaged = structuredClone(description);
  damaged.paths["/api/v1/alarms"].get.responses = "all of them";
  expect((await new Validator().validate(damaged)).valid).toBe(false);
});
