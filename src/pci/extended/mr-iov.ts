import { capability } from "../capability.ts";
import { vendorBytes } from "./vendor-bytes.ts";

/** How many bytes are shown where no other capability follows sooner. */
const SHOWN_BYTES = 0x40;

/**
 * Multi-Root I/O Virtualization. Its specification is no longer maintained, so the registers are shown as bytes, as far
 * as the next capability.
 */
export const MR_IOV = capability({
  id: 0x11,
  name: "Multi-Root I/O Virtualization (MR-IOV)",
  spec: "MR-IOV 1.0",
  table: {},
  derive: (_values, view) => {
    const next = ((view.space.u32(view.offset) ?? 0) >>> 20) & ~3;
    const length = next > view.offset ? Math.min(next - view.offset, SHOWN_BYTES) : SHOWN_BYTES;
    return { bytes: vendorBytes(view, 4, length) };
  },
  size: () => 4,
});
