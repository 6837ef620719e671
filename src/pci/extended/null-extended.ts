import { capability } from "../capability.ts";

/** Null: a header that leads to the next one, with registers that no specification defines. */
export const NULL_EXTENDED = capability({
  id: 0x00,
  name: "Null",
  spec: "PCIe 6.0 §7.9.28",
  table: {},
  size: () => 4,
});
