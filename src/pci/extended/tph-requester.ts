import { block } from "../block.ts";
import { capability } from "../capability.ts";
import { bit, bits, oneOf, register } from "../register.ts";

const PCI_TPH_BASE_SIZEOF = 0x0c;
/** The limit where the table is in this capability; one in the MSI-X table may have 2048. */
const MAX_ST_ENTRIES = 64;

const ST_ENTRY = {
  entry: register(0x00, 16, undefined, "PCIe 6.0 §7.9.13.4", {
    stLower: bits(7, 0, "RW", "the steering tag's lower eight bits"),
    stUpper: bits(15, 8, "RW", "its upper eight, with Extended TPH"),
  }),
};

/** TPH Requester: requests may carry hints of the cache that their data is for (TLP Processing Hints). */
export const TPH_REQUESTER = capability({
  id: 0x17,
  name: "TPH Requester",
  spec: "PCIe 6.0 §7.9.13",
  table: {
    capability: register(0x04, 32, "PCI_TPH_CAP", "PCIe 6.0 §7.9.13.2", {
      noStModeSupported: bit(0, "RO", "hints without steering tags"),
      interruptVectorModeSupported: bit(1, "RO", "the interrupt's vector selects the steering tag"),
      deviceSpecificModeSupported: bit(2, "RO"),
      extendedTphRequesterSupported: bit(8, "RO", "steering tags of 16 bits"),
      stTableLocation: bits(10, 9, "RO", { value: oneOf({ 0: "none", 1: "tph-capability", 2: "msi-x-table" }) }),
      stTableEntries: bits(26, 16, "RO", { value: (raw) => raw + 1, doc: "means nothing without a table" }),
    }),
    control: register(0x08, 32, "PCI_TPH_CTRL", "PCIe 6.0 §7.9.13.3", {
      stModeSelect: bits(2, 0, "RW", { value: oneOf({ 0: "no-st", 1: "interrupt-vector", 2: "device-specific" }) }),
      tphRequesterEnable: bits(9, 8, "RW", { value: oneOf({ 0: "disabled", 1: "tph", 3: "tph-and-extended-tph" }) }),
    }),
  },
  blocks: ({ stTableLocation, stTableEntries }) =>
    Array.from(
      { length: stTableLocation === "tph-capability" ? Math.min(stTableEntries ?? 0, MAX_ST_ENTRIES) : 0 },
      (_, index) => block({ name: "steeringTags", offset: PCI_TPH_BASE_SIZEOF + index * 2, table: ST_ENTRY }),
    ),
});
