import { capability } from "../capability.ts";
import { bit, bits, register } from "../register.ts";

/** Standard Hot-Plug Controller, of a PCI bridge: a window onto the controller's working registers. */
export const HOT_PLUG = capability({
  id: 0x0c,
  name: "PCI Hot-Plug (SHPC)",
  spec: "SHPC 1.0",
  table: {
    dwordSelect: register(0x02, 8, undefined, "SHPC 1.0", {
      dwordSelect: bits(7, 0, "RW", "which four bytes of the working registers the data register shows"),
    }),
    pending: register(0x03, 8, undefined, "SHPC 1.0", {
      controllerSerrPending: bit(2, "RO"),
      controllerInterruptPending: bit(3, "RO"),
    }),
    dwordData: register(0x04, 32, undefined, "SHPC 1.0", { dwordData: bits(31, 0, "RW") }),
  },
});
