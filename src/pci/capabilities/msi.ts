import { type Block, capability } from "../capability.ts";
import { quadword } from "../quadword.ts";
import { bit, bits, oneOf, type RegisterTable, register } from "../register.ts";

/** Multiple Message Capable and Enable: 2^n vectors, 32 at the most. */
const vectors = oneOf({ 0: 1, 1: 2, 2: 4, 3: 8, 4: 16, 5: 32 });

const UPPER_ADDRESS = {
  messageUpperAddress: register(0x08, 32, "PCI_MSI_ADDRESS_HI", "PCIe 6.0 §7.7.1.4", {
    messageUpperAddress: bits(31, 0, "RW"),
  }),
};

/** The registers that follow the address, whose place depends on its width. */
function dataTable(is64: boolean): RegisterTable {
  return {
    messageData: register(is64 ? 0x0c : 0x08, 16, is64 ? "PCI_MSI_DATA_64" : "PCI_MSI_DATA_32", "PCIe 6.0 §7.7.1.5", {
      data: bits(15, 0, "RW", "the function replaces the low bits by the vector's number"),
    }),
  };
}

function extendedDataTable(is64: boolean): RegisterTable {
  return {
    extendedMessageData: register(is64 ? 0x0e : 0x0a, 16, undefined, "PCIe 6.0 §7.7.1.6", {
      extendedData: bits(15, 0, "RW", "bits 31:16 of the data"),
    }),
  };
}

function maskTable(is64: boolean): RegisterTable {
  return {
    maskBits: register(is64 ? 0x10 : 0x0c, 32, is64 ? "PCI_MSI_MASK_64" : "PCI_MSI_MASK_32", "PCIe 6.0 §7.7.1.7", {
      mask: bits(31, 0, "RW", "bit n: vector n may not be sent"),
    }),
    pendingBits: register(
      is64 ? 0x14 : 0x10,
      32,
      is64 ? "PCI_MSI_PENDING_64" : "PCI_MSI_PENDING_32",
      "PCIe 6.0 §7.7.1.8",
      { pending: bits(31, 0, "RO", "bit n: vector n waits to be sent") },
    ),
  };
}

/** The registers that follow the address, for both of its widths. */
const AFTER_ADDRESS_32 = { data: dataTable(false), extendedData: extendedDataTable(false), mask: maskTable(false) };
const AFTER_ADDRESS_64 = { data: dataTable(true), extendedData: extendedDataTable(true), mask: maskTable(true) };

/** Message Signaled Interrupts: up to 32 vectors at one address. */
export const MSI = capability({
  id: 0x05,
  name: "Message Signaled Interrupts (MSI)",
  spec: "PCIe 6.0 §7.7.1",
  table: {
    messageControl: register(0x02, 16, "PCI_MSI_FLAGS", "PCIe 6.0 §7.7.1.2", {
      enabled: bit(0, "RW", "may send messages and may not assert INTx"),
      multipleMessageCapable: bits(3, 1, "RO", { value: vectors, doc: "vectors that the function asks for" }),
      multipleMessageEnabled: bits(6, 4, "RW", { value: vectors, doc: "vectors that it was given" }),
      address64Capable: bit(7, "RO"),
      perVectorMaskingCapable: bit(8, "RO"),
      extendedMessageDataCapable: bit(9, "RO"),
      extendedMessageDataEnable: bit(10, "RW"),
    }),
    messageAddress: register(0x04, 32, "PCI_MSI_ADDRESS_LO", "PCIe 6.0 §7.7.1.3", {
      messageAddress: bits(31, 2, "RW", { value: (raw) => raw * 4, doc: "bits 31:0 of the address" }),
    }),
  },
  blocks: ({ address64Capable, perVectorMaskingCapable, extendedMessageDataCapable }) => {
    if (address64Capable === null) return [];
    const tables = address64Capable ? AFTER_ADDRESS_64 : AFTER_ADDRESS_32;
    const blocks: Block[] = [];
    if (address64Capable) blocks.push({ offset: 0, table: UPPER_ADDRESS });
    blocks.push({ offset: 0, table: tables.data });
    if (extendedMessageDataCapable) blocks.push({ offset: 0, table: tables.extendedData });
    if (perVectorMaskingCapable) blocks.push({ offset: 0, table: tables.mask });
    return blocks;
  },
  derive: (values) => {
    // The upper half is a block's field, which the type of the table does not show.
    const { address64Capable, messageAddress, messageUpperAddress } = values as typeof values & {
      messageUpperAddress?: number | null;
    };
    if (address64Capable === null || messageAddress === null) return { address: null };
    if (!address64Capable) return { address: BigInt(messageAddress) };
    return { address: quadword(messageAddress, messageUpperAddress ?? null) };
  },
});
