import { block } from "../block.ts";
import { capability } from "../capability.ts";
import { bit, bits, register } from "../register.ts";
import { setBits } from "../set-bits.ts";
import { rawRegister } from "./raw-register.ts";

const RESOURCE_SIZE = 0x0c;

const RESOURCE = {
  capability: register(0x00, 32, undefined, "PCIe 6.3 §7.9.29.6", { svcResourceCapability: rawRegister(32) }),
  control: register(0x04, 32, undefined, "PCIe 6.3 §7.9.29.7", {
    svcTcVcMap: bits(7, 0, "RW", {
      value: setBits,
      doc: "the traffic classes that use the VC",
    }),
    svcProtocolSelected: bits(11, 8, "RW", "0 not UIO, 2 UIO alone, 3 either"),
    svcSharedFlowControlUsageLimit: bits(29, 27, "RW"),
    svcSharedFlowControlUsageLimitEnable: bit(30, "RW"),
    svcEnable: bit(31, "RW"),
  }),
  status: register(0x08, 32, undefined, "PCIe 6.3 §7.9.29.8", {
    svcNegotiationPending: bit(1, "RO", "the link is still setting the VC up"),
  }),
};

/** Streamlined Virtual Channel: VCs without arbitration tables, which Unordered I/O needs. */
export const STREAMLINED_VIRTUAL_CHANNEL = capability({
  id: 0x35,
  name: "Streamlined Virtual Channel (SVC)",
  spec: "PCIe 6.3 §7.9.29",
  table: {
    portCapability1: register(0x04, 32, undefined, "PCIe 6.3 §7.9.29.2", {
      svcExtendedVcCount: bits(2, 0, "RO", "VCs besides the default one"),
    }),
    portCapability2: register(0x08, 32, undefined, "PCIe 6.3 §7.9.29.3", { svcPortCapability2: rawRegister(32) }),
    portControl: register(0x0c, 32, undefined, "PCIe 6.3 §7.9.29.4", { svcPortControl: rawRegister(32) }),
    portStatus: register(0x10, 32, undefined, "PCIe 6.3 §7.9.29.5", { svcPortStatus: rawRegister(32) }),
  },
  blocks: ({ svcExtendedVcCount }) =>
    Array.from({ length: svcExtendedVcCount === null ? 0 : svcExtendedVcCount + 1 }, (_, index) =>
      block({ name: "virtualChannels", offset: 0x14 + index * RESOURCE_SIZE, table: RESOURCE }),
    ),
});
