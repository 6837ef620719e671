import assert from "node:assert/strict";
import { test } from "node:test";
import { DVSEC } from "./dvsec.ts";
import { decodeDwords, decodeInstance } from "./testing/capability-bytes.ts";

/** A CXL device with one range of 16 GB: CXL 3.2 §8.1.3, Table 8-2 ff. */
const CXL_TYPE_3 = [
  0x0381_1e98, // vendor 1E98h, revision 1, 38h bytes
  0x401e_0000, // ID 0; io, mem, hardware init, one range, Viral
  0x0000_0006, // io and mem enabled
  0x8000_0000, // power management is initialized
  0x0000_0000,
  0x0000_0004, // range 1: 4 * 4 GB
  0x2001_0003 | 0x8 | 0x40, // valid, active, CDAT
  0x0000_0010, // at 10_0000_0000h
  0x0000_0000,
  0,
  0,
  0,
  0,
];

test("DVSEC names what a CXL device can do", () => {
  const { values, sizeBytes } = decodeInstance(DVSEC, CXL_TYPE_3);
  assert.partialDeepStrictEqual(values, {
    dvsecVendorId: 0x1e98,
    dvsecRevision: 1,
    dvsecLength: 0x38,
    dvsecId: 0,
    cacheCapable: false,
    ioCapable: true,
    memCapable: true,
    memHwInitMode: true,
    hdmCount: 1,
    viralCapable: true,
    cxlResetCapable: false,
    ioEnable: true,
    memEnable: true,
    powerManagementInitializationComplete: true,
    cacheSizeBytes: null,
  });
  assert.partialDeepStrictEqual(values.cxlRanges, [
    {
      memoryInfoValid: true,
      memoryActive: true,
      mediaType: "cdat",
      memoryClass: "cdat",
      memoryActiveDegraded: true,
      memorySizeBytes: 0x4_2000_0000n,
      memoryBase: 0x10_0000_0000n,
    },
    { memoryInfoValid: false, memorySizeBytes: 0n },
  ]);
  assert.equal(sizeBytes, 0x38);
  assert.equal("defaultVolatileHdmStateAfterHotReset" in values, false, "revision 2 brought it");
});

test("DVSEC decodes of CXL 1.1's revision 0 what has stayed", () => {
  const values = decodeDwords(DVSEC, [0x0380_1e98, ...CXL_TYPE_3.slice(1)]);
  assert.equal(values.memCapable, true);
  assert.equal("cxlRanges" in values, false);
});

test("DVSEC decodes nothing past its length", () => {
  const values = decodeDwords(DVSEC, [0x0101_1e98, ...CXL_TYPE_3.slice(1)]);
  assert.equal(values.memCapable, true);
  assert.equal("disableCaching" in values, false);
  assert.equal(values.bytes, "1e 40 06 00 00 00");
});

test("DVSEC shows the bytes of what it does not know (PCIe 6.0 §7.9.6)", () => {
  assert.deepEqual(decodeDwords(DVSEC, [0x0102_8086, 0x0201_0005, 0x0605_0403]), {
    dvsecVendorId: 0x8086,
    dvsecRevision: 2,
    dvsecLength: 0x10,
    dvsecId: 5,
    bytes: "01 02 03 04 05 06",
  });
  assert.equal(decodeDwords(DVSEC, [0xfff0_8086, 0], { offset: 0xff0 }).bytes, "00 00 00 00 00 00");
});
