import { capability } from "../capability.ts";
import { bits, oneOf, register } from "../register.ts";

const IN_CONFIGURATION_SPACE = "configuration space";

/** Where the index-data pair is that opens the HBA's memory registers to I/O space. */
const LOCATIONS = {
  4: "BAR 0",
  5: "BAR 1",
  6: "BAR 2",
  7: "BAR 3",
  8: "BAR 4",
  9: "BAR 5",
  15: IN_CONFIGURATION_SPACE,
};

const INDEX_DATA_PAIR = {
  index: register(0x08, 32, undefined, "AHCI 1.3.1 §2.4", { sataIndex: bits(31, 0, "RW") }),
  data: register(0x0c, 32, undefined, "AHCI 1.3.1 §2.4", { sataData: bits(31, 0, "RW") }),
};

/** Serial ATA Index-Data Pair, of an AHCI controller. */
export const SATA = capability({
  id: 0x12,
  name: "SATA Index-Data Pair Configuration",
  spec: "AHCI 1.3.1 §2.4",
  table: {
    revision: register(0x02, 16, "PCI_CAP_FLAGS", "AHCI 1.3.1 §2.4.1", {
      sataMinorRevision: bits(3, 0, "RO"),
      sataMajorRevision: bits(7, 4, "RO"),
    }),
    location: register(0x04, 32, "PCI_SATA_REGS", "AHCI 1.3.1 §2.4.2", {
      indexDataLocation: bits(3, 0, "RO", { value: oneOf(LOCATIONS) }),
      indexDataOffsetBytes: bits(23, 4, "RO", { value: (raw) => raw * 4, doc: "of the pair in that BAR" }),
    }),
  },
  blocks: ({ indexDataLocation }) =>
    indexDataLocation === IN_CONFIGURATION_SPACE ? [{ offset: 0, table: INDEX_DATA_PAIR }] : [],
});
