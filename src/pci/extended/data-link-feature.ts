import { hex } from "../bdf.ts";
import { capability } from "../capability.ts";
import { bit, bits, register } from "../register.ts";

/** Data Link Feature: what the two ends of a link told each other when it came up. */
export const DATA_LINK_FEATURE = capability({
  id: 0x25,
  name: "Data Link Feature (DLF)",
  spec: "PCIe 6.0 §7.7.4",
  table: {
    capabilities: register(0x04, 32, "PCI_DLF_CAP", "PCIe 6.0 §7.7.4.2", {
      localScaledFlowControlSupported: bit(0, "HwInit"),
      localDataLinkFeatures: bits(22, 0, "HwInit", {
        value: (raw) => hex(raw, 6),
        doc: "all that the port announces, Scaled Flow Control at bit 0",
      }),
      dataLinkFeatureExchangeEnable: bit(31, "HwInit", "the port announces its features"),
    }),
    status: register(0x08, 32, undefined, "PCIe 6.0 §7.7.4.3", {
      remoteScaledFlowControlSupported: bit(0, "RO"),
      remoteDataLinkFeatures: bits(22, 0, "RO", {
        value: (raw) => hex(raw, 6),
        doc: "what the other end announced; means something where it is valid",
      }),
      remoteDataLinkFeatureValid: bit(31, "RO"),
    }),
  },
});
