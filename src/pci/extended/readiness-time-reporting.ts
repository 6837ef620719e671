import { capability } from "../capability.ts";
import { bit, bits, register, type Unknown } from "../register.ts";

const LARGEST_SCALE = 5;

/** Readiness Time Reporting: how long after a reset the function needs before it answers configuration requests. */
export const READINESS_TIME_REPORTING = capability({
  id: 0x22,
  name: "Readiness Time Reporting (RTR)",
  spec: "PCIe 6.0 §7.9.16",
  table: {
    readiness1: register(0x04, 32, undefined, "PCIe 6.0 §7.9.16.2", {
      resetTimeNs: bits(11, 0, "HwInit", { value: timeNs, doc: "after a conventional reset" }),
      dlUpTimeNs: bits(23, 12, "HwInit", { value: timeNs, doc: "after the link came up" }),
      readinessTimesValid: bit(31, "HwInit", "while it is 0, the times mean nothing yet"),
    }),
    readiness2: register(0x08, 32, undefined, "PCIe 6.0 §7.9.16.3", {
      flrTimeNs: bits(11, 0, "HwInit", { value: timeNs, doc: "after a Function Level Reset" }),
      d3HotToD0TimeNs: bits(23, 12, "HwInit", { value: timeNs }),
    }),
  },
});

/** Value 8:0 times 32^scale 11:9 ns (PCIe 6.0 §7.9.16.1). */
function timeNs(raw: number): number | Unknown {
  const scale = raw >>> 9;
  return scale > LARGEST_SCALE ? { kind: "unknown", id: raw } : (raw & 0x1ff) * 32 ** scale;
}
