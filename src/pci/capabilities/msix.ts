import { capability } from "../capability.ts";
import { PCI_CAP_ID_MSIX } from "../capability-ids.ts";
import { bit, bits, oneOf, register } from "../register.ts";

/** BAR Indicator Register: 6 and 7 are reserved. */
const bir = oneOf({ 0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 5 });
const qwordOffset = (raw: number): number => raw * 8;

/** MSI-X: up to 2048 vectors, each with an address of its own, in a table in one of the function's BARs. */
export const MSIX = capability({
  id: PCI_CAP_ID_MSIX,
  name: "MSI-X",
  spec: "PCIe 6.0 §7.7.2",
  table: {
    messageControl: register(0x02, 16, "PCI_MSIX_FLAGS", "PCIe 6.0 §7.7.2.2", {
      tableSize: bits(10, 0, "RO", { value: (raw) => raw + 1, doc: "vectors; the register holds one less" }),
      functionMask: bit(14, "RW", "all vectors are masked"),
      msixEnable: bit(15, "RW", "may send messages and may not assert INTx or use MSI"),
    }),
    table: register(0x04, 32, "PCI_MSIX_TABLE", "PCIe 6.0 §7.7.2.3", {
      tableBir: bits(2, 0, "RO", { value: bir, doc: "the BAR that holds the table" }),
      tableOffset: bits(31, 3, "RO", { value: qwordOffset, doc: "of the table in that BAR, bytes" }),
    }),
    pendingBitArray: register(0x08, 32, "PCI_MSIX_PBA", "PCIe 6.0 §7.7.2.4", {
      pbaBir: bits(2, 0, "RO", { value: bir, doc: "the BAR that holds the Pending Bit Array" }),
      pbaOffset: bits(31, 3, "RO", { value: qwordOffset, doc: "of the array in that BAR, bytes" }),
    }),
  },
});
