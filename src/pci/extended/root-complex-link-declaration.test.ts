import assert from "node:assert/strict";
import { test } from "node:test";
import { dumpIsMissing } from "../testing/dumps.ts";
import { ROOT_COMPLEX_LINK_DECLARATION } from "./root-complex-link-declaration.ts";
import { decodeDump, decodeDwords, decodeInstance } from "./testing/capability-bytes.ts";

test("Link Declaration of an Intel ICH7 root port reads as in lspci", {
  skip: dumpIsMissing("cap-vc-and-rcl.txt"),
}, () => {
  const values = decodeDump("cap-vc-and-rcl.txt", "00:1c.0", ROOT_COMPLEX_LINK_DECLARATION, 0x180);
  assert.partialDeepStrictEqual(values, { portNumber: 1, componentId: 2, elementType: "configuration-space" });
  assert.deepEqual(values.linkEntries, [
    {
      linkValid: true,
      linkType: "memory-mapped",
      associateRcrbHeader: false,
      targetComponentId: 2,
      targetPortNumber: 0,
      linkAddressLower: 0xfed1_c001,
      linkAddressUpper: 0,
      rcrbAddress: 0xfed1_c000n,
    },
  ]);
});

test("Link Declaration finds the target's bus in as many bits as the entry says (PCIe 6.0 §7.9.8.3.2.2)", () => {
  // N = 6: bus in bits 25:20, the base above. Bus 2Ah, device 3, function 5, base 1_4000_0000h.
  const lower = 6 | (5 << 12) | (3 << 15) | (0x2a << 20) | 0x4000_0000;
  const { linkEntries } = decodeDwords(ROOT_COMPLEX_LINK_DECLARATION, [1 << 8, 0, 0, 3, 0, lower, 1]);
  assert.partialDeepStrictEqual(linkEntries, [
    {
      linkType: "configuration",
      targetBus: 0x2a,
      targetDevice: 3,
      targetFunction: 5,
      configurationSpaceBase: 0x1_4000_0000n,
    },
  ]);
  // N = 0 means eight bits.
  const eight = decodeDwords(ROOT_COMPLEX_LINK_DECLARATION, [1 << 8, 0, 0, 3, 0, 0xff << 20, 0]);
  assert.partialDeepStrictEqual(eight.linkEntries, [{ targetBus: 0xff, configurationSpaceBase: 0n }]);
});

test("Link Declaration shows no entry past configuration space", () => {
  const { values, sizeBytes } = decodeInstance(ROOT_COMPLEX_LINK_DECLARATION, [0xff << 8], { offset: 0xfc0 });
  assert.equal((values.linkEntries as unknown[]).length, 3);
  assert.equal(sizeBytes, 0x10 + 255 * 0x10, "as the register claims");
});
