import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { VfleetError } from "../errors/vfleet-error.ts";
import {
  bdf,
  busOf,
  compareBdf,
  devfnOf,
  domainOf,
  formatBdf,
  hex,
  parseBdf,
  type RoutingId,
  routingId,
  routingIdOf,
} from "./bdf.ts";

const anyDomain = fc.integer({ min: 0, max: 0xffff_ffff });
const anyRid = fc.integer({ min: 0, max: 0xffff }) as fc.Arbitrary<RoutingId>;

describe("parseBdf", () => {
  it("reads addresses as Linux and lspci write them, and gives the canonical form", () => {
    assert.equal(parseBdf("0000:3b:00.0"), "0000:3b:00.0");
    assert.equal(parseBdf("3b:00.0"), "0000:3b:00.0");
    assert.equal(parseBdf("3B:1F.7"), "0000:3b:1f.7");
    assert.equal(parseBdf("0:3:4.5"), "0000:03:04.5");
    // Intel VMD makes domains of five digits (vmd_find_free_domain).
    assert.equal(parseBdf("10000:e1:00.0"), "10000:e1:00.0");
    assert.equal(parseBdf("00010000:e1:00.0"), "10000:e1:00.0");
  });

  it("refuses what is no address", () => {
    const none = [
      "",
      "3b:00",
      "3b:00.8",
      "3b:20.0",
      "100:00.0",
      "3b:0g.0",
      " 3b:00.0",
      "3b:00.0\n",
      "3b:00.0x",
      "-1:00.0",
    ];
    for (const text of [...none, "123456789:00:00.0", "3b.00.0", "0000:3b:00:0", "::.", "3b:00.00"]) {
      assert.equal(parseBdf(text), undefined, text);
    }
  });

  it("gives back every address that formatBdf writes", () => {
    fc.assert(
      fc.property(anyDomain, anyRid, (domain, rid) => {
        const text = formatBdf(domain, rid);
        assert.equal(parseBdf(text), text);
        assert.equal(parseBdf(text.toUpperCase()), text);
        assert.deepEqual([domainOf(text), routingIdOf(text)], [domain, rid]);
        assert.deepEqual([busOf(text), devfnOf(text)], [rid >>> 8, rid & 0xff]);
      }),
    );
  });

  it("never throws, and what it gives is canonical", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9a-f:.]{0,14}$/)), (text) => {
        const address = parseBdf(text);
        if (address !== undefined) assert.equal(formatBdf(domainOf(address), routingIdOf(address)), address);
      }),
    );
  });
});

describe("bdf", () => {
  it("throws VFL-0001 with the text that was given", () => {
    assert.equal(bdf("3b:0.1"), "0000:3b:00.1");
    assert.throws(
      () => bdf("3b:00"),
      (error) => error instanceof VfleetError && error.code === "VFL-0001" && error.message.includes('"3b:00"'),
    );
  });
});

describe("routingId", () => {
  it("packs bus 15:8, device 7:3 and function 2:0 (PCIe 6.0 §2.2.4.2)", () => {
    assert.equal(routingId(0x82, 0x10, 1), 0x8281);
    assert.equal(routingId(0xff, 0x1f, 7), 0xffff);
  });

  it("refuses numbers out of range", () => {
    for (const [bus, device, fn] of [
      [256, 0, 0],
      [0, 32, 0],
      [0, 0, 8],
      [-1, 0, 0],
      [0.5, 0, 0],
      [0, Number.NaN, 0],
    ]) {
      assert.throws(() => routingId(bus as number, device as number, fn as number), RangeError);
    }
  });

  it("comes back from the address that it makes", () => {
    const any = fc.tuple(fc.nat(255), fc.nat(31), fc.nat(7));
    fc.assert(
      fc.property(any, ([bus, device, fn]) => {
        const rid = routingId(bus, device, fn);
        assert.equal(routingIdOf(formatBdf(0, rid)), rid);
      }),
    );
  });
});

describe("compareBdf", () => {
  it("orders by domain, then Routing ID, not by text", () => {
    const sorted = ["0000:00:1f.7", "0000:01:00.0", "0000:0a:00.0", "0001:00:00.0", "10000:00:00.0"].map(bdf);
    assert.deepEqual(sorted.toReversed().sort(compareBdf), sorted);
  });
});

describe("hex", () => {
  it("pads to the digits asked for, and never cuts", () => {
    assert.deepEqual([hex(0x84, 2), hex(5, 2), hex(0x1234, 2), hex(2n ** 40n, 8)], ["84", "05", "1234", "10000000000"]);
  });
});
