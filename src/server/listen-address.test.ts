import assert from "node:assert/strict";
import { it } from "node:test";
import { listenAddress, serverNames } from "./listen-address.ts";

it("a server is called by its address and by its machine's name, whatever their case, at any port", () => {
  let hostname = "Rack-7";
  const { isKnown } = serverNames(listenAddress("[FD00::A]:7420", true), () => hostname);
  for (const host of ["[fd00::a]:7420", "[::1]", "127.0.0.1:1", "LOCALHOST", "rack-7", "Rack-7:7420"]) {
    assert.equal(isKnown(host), true, host);
  }
  for (const host of ["[fd00::b]:7420", "rack-8", "rack-7.evil.example", ""]) assert.equal(isKnown(host), false, host);
  hostname = "rack-8";
  assert.deepEqual([isKnown("rack-8"), isKnown("rack-7")], [true, false]);
});
