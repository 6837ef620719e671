import { block } from "../block.ts";
import { capability } from "../capability.ts";
import { PCI_CFG_SPACE_EXP_SIZE } from "../config-space.ts";
import { quadword } from "../quadword.ts";
import { bit, bits, oneOf, register } from "../register.ts";

const FIRST_LINK_ENTRY = 0x10;
const LINK_ENTRY_SIZE = 0x10;

const LINK_ENTRY = {
  description: register(0x00, 32, undefined, "PCIe 6.0 §7.9.8.3.1", {
    linkValid: bit(0, "HwInit"),
    linkType: bits(1, 1, "HwInit", {
      value: oneOf({ 0: "memory-mapped", 1: "configuration" }),
      doc: "what the address is",
    }),
    associateRcrbHeader: bit(2, "HwInit", "the target RCRB's header also governs this element"),
    targetComponentId: bits(23, 16, "HwInit"),
    targetPortNumber: bits(31, 24, "HwInit"),
  }),
  addressLower: register(0x08, 32, undefined, "PCIe 6.0 §7.9.8.3.2", { linkAddressLower: bits(31, 0, "HwInit") }),
  addressUpper: register(0x0c, 32, undefined, "PCIe 6.0 §7.9.8.3.2", { linkAddressUpper: bits(31, 0, "HwInit") }),
};

/** Root Complex Link Declaration: how the elements of a Root Complex are connected inside. */
export const ROOT_COMPLEX_LINK_DECLARATION = capability({
  id: 0x05,
  name: "Root Complex Link Declaration",
  spec: "PCIe 6.0 §7.9.8",
  table: {
    elementSelfDescription: register(0x04, 32, undefined, "PCIe 6.0 §7.9.8.2", {
      elementType: bits(3, 0, "RO", {
        value: oneOf({ 0: "configuration-space", 1: "system-egress-port", 2: "internal-link" }),
        doc: "1 is also an internal sink, as memory",
      }),
      numberOfLinkEntries: bits(15, 8, "HwInit"),
      componentId: bits(23, 16, "HwInit"),
      portNumber: bits(31, 24, "HwInit", "0: the default egress port"),
    }),
  },
  blocks: ({ numberOfLinkEntries }, view) => {
    const room = Math.floor((PCI_CFG_SPACE_EXP_SIZE - view.offset - FIRST_LINK_ENTRY) / LINK_ENTRY_SIZE);
    return Array.from({ length: Math.max(0, Math.min(numberOfLinkEntries ?? 0, room)) }, (_, index) =>
      block({
        name: "linkEntries",
        offset: FIRST_LINK_ENTRY + index * LINK_ENTRY_SIZE,
        table: LINK_ENTRY,
        derive: ({ linkType, linkAddressLower, linkAddressUpper }) => {
          const address = quadword(linkAddressLower, linkAddressUpper);
          if (linkType === "configuration") return configurationTarget(address);
          // The lowest twelve bits are reserved; some hardware has its RCRB's enable bit among them.
          return { rcrbAddress: address === null ? null : address & ~0xfffn };
        },
      }),
    );
  },
  size: ({ numberOfLinkEntries }) => FIRST_LINK_ENTRY + (numberOfLinkEntries ?? 0) * LINK_ENTRY_SIZE,
});

/** The address of a configuration space, whose lowest three bits say how many the bus number has (§7.9.8.3.2.2). */
function configurationTarget(address: bigint | null): Record<string, unknown> {
  if (address === null) {
    return { targetBus: null, targetDevice: null, targetFunction: null, configurationSpaceBase: null };
  }
  const busBits = BigInt(Number(address & 7n) || 8);
  return {
    targetBus: Number((address >> 20n) & ((1n << busBits) - 1n)),
    targetDevice: Number((address >> 15n) & 0x1fn),
    targetFunction: Number((address >> 12n) & 7n),
    configurationSpaceBase: (address >> (20n + busBits)) << (20n + busBits),
  };
}
