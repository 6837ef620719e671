import { capability } from "../capability.ts";
import { bit, bits, register } from "../register.ts";

/** LN Requester: lightweight notification of changed cache lines; PCIe 6.0 has it no more. */
export const LN_REQUESTER = capability({
  id: 0x1c,
  name: "LN Requester (LNR)",
  spec: "PCIe 5.0 §7.9.14",
  table: {
    capability: register(0x04, 16, undefined, "PCIe 5.0 §7.9.14.2", {
      lnr64Supported: bit(0, "RO", "cache lines of 64 bytes"),
      lnr128Supported: bit(1, "RO", "cache lines of 128 bytes"),
      lnrRegistrationMax: bits(12, 8, "RO", { value: (raw) => 2 ** raw, doc: "lines watched at a time, at most" }),
    }),
    control: register(0x06, 16, undefined, "PCIe 5.0 §7.9.14.3", {
      lnrEnable: bit(0, "RW"),
      lnrCacheLineSize: bit(1, "RW", "128 bytes, else 64"),
      lnrRegistrationLimit: bits(12, 8, "RW", {
        value: (raw) => 2 ** raw,
        doc: "lines that software allows to be watched",
      }),
    }),
  },
});
