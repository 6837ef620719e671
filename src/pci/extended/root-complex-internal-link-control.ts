import { capability } from "../capability.ts";
import { bit, bits, oneOf, register } from "../register.ts";

/** By their bit in the Supported Link Speeds Vector; a speed's code is its bit's number and one. */
const SPEEDS_GTS = [2.5, 5, 8, 16, 32, 64];

const linkSpeedGts = oneOf<number>(
  Object.fromEntries([[0, 0], ...SPEEDS_GTS.map((speed, index) => [index + 1, speed])]),
);
const linkWidth = oneOf<number>({ 0: 0, 1: 1, 2: 2, 4: 4, 8: 8, 16: 16 });

/** Root Complex Internal Link Control, in the RCRB of a link between two components of a Root Complex. */
export const ROOT_COMPLEX_INTERNAL_LINK_CONTROL = capability({
  id: 0x06,
  name: "Root Complex Internal Link Control",
  spec: "PCIe 6.0 §7.9.9",
  table: {
    linkCapabilities: register(0x04, 32, undefined, "PCIe 6.0 §7.9.9.2", {
      maxLinkSpeedGts: bits(3, 0, "RO", { value: linkSpeedGts, doc: "0: not told" }),
      maximumLinkWidth: bits(9, 4, "RO", { value: linkWidth, doc: "lanes; 0: not told" }),
      aspmSupport: bits(11, 10, "RO", { value: oneOf({ 0: "none", 1: "l0s", 2: "l1", 3: "l0s-and-l1" }) }),
      l0sExitLatency: bits(14, 12, "RO", {
        value: oneOf({
          0: "less than 64 ns",
          1: "64 ns to 128 ns",
          2: "128 ns to 256 ns",
          3: "256 ns to 512 ns",
          4: "512 ns to 1 us",
          5: "1 us to 2 us",
          6: "2 us to 4 us",
          7: "more than 4 us",
        }),
      }),
      l1ExitLatency: bits(17, 15, "RO", {
        value: oneOf({
          0: "less than 1 us",
          1: "1 us to 2 us",
          2: "2 us to 4 us",
          3: "4 us to 8 us",
          4: "8 us to 16 us",
          5: "16 us to 32 us",
          6: "32 us to 64 us",
          7: "more than 64 us",
        }),
      }),
      supportedLinkSpeedsGts: bits(24, 18, "RO", {
        value: (raw) => SPEEDS_GTS.filter((_speed, position) => (raw >>> position) & 1),
        doc: "none where the hardware is older than PCIe 3.0",
      }),
    }),
    linkControl: register(0x08, 16, undefined, "PCIe 6.0 §7.9.9.3", {
      aspmControl: bits(1, 0, "RW", { value: oneOf({ 0: "disabled", 1: "l0s", 2: "l1", 3: "l0s-and-l1" }) }),
      extendedSynch: bit(7, "RW", "sends further ordered sets when L0s or Recovery ends"),
    }),
    linkStatus: register(0x0a, 16, undefined, "PCIe 6.0 §7.9.9.4", {
      currentLinkSpeedGts: bits(3, 0, "RO", { value: linkSpeedGts, doc: "0: not told" }),
      negotiatedLinkWidth: bits(9, 4, "RO", { value: linkWidth, doc: "lanes; 0: not told" }),
    }),
  },
});
