import { hex } from "../bdf.ts";
import { block } from "../block.ts";
import { capability } from "../capability.ts";
import { PCI_CFG_SPACE_EXP_SIZE } from "../config-space.ts";
import { quadword } from "../quadword.ts";
import { bits, oneOf, register } from "../register.ts";

const FIRST_LOCATOR = 0x08;
const LOCATOR_SIZE = 8;

const LOCATOR = {
  low: register(0x00, 32, undefined, "PCIe 6.3 §7.9.30.3", {
    blockBir: bits(2, 0, "HwInit", "the BAR in which the block lies"),
    registerBlockId: bits(15, 8, "HwInit", {
      value: oneOf({ 0x00: "empty", 0x01: "MMIO Capabilities (MCAP)", 0xff: "designated vendor-specific (MDVS)" }),
    }),
    blockOffsetLow: bits(31, 16, "HwInit", { value: (raw) => raw * 0x1_0000 }),
  }),
  high: register(0x04, 32, undefined, "PCIe 6.3 §7.9.30.3", { blockOffsetHigh: bits(31, 0, "HwInit") }),
};

/** MMIO Register Block Locator: where in the function's BARs standard register blocks lie. */
export const MMIO_REGISTER_BLOCK_LOCATOR = capability({
  id: 0x36,
  name: "MMIO Register Block Locator (MRBL)",
  spec: "PCIe 6.3 §7.9.30",
  table: {
    capabilities: register(0x04, 32, undefined, "PCIe 6.3 §7.9.30.2", {
      mrblStructureLength: bits(11, 0, "HwInit", "bytes, with both headers"),
    }),
  },
  blocks: ({ mrblStructureLength }, { offset }) => {
    const length = Math.min(mrblStructureLength ?? 0, PCI_CFG_SPACE_EXP_SIZE - offset);
    return Array.from({ length: Math.max(0, Math.floor((length - FIRST_LOCATOR) / LOCATOR_SIZE)) }, (_, index) =>
      block({
        name: "registerBlocks",
        offset: FIRST_LOCATOR + index * LOCATOR_SIZE,
        table: LOCATOR,
        derive: ({ blockOffsetLow, blockOffsetHigh }) => {
          const blockOffset = quadword(blockOffsetLow, blockOffsetHigh);
          return { blockOffset: blockOffset === null ? null : hex(blockOffset, 16) };
        },
      }),
    );
  },
  size: ({ mrblStructureLength }) => mrblStructureLength,
});
