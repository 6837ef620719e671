import { capability } from "../capability.ts";
import { bits, register, type Unknown } from "../register.ts";

/** Scales above this one are not permitted (PCIe 6.0 §6.18). */
const MAX_LATENCY_SCALE = 5;

/** A latency as messages and registers encode it: `value` times 32 to the power of `scale`, in nanoseconds. */
export function latencyNs(value: number | null, scale: number | null): number | Unknown | null {
  if (value === null || scale === null) return null;
  return scale > MAX_LATENCY_SCALE ? { kind: "unknown", id: scale } : value * 32 ** scale;
}

/** Latency Tolerance Reporting: the most latency that an upstream port may report as tolerable. */
export const LTR = capability({
  id: 0x18,
  name: "Latency Tolerance Reporting (LTR)",
  spec: "PCIe 6.0 §7.8.2",
  table: {
    maxSnoopLatency: register(0x04, 16, "PCI_LTR_MAX_SNOOP_LAT", "PCIe 6.0 §7.8.2.2", {
      maxSnoopLatencyValue: bits(9, 0, "RW"),
      maxSnoopLatencyScale: bits(12, 10, "RW", "times 32^scale ns"),
    }),
    maxNoSnoopLatency: register(0x06, 16, "PCI_LTR_MAX_NOSNOOP_LAT", "PCIe 6.0 §7.8.2.3", {
      maxNoSnoopLatencyValue: bits(9, 0, "RW"),
      maxNoSnoopLatencyScale: bits(12, 10, "RW", "times 32^scale ns"),
    }),
  },
  derive: (values) => ({
    maxSnoopLatencyNs: latencyNs(values.maxSnoopLatencyValue, values.maxSnoopLatencyScale),
    maxNoSnoopLatencyNs: latencyNs(values.maxNoSnoopLatencyValue, values.maxNoSnoopLatencyScale),
  }),
});
