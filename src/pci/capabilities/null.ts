import { capability } from "../capability.ts";

/** A place where a capability is not: software skips it, and nothing past its two header bytes means anything. */
export const NULL_CAPABILITY = capability({
  id: 0x00,
  name: "Null",
  spec: "PCIe 6.0 §7.9.27",
  table: {},
  size: () => 2,
});
