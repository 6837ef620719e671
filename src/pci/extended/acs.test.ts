import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { extendedCapability } from "../testing/config-builder.ts";
import { ACS } from "./acs.ts";

describe("ACS", () => {
  it("has an egress control vector of as many bits as it says, 256 for 0 (PCIe 6.0 §7.7.11.2, §7.7.11.4)", () => {
    const vectors = (capability: number) => {
      const { values, sizeBytes } = extendedCapability(ACS, [capability, 0x0000_0005, 0x8000_0000]);
      return [values.egressControlVectors, sizeBytes];
    };
    assert.deepEqual(vectors(0x2820), [[{ egressBlocked: 5 }, { egressBlocked: 0x8000_0000 }], 0x10]);
    assert.equal((vectors(0x0020)[0] as unknown[]).length, 8);
    assert.deepEqual(vectors(0x085f), [undefined, 0x08], "none without P2P Egress Control");
  });
});
