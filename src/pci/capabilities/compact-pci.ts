import { capability } from "../capability.ts";
import { bit, bits, register } from "../register.ts";

/** CompactPCI Hot Swap. */
export const COMPACT_PCI_HOT_SWAP = capability({
  id: 0x06,
  name: "CompactPCI Hot Swap",
  spec: "PICMG 2.1 R2.0",
  table: {
    controlStatus: register(0x02, 8, "PCI_CHSWP_CSR", "PICMG 2.1 R2.0", {
      deviceHidingArm: bit(0, "RW"),
      enumSignalMask: bit(1, "RW", "ENUM# is not driven"),
      pendingInsertionOrExtraction: bit(2, "RO"),
      ledOn: bit(3, "RW", "the blue light: the board may be taken out"),
      hotSwapProgrammingInterface: bits(5, 4, "RO"),
      extraction: bit(6, "RW1C", "ENUM# is driven: the board wants out"),
      insertion: bit(7, "RW1C", "ENUM# is driven: the board is new"),
    }),
  },
});

/** CompactPCI Central Resource Control. No public specification gives its registers. */
export const COMPACT_PCI_CENTRAL_RESOURCE_CONTROL = capability({
  id: 0x0b,
  name: "CompactPCI Central Resource Control",
  spec: "PICMG 2.13",
  table: {
    flags: register(0x02, 16, "PCI_CAP_FLAGS", "PICMG 2.13", {
      centralResourceControlFlags: bits(15, 0, "RO", "its layout is not known"),
    }),
  },
});
