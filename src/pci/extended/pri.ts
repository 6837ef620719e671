import { capability } from "../capability.ts";
import { bit, bits, register } from "../register.ts";

/** Page Request Interface: the function asks for pages that are not resident. A PF's serves its VFs too. */
export const PRI = capability({
  id: 0x13,
  name: "Page Request Interface (PRI)",
  spec: "PCIe 6.0 §10.5.2",
  table: {
    control: register(0x04, 16, "PCI_PRI_CTRL", "PCIe 6.0 §10.5.2.2", {
      priEnable: bit(0, "RW", "may request pages"),
      priReset: bit(1, "RW", "drops pending requests and credits; reads 0"),
    }),
    status: register(0x06, 16, "PCI_PRI_STATUS", "PCIe 6.0 §10.5.2.3", {
      responseFailure: bit(0, "RW1C"),
      unexpectedPageRequestGroupIndex: bit(1, "RW1C", "a response came that nothing had asked for (UPRGI)"),
      stopped: bit(8, "RO", "no request is outstanding; means nothing while enabled", 1),
      prgResponsePasidRequired: bit(15, "RO", "responses must carry the request's PASID"),
    }),
    capacity: register(0x08, 32, "PCI_PRI_MAX_REQ", "PCIe 6.0 §10.5.2.4", {
      outstandingPageRequestCapacity: bits(31, 0, "RO", "requests that the function can have outstanding"),
    }),
    allocation: register(0x0c, 32, "PCI_PRI_ALLOC_REQ", "PCIe 6.0 §10.5.2.5", {
      outstandingPageRequestAllocation: bits(31, 0, "RW", "requests that it may have outstanding"),
    }),
  },
});
