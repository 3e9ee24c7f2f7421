import { expect, test } from "vitest";
import { addressRows } from "../src/pages/system";

test("an address is shown once, with every way to it", () => {
  const served = ["192.0.2.7:5060", "[2001:db8::7]:5060"];
  const rows = addressRows([
    ...served.map((address) => ({ use: "sip-udp", address })),
    { use: "sip-tcp", address: "192.0.2.7:5060" },
    { use: "web", address: "http://192.0.2.7:8080/" },
  ]);
  expect(rows).toEqual([
    { uses: ["sip-udp", "sip-tcp"], address: "192.0.2.7:5060" },
    { uses: ["sip-udp"], address: "[2001:db8::7]:5060" },
    { uses: ["web"], address: "http://192.0.2.7:8080/" },
  ]);
});
