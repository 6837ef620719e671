import type { FunctionPart } from "./function-part.ts";
import type { PciFunction } from "./pci-function.ts";

const PCI_EXP_DEVCAP = 0x04;
const PCI_EXP_DEVCAP_FLR = 0x1000_0000;
const PCI_EXP_DEVCTL = 0x08;
const PCI_EXP_DEVCTL_BCR_FLR = 0x8000;

/** Function Level Reset, of a function that says it is capable of it (PCIe 6.0 §6.6.2, §7.5.3.4). */
export function flrPart(fn: PciFunction): FunctionPart | undefined {
  const capabilities = fn.express(PCI_EXP_DEVCAP);
  const at = fn.express(PCI_EXP_DEVCTL);
  if (at === undefined || capabilities === undefined) return undefined;
  return {
    key: "flr",
    start: at,
    end: at + 2,
    written: () => {
      if ((fn.config.read(at, 2) & PCI_EXP_DEVCTL_BCR_FLR) === 0) return;
      // Initiate Function Level Reset always reads 0.
      fn.config.setBits(at, 2, PCI_EXP_DEVCTL_BCR_FLR, 0);
      if ((fn.config.read(capabilities, 4) & PCI_EXP_DEVCAP_FLR) !== 0) fn.reset("flr");
    },
  };
}
