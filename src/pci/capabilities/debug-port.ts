import { capability } from "../capability.ts";
import { bits, register } from "../register.ts";

/** Debug Port, of a USB 2 host controller. */
export const DEBUG_PORT = capability({
  id: 0x0a,
  name: "Debug Port",
  spec: "EHCI 1.0 Appendix C",
  table: {
    location: register(0x02, 16, "PCI_CAP_FLAGS", "EHCI 1.0 Appendix C", {
      debugPortOffsetBytes: bits(12, 0, "RO", "of the registers in the BAR"),
      debugPortBar: bits(15, 13, "RO", "1: the BAR at 10h, and so on to 6: the one at 24h"),
    }),
  },
});
