import assert from "node:assert/strict";
import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { it } from "node:test";
import { listenAddress, serverNames } from "./listen-address.ts";
import { selfSigned } from "./tls/self-signed.ts";

it("a server is called by its address and by its machine's name, whatever their case, at any port", () => {
  let hostname = "Rack-7";
  const { isKnown } = serverNames(listenAddress("[FD00::A]:7420", true), () => ({ hostname, addresses: [] }));
  for (const host of ["[fd00::a]:7420", "[::1]", "127.0.0.1:1", "LOCALHOST", "rack-7", "Rack-7:7420"]) {
    assert.equal(isKnown(host), true, host);
  }
  for (const host of ["[fd00::b]:7420", "rack-8", "rack-7.evil.example", ""]) assert.equal(isKnown(host), false, host);
  hostname = "rack-8";
  assert.deepEqual([isKnown("rack-8"), isKnown("rack-7")], [true, false]);
});

it("one that listens on all interfaces is called by each address of the machine, and by its certificate's names", () => {
  const addresses = ["10.0.0.5", "fd00::5"];
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const until = new Date(Date.now() + 60_000);
  const names = ["rack-7.example", "*.fleet.example"];
  const certificate = new X509Certificate(selfSigned({ privateKey, names, from: new Date(), until }));
  const machine = () => ({ hostname: "rack-7", addresses });
  const { isKnown } = serverNames(listenAddress("0.0.0.0:7420", true), machine, certificate);
  for (const host of ["10.0.0.5:7420", "[fd00::5]:7420", "rack-7.example:7420", "a.fleet.example", "rack-7"]) {
    assert.equal(isKnown(host), true, host);
  }
  for (const host of ["10.0.0.6", "[fd00::6]", "fleet.example", "evil.example", ""]) {
    assert.equal(isKnown(host), false, host);
  }
});
