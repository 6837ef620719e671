import assert from "node:assert/strict";
import { test } from "node:test";
import { SECURE_DEVICE } from "./secure-device.ts";
import { decodeBytes } from "./testing/capability-bytes.ts";

test("Secure Device: an AMD IOMMU", () => {
  // Header 190B_640Fh of a Zen root complex; base FD20_0001h, enabled; bus 0; 64 virtual and 48 physical address bits.
  const { values, sizeBytes } = decodeBytes(SECURE_DEVICE, "0b19 010020fd 01000000 800010ff 40302000");
  assert.equal(sizeBytes, 20);
  assert.deepEqual(values, {
    secureDeviceType: "AMD IOMMU",
    secureDeviceRevision: 1,
    iotlbSupported: true,
    hyperTransportTunnel: false,
    notPresentCached: false,
    extendedFeatureRegister: true,
    capabilityExtended: true,
    iommuEnable: true,
    iommuBaseLow: 0xfd20_0000,
    iommuBaseHigh: 1,
    iommuBaseAddress: 0x1_fd20_0000n,
    unitId: 0,
    rangeValid: true,
    rangeBus: 0,
    rangeFirstDevfn: 0x10,
    rangeLastDevfn: 0xff,
    msiNumber: 0,
    guestVirtualAddressSize: 2,
    physicalAddressBits: 48,
    virtualAddressBits: 64,
    hyperTransportAtsReserved: false,
    msiNumberPpr: 0,
  });
});

test("Secure Device of another type has its type only", () => {
  assert.deepEqual(decodeBytes(SECURE_DEVICE, "09").values, {
    secureDeviceType: { kind: "unknown", id: 1 },
    secureDeviceRevision: 1,
  });
});
