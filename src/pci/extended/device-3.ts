import { capability } from "../capability.ts";
import { bit, bits, oneOf, register } from "../register.ts";

const LINK_WIDTHS = { 0: 1, 1: 2, 2: 4, 3: 8, 4: 16 };

const l0pExitLatency = oneOf({
  0: "less than 1 us",
  1: "1 us to less than 2 us",
  2: "2 us to less than 4 us",
  3: "4 us to less than 8 us",
  4: "8 us to less than 16 us",
  5: "16 us to less than 32 us",
  6: "32 us to 64 us",
  7: "more than 64 us",
});

/** Device 3: what PCIe 6.0 adds to the PCI Express capability. */
export const DEVICE_3 = capability({
  id: 0x2f,
  name: "Device 3",
  spec: "PCIe 6.0 §7.7.9",
  table: {
    capabilities: register(0x04, 32, undefined, "PCIe 6.0 §7.7.9.2", {
      dmwrRequestRoutingSupported: bit(0, "HwInit", "Deferrable Memory Writes (ports)"),
      tag14BitCompleterSupported: bit(1, "HwInit"),
      tag14BitRequesterSupported: bit(2, "HwInit"),
      l0pSupported: bit(3, "HwInit", "lanes may rest while the link is up"),
      portL0pExitLatency: bits(6, 4, "HwInit", { value: l0pExitLatency }),
      retimerL0pExitLatency: bits(9, 7, "HwInit", { value: l0pExitLatency }),
      uioMemRdWrCompleterSupported: bit(10, "HwInit", "Unordered I/O (PCIe 6.1)"),
      uioMemRdWrRequesterSupported: bit(11, "HwInit"),
    }),
    control: register(0x08, 32, undefined, "PCIe 6.0 §7.7.9.3", {
      dmwrRequesterEnable: bit(0, "RW"),
      dmwrEgressBlocking: bit(1, "RW", "the port passes no Deferrable Memory Writes on"),
      tag14BitRequesterEnable: bit(2, "RW"),
      l0pEnable: bit(3, "RW"),
      targetLinkWidth: bits(6, 4, "RW", { reset: 7, value: oneOf({ ...LINK_WIDTHS, 7: "dynamic" }), doc: "lanes" }),
      uioMemRdWrRequesterEnable: bit(7, "RW"),
      uioRequest256bBoundaryDisable: bit(8, "RW"),
    }),
    status: register(0x0c, 32, undefined, "PCIe 6.0 §7.7.9.4", {
      initialLinkWidth: bits(2, 0, "RO", { value: oneOf(LINK_WIDTHS), doc: "lanes" }),
      segmentCaptured: bit(3, "RO", "the function knows its Segment: Flit Mode up to the root"),
      remoteL0pSupported: bit(4, "RO"),
    }),
  },
});
