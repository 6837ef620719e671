import { block } from "../block.ts";
import { capability } from "../capability.ts";
import { bit, bits, register } from "../register.ts";
import { rawRegister } from "./raw-register.ts";

const SELECTIVE_ENABLE_MASK = {
  selectiveEnableMask: register(0x14, 32, undefined, "PCIe 6.0 §7.9.20.6", {
    alternateProtocolSelectiveEnableMask: rawRegister(32, "bit n: protocol n may be negotiated"),
  }),
};

/** Alternate Protocol: what else the link can carry, agreed on by modified training sets. */
export const ALTERNATE_PROTOCOL = capability({
  id: 0x2b,
  name: "Alternate Protocol",
  spec: "PCIe 6.0 §7.9.20",
  table: {
    capabilities: register(0x04, 32, undefined, "PCIe 6.0 §7.9.20.2", {
      alternateProtocolCount: bits(7, 0, "HwInit", "PCI Express is one of them"),
      alternateProtocolSelectiveEnableSupported: bit(8, "HwInit"),
    }),
    control: register(0x08, 32, undefined, "PCIe 6.0 §7.9.20.3", {
      alternateProtocolIndexSelect: bits(7, 0, "RW", "the protocol that the data registers show"),
      alternateProtocolNegotiationGlobalEnable: bit(8, "RW"),
    }),
    data1: register(0x0c, 32, undefined, "PCIe 6.0 §7.9.20.4", { alternateProtocolData1: rawRegister(32) }),
    data2: register(0x10, 32, undefined, "PCIe 6.0 §7.9.20.5", { alternateProtocolData2: rawRegister(32) }),
  },
  blocks: ({ alternateProtocolSelectiveEnableSupported }) =>
    alternateProtocolSelectiveEnableSupported === true ? [block({ offset: 0, table: SELECTIVE_ENABLE_MASK })] : [],
});
