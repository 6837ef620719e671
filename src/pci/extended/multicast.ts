import { block } from "../block.ts";
import { capability } from "../capability.ts";
import { PCI_EXP_TYPE_DOWNSTREAM, PCI_EXP_TYPE_ROOT_PORT, PCI_EXP_TYPE_UPSTREAM } from "../device-port-type.ts";
import { quadword } from "../quadword.ts";
import { bit, bits, register } from "../register.ts";

/** Device/Port Types of Root Ports, Switch Upstream and Downstream Ports (PCIe 6.0 §7.5.3.2). */
const PORTS: readonly unknown[] = [PCI_EXP_TYPE_ROOT_PORT, PCI_EXP_TYPE_UPSTREAM, PCI_EXP_TYPE_DOWNSTREAM];

const OVERLAY_BAR = {
  overlayBarLower: register(0x28, 32, undefined, "PCIe 6.0 §7.9.11.8", {
    mcOverlaySizeLog2: bits(5, 0, "RW", "log2 of the window in bytes; below 6 the overlay is off"),
    mcOverlayBarLower: bits(31, 6, "RW", { value: (raw) => raw * 64 }),
  }),
  overlayBarUpper: register(0x2c, 32, undefined, "PCIe 6.0 §7.9.11.8", { mcOverlayBarUpper: bits(31, 0, "RW") }),
};

/** Multicast: one posted write to an address window reaches every function that listens to its group. */
export const MULTICAST = capability({
  id: 0x12,
  name: "Multicast",
  spec: "PCIe 6.0 §7.9.11",
  table: {
    capability: register(0x04, 16, undefined, "PCIe 6.0 §7.9.11.2", {
      mcMaxGroups: bits(5, 0, "RO", { value: (raw) => raw + 1 }),
      mcWindowSizeRequestedLog2: bits(13, 8, "RO", "log2 of bytes; endpoints only"),
      mcEcrcRegenerationSupported: bit(15, "RO", "ports only"),
    }),
    control: register(0x06, 16, undefined, "PCIe 6.0 §7.9.11.3", {
      mcNumGroups: bits(5, 0, "RW", { value: (raw) => raw + 1 }),
      mcEnable: bit(15, "RW"),
    }),
    baseAddressLower: register(0x08, 32, undefined, "PCIe 6.0 §7.9.11.4", {
      mcIndexPosition: bits(5, 0, "RW", "lowest address bit of the group number"),
      mcBaseAddressLower: bits(31, 12, "RW", { value: (raw) => raw * 4096 }),
    }),
    baseAddressUpper: register(0x0c, 32, undefined, "PCIe 6.0 §7.9.11.4", { mcBaseAddressUpper: bits(31, 0, "RW") }),
    receiveLower: register(0x10, 32, undefined, "PCIe 6.0 §7.9.11.5", { mcReceiveLower: bits(31, 0, "RW") }),
    receiveUpper: register(0x14, 32, undefined, "PCIe 6.0 §7.9.11.5", { mcReceiveUpper: bits(31, 0, "RW") }),
    blockAllLower: register(0x18, 32, undefined, "PCIe 6.0 §7.9.11.6", { mcBlockAllLower: bits(31, 0, "RW") }),
    blockAllUpper: register(0x1c, 32, undefined, "PCIe 6.0 §7.9.11.6", { mcBlockAllUpper: bits(31, 0, "RW") }),
    blockUntranslatedLower: register(0x20, 32, undefined, "PCIe 6.0 §7.9.11.7", {
      mcBlockUntranslatedLower: bits(31, 0, "RW"),
    }),
    blockUntranslatedUpper: register(0x24, 32, undefined, "PCIe 6.0 §7.9.11.7", {
      mcBlockUntranslatedUpper: bits(31, 0, "RW"),
    }),
  },
  blocks: (_values, { devicePortType }) =>
    PORTS.includes(devicePortType)
      ? [
          block({
            offset: 0,
            table: OVERLAY_BAR,
            derive: (values) => ({ mcOverlayBar: quadword(values.mcOverlayBarLower, values.mcOverlayBarUpper) }),
          }),
        ]
      : [],
  /** Bit n of a vector stands for group n. */
  derive: (values) => ({
    mcBaseAddress: quadword(values.mcBaseAddressLower, values.mcBaseAddressUpper),
    mcReceive: quadword(values.mcReceiveLower, values.mcReceiveUpper),
    mcBlockAll: quadword(values.mcBlockAllLower, values.mcBlockAllUpper),
    mcBlockUntranslated: quadword(values.mcBlockUntranslatedLower, values.mcBlockUntranslatedUpper),
  }),
});
