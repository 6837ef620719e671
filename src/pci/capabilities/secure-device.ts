import { block } from "../block.ts";
import { capability } from "../capability.ts";
import { quadword } from "../quadword.ts";
import { bit, bits, oneOf, register } from "../register.ts";

const AMD_IOMMU = 3;

/** Of an AMD IOMMU (AMD 48882 §3.2; Linux `amd_iommu_types.h`). */
const IOMMU = {
  features: register(0x03, 8, undefined, "AMD 48882 §3.2", {
    iotlbSupported: bit(0, "RO", "devices may cache translations: ATS works below this IOMMU"),
    hyperTransportTunnel: bit(1, "RO"),
    notPresentCached: bit(2, "RO", "caches entries that are not present, so that software must invalidate new ones"),
    extendedFeatureRegister: bit(3, "RO"),
    capabilityExtended: bit(4, "RO"),
  }),
  baseLow: register(0x04, 32, undefined, "AMD 48882 §3.2", {
    iommuEnable: bit(0, "RW", "decodes its registers' address, and the base is locked"),
    iommuBaseLow: bits(31, 14, "RW", { value: (raw) => raw * 2 ** 14 }),
  }),
  baseHigh: register(0x08, 32, undefined, "AMD 48882 §3.2", { iommuBaseHigh: bits(31, 0, "RW") }),
  range: register(0x0c, 32, undefined, "AMD 48882 §3.2", {
    unitId: bits(4, 0, "RO", "HyperTransport UnitID"),
    rangeValid: bit(7, "RO"),
    rangeBus: bits(15, 8, "RO"),
    rangeFirstDevfn: bits(23, 16, "RO"),
    rangeLastDevfn: bits(31, 24, "RO"),
  }),
  misc: register(0x10, 32, undefined, "AMD 48882 §3.2", {
    msiNumber: bits(4, 0, "RO", "MSI vector of the event log"),
    guestVirtualAddressSize: bits(7, 5, "RO", "2: 48 bits"),
    physicalAddressBits: bits(14, 8, "RO"),
    virtualAddressBits: bits(21, 15, "RO"),
    hyperTransportAtsReserved: bit(22, "RW"),
    msiNumberPpr: bits(31, 27, "RO", "MSI vector of the peripheral page request log"),
  }),
};

/** Secure Device: in practice the capability by which an AMD IOMMU is found. */
export const SECURE_DEVICE = capability({
  id: 0x0f,
  name: "Secure Device",
  spec: "AMD 48882 §3.2",
  table: {
    capabilityType: register(0x02, 8, "PCI_CAP_FLAGS", "AMD 48882 §3.2", {
      secureDeviceType: bits(2, 0, "RO", { value: oneOf({ [AMD_IOMMU]: "AMD IOMMU" }) }),
      secureDeviceRevision: bits(7, 3, "RO"),
    }),
  },
  blocks: ({ secureDeviceType }) =>
    secureDeviceType === "AMD IOMMU"
      ? [
          block({
            offset: 0,
            table: IOMMU,
            derive: (values) => ({ iommuBaseAddress: quadword(values.iommuBaseLow, values.iommuBaseHigh) }),
          }),
        ]
      : [],
});
