import { POWER_MANAGEMENT } from "../pci/capabilities/power-management.ts";
import { NS_PER_MS } from "./clock.ts";
import type { FunctionPart } from "./function-part.ts";
import type { PciFunction } from "./pci-function.ts";

const PCI_PM_CTRL = 0x04;
const PCI_PM_CTRL_STATE_MASK = 0x3;
const PCI_PM_CTRL_NO_SOFT_RESET = 0x8;
const PCI_PM_PMC = 0x02;
const PCI_PM_PMC_D1 = 0x200;
const PCI_PM_PMC_D2 = 0x400;
/** From D3hot to D0 (PCIe 6.0 §5.9). */
const D3HOT_TO_D0_NS = 10 * NS_PER_MS;
/** To or from D2 (PCIe 6.0 §5.9). */
const D2_NS = 200_000;

/** The D-states of a function (PCIe 6.0 §5.3.1, §7.5.2.2). */
export function powerPart(fn: PciFunction): FunctionPart | undefined {
  const offset = fn.template.offsetOf(POWER_MANAGEMENT, false);
  if (offset === undefined) return undefined;
  const at = offset + PCI_PM_CTRL;
  return {
    key: "power",
    start: at,
    end: at + 2,
    written: () => {
      const control = fn.config.read(at, 2);
      const wanted = (control & PCI_PM_CTRL_STATE_MASK) as 0 | 1 | 2 | 3;
      const before = fn.powerState;
      if (wanted === before) return;
      const capabilities = fn.config.read(offset + PCI_PM_PMC, 2);
      const supported = wanted === 1 ? PCI_PM_PMC_D1 : wanted === 2 ? PCI_PM_PMC_D2 : 0;
      // A state that is not supported, or another one than D0 from D3hot: the write is discarded (§7.5.2.2, §5.3.1).
      if ((capabilities & supported) !== supported || (before === 3 && wanted !== 0)) {
        fn.config.setBits(at, 2, PCI_PM_CTRL_STATE_MASK, before);
        return;
      }
      if (before === 3) {
        if ((control & PCI_PM_CTRL_NO_SOFT_RESET) === 0) fn.resetRegisters("flr");
        fn.busyFor(D3HOT_TO_D0_NS);
      } else if (wanted === 2 || before === 2) {
        fn.busyFor(D2_NS);
      }
      fn.powerState = wanted;
      fn.surroundings.decodeChanged();
    },
  };
}
