import { capability } from "../capability.ts";
import { bit, bits, register, type Values } from "../register.ts";
import { setBits } from "../set-bits.ts";
import {
  arbitrationTableEnd,
  referenceClockNs,
  resourceArbitration,
  resourceArbitrations,
  tableOffsetBytes,
  vcArbitration,
  vcArbitrations,
  vcArbitrationTableEnd,
  virtualChannels,
} from "./virtual-channel.ts";

const VC_RESOURCE = {
  capability: register(0x00, 32, "PCI_VC_RES_CAP", "PCIe 6.0 §7.9.2.6", {
    functionArbitrationCapability: bits(7, 0, "RO", { value: resourceArbitrations }),
    maximumTimeSlots: bits(22, 16, "HwInit", { value: (raw) => raw + 1, doc: "of time-based arbitration" }),
    functionArbitrationTableOffsetBytes: bits(31, 24, "RO", { value: tableOffsetBytes, doc: "0: there is no table" }),
  }),
  control: register(0x04, 32, "PCI_VC_RES_CTRL", "PCIe 6.0 §7.9.2.7", {
    tcVcMap: bits(7, 0, "RW", {
      value: setBits,
      doc: "the traffic classes that use the VC; FFh in VC 0 after a reset",
    }),
    loadFunctionArbitrationTable: bit(16, "RW", "reads 0"),
    functionArbitrationSelect: bits(19, 17, "RW", { value: resourceArbitration }),
    vcId: bits(26, 24, "RW", "0 and read-only in the first VC"),
    sharedFlowControlUsageLimit: bits(29, 27, "RW", "eighths of the shared credits that the VC may take (Flit Mode)"),
    sharedFlowControlUsageLimitEnable: bit(30, "RW"),
    vcEnable: bit(31, "RW", "1 in the first VC"),
  }),
  status: register(0x0a, 16, "PCI_VC_RES_STATUS", "PCIe 6.0 §7.9.2.8", {
    functionArbitrationTableStatus: bit(0, "RO", "the table was written and not yet loaded"),
    vcNegotiationPending: bit(1, "RO", "the link is still setting up or disabling the VC"),
  }),
};

/** Multi-Function Virtual Channel, in function 0: how the functions of a device share its upstream port. */
export const MFVC = capability({
  id: 0x08,
  name: "Multi-Function Virtual Channel (MFVC)",
  spec: "PCIe 6.0 §7.9.2",
  table: {
    capability1: register(0x04, 32, "PCI_VC_PORT_CAP1", "PCIe 6.0 §7.9.2.2", {
      extendedVcCount: bits(2, 0, "RO", "VCs besides the default one"),
      lowPriorityExtendedVcCount: bits(6, 4, "RO", "of these, in the low-priority group"),
      referenceClockNs: bits(9, 8, "RO", { value: referenceClockNs, doc: "of time-based arbitration" }),
      functionArbitrationTableEntryBits: bits(11, 10, "RO", { value: (raw) => 1 << raw }),
    }),
    capability2: register(0x08, 32, "PCI_VC_PORT_CAP2", "PCIe 6.0 §7.9.2.3", {
      vcArbitrationCapability: bits(7, 0, "RO", { value: vcArbitrations, doc: "within the low-priority group" }),
      vcArbitrationTableOffsetBytes: bits(31, 24, "RO", { value: tableOffsetBytes, doc: "0: there is no table" }),
    }),
    control: register(0x0c, 16, "PCI_VC_PORT_CTRL", "PCIe 6.0 §7.9.2.4", {
      loadVcArbitrationTable: bit(0, "RW", "reads 0"),
      vcArbitrationSelect: bits(3, 1, "RW", { value: vcArbitration }),
      allVcsEnabled: bit(4, "RW", "no further VC will be enabled: buffers may be shared out"),
    }),
    status: register(0x0e, 16, "PCI_VC_PORT_STATUS", "PCIe 6.0 §7.9.2.5", {
      vcArbitrationTableStatus: bit(0, "RO", "the table was written and not yet loaded"),
    }),
  },
  blocks: ({ extendedVcCount }) => virtualChannels(extendedVcCount, VC_RESOURCE),
  size: (values) => {
    const entryBits = values.functionArbitrationTableEntryBits;
    const channels = (values as Record<string, unknown>).virtualChannels as readonly Values<typeof VC_RESOURCE>[];
    const ends = channels.map(
      ({ functionArbitrationTableOffsetBytes: offsetBytes, functionArbitrationCapability: schemes }) =>
        arbitrationTableEnd(offsetBytes, schemes, entryBits),
    );
    return Math.max(vcArbitrationTableEnd(values), ...ends);
  },
});
