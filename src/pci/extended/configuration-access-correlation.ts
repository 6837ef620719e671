import { capability } from "../capability.ts";
import { bits, register } from "../register.ts";

/** Configuration Access Correlation, of the withdrawn Trusted Configuration Space. */
export const CONFIGURATION_ACCESS_CORRELATION = capability({
  id: 0x0c,
  name: "Configuration Access Correlation (CAC)",
  spec: "Trusted Configuration Space ECN",
  table: {
    deviceCorrelation: register(0x04, 32, undefined, "Trusted Configuration Space ECN", {
      deviceCorrelation: bits(31, 0, "RO", "written from within the trusted environment"),
    }),
  },
});
