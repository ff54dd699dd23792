/** The broker contract over the embedded broker, and over a real Mosquitto in both versions of MQTT. */
import { openBroker } from "../../src/platform/mqtt-broker.ts";
import { subscribeMqtt } from "../../src/platform/mqtt-subscriber.ts";
import { Mosquitto } from "../conformance/mosquitto-support.ts";
import { Cleanup } from "../conformance/support.ts";
import { brokerContract } from "../contracts/broker.ts";
import { describeWithPeers } from "../peers.ts";
import { freePort } from "../programs.ts";

brokerContract("embedded", async () => {
  const port = await freePort();
  return {
    ...{ url: `mqtt://127.0.0.1:${port}`, version: "3.1.1", keeper: "meter" },
    open: (deliver) => openBroker({ host: "127.0.0.1", port, deliver }),
    dispose: async () => {},
  };
});

describeWithPeers("Mosquitto", ["mosquitto"], () => {
  const cleanup = new Cleanup();
  for (const version of ["3.1.1", "5"] as const)
    brokerContract(`Mosquitto, MQTT ${version}`, async () => {
      const port = await freePort();
      const broker = new Mosquitto(cleanup);
      broker.configure([`listener ${port} 127.0.0.1`, "allow_anonymous true"]);
      await broker.start();
      const url = `mqtt://127.0.0.1:${port}`;
      const backoff = { firstMs: 10, longestMs: 50 };
      return {
        ...{ url, version, keeper: "broker" },
        open: async (subscriptions) => subscribeMqtt({ url, version, clientId: "head-end", subscriptions, backoff }),
        dispose: () => broker.kill(),
      };
    });
});
