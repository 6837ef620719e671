import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { autoMacs, isLocalUnicast, isMulticast, randomMac } from "./mac-addresses.ts";

function autoMac(hostId: string, pfKey: string, vfIndex: number, taken: ReadonlySet<string>): string {
  return autoMacs(hostId, pfKey)(vfIndex, (mac) => taken.has(mac));
}

test("autoMacs stays what it is: guests know their interfaces by it", () => {
  assert.equal(
    autoMac("0123456789abcdef0123456789abcdef", "serial 00-1b-21-ff-ff-aa-bb-cc.0", 3, new Set()),
    "0a:52:9c:42:9a:94",
  );
});

test("autoMacs is local and unicast, another for another VF, and another of its own chain where it is taken", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.nat(0xffff), (host, pf, vf) => {
      const mac = autoMac(host, pf, vf, new Set());
      assert.match(mac, /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/);
      assert.ok(isLocalUnicast(mac) && !isMulticast(mac));
      assert.notEqual(autoMac(host, pf, vf + 1, new Set()), mac);
      const next = autoMac(host, pf, vf, new Set([mac]));
      assert.notEqual(next, mac);
      assert.equal(autoMac(host, pf, vf, new Set([mac])), next);
    }),
  );
});

test("autoMacs spreads: of 65,536 VFs no two have the same, and each of the 46 free bits is set in about half", () => {
  const seen = new Set<string>();
  const ones = new Array<number>(48).fill(0);
  for (let vf = 0; vf < 65_536; vf++) {
    const mac = autoMac("host", "slot 0000:00/1c.0/00.0", vf, new Set());
    seen.add(mac);
    const bits = BigInt(`0x${mac.replaceAll(":", "")}`);
    for (let bit = 0; bit < 48; bit++) if ((bits >> BigInt(bit)) & 1n) ones[bit] = (ones[bit] ?? 0) + 1;
  }
  assert.equal(seen.size, 65_536);
  for (const [bit, count] of ones.entries()) {
    if (bit !== 40 && bit !== 41) assert.ok(count > 32_000 && count < 33_536, `bit ${bit}: ${count}`);
  }
});

test("randomMac passes over what is taken, and ends where randomness repeats itself", () => {
  const bytes = [1, 2];
  const random = () => new Uint8Array(6).fill(bytes.shift() ?? 2);
  assert.equal(
    randomMac(random, (mac) => mac === "02:01:01:01:01:01"),
    "02:02:02:02:02:02",
  );
  assert.throws(() => randomMac(random, (mac) => mac === "02:02:02:02:02:02"), RangeError);
});
