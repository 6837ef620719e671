import assert from "node:assert/strict";
import { test } from "node:test";
import { dumpsAreMissing } from "../testing/dumps.ts";
import { decodeBytes, decodeDump } from "./testing/capability-bytes.ts";
import { VENDOR_SPECIFIC } from "./vendor-specific.ts";

const VIRTIO = { vendorId: 0x1af4, deviceId: 0x1041 };

test("virtio's notification structure reads as in lspci", { skip: dumpsAreMissing }, () => {
  assert.deepEqual(decodeDump("cap-vendor-virtio.txt", "00:09.0", VENDOR_SPECIFIC, 0x70), {
    lengthBytes: 20,
    virtioCfgType: "notifications",
    virtioBar: 2,
    virtioStructureId: 0,
    virtioOffsetBytes: 0x3000,
    virtioLengthBytes: 0x4_0000,
    virtioNotifyOffMultiplier: 0x1000,
    bytes: "02 02 00 00 00 00 30 00 00 00 00 04 00 00 10 00 00",
  });
});

test("virtio's structures are told by name", { skip: dumpsAreMissing }, () => {
  const types = [0x40, 0x50, 0x60].map(
    (offset) => decodeDump("cap-vendor-virtio.txt", "00:09.0", VENDOR_SPECIFIC, offset).virtioCfgType,
  );
  assert.deepEqual(types, ["common configuration", "ISR status", "device-specific configuration"]);
  assert.partialDeepStrictEqual(decodeDump("cap-vendor-virtio.txt", "00:04.0", VENDOR_SPECIFIC, 0x90), {
    virtioCfgType: "shared memory region",
    virtioBar: 2,
    virtioLengthBytes: 0x4000_0000,
    virtioOffsetHigh: 0,
  });
});

test("virtio: a structure too short for it, or of no known type, is not made up", () => {
  const notify = "10 02 02 00 0000 00300000 00000400 04000000";
  assert.equal("virtioNotifyOffMultiplier" in decodeBytes(VENDOR_SPECIFIC, notify, VIRTIO).values, false);
  assert.equal("virtioCfgType" in decodeBytes(VENDOR_SPECIFIC, `0f${notify.slice(2)}`, VIRTIO).values, false);
  assert.deepEqual(decodeBytes(VENDOR_SPECIFIC, "10 7f", VIRTIO).values.virtioCfgType, { kind: "unknown", id: 0x7f });
});

test("another vendor's capability shows its bytes", () => {
  const { values, sizeBytes } = decodeBytes(VENDOR_SPECIFIC, "08 01 aabbccdd ee");
  assert.equal(sizeBytes, 8);
  assert.deepEqual(values, { lengthBytes: 8, bytes: "01 aa bb cc dd" });
  // Red Hat has other devices than virtio's.
  assert.deepEqual(decodeBytes(VENDOR_SPECIFIC, "10 01", { vendorId: 0x1af4, deviceId: 0x1110 }).values, {
    lengthBytes: 16,
    bytes: "01 00 00 00 00 00 00 00 00 00 00 00 00",
  });
});

test("a vendor's length is believed up to the end of the region only", () => {
  const { values } = decodeBytes(VENDOR_SPECIFIC, "ff");
  assert.equal(values.lengthBytes, 255);
  assert.equal((values.bytes as string).split(" ").length, 0x100 - 0x43);
  assert.equal(decodeBytes(VENDOR_SPECIFIC, "02").values.bytes, "");
  assert.deepEqual(decodeBytes(VENDOR_SPECIFIC, "08", { readBytes: 0x41 }).values, { lengthBytes: null, bytes: null });
});
