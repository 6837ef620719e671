import { capability } from "../capability.ts";
import { bit, bits, oneOf, register } from "../register.ts";

const AUX_CURRENT_MA = [0, 55, 100, 160, 220, 270, 320, 375];

/** PCI Power Management: which D-states the function has, which of them it is in, and from which it may signal PME. */
export const POWER_MANAGEMENT = capability({
  id: 0x01,
  name: "Power Management (PM)",
  spec: "PCIe 6.0 §7.5.2",
  table: {
    capabilities: register(0x02, 16, "PCI_PM_PMC", "PCIe 6.0 §7.5.2.1", {
      pmVersion: bits(2, 0, "RO", "3: revision 1.2 of the PCI Power Management specification"),
      pmeClock: bit(3, "RO", "PME# needs the PCI clock; 0 in PCI Express"),
      immediateReadinessOnReturnToD0: bit(4, "RO", "can be accessed right after a return to D0"),
      deviceSpecificInitialization: bit(5, "RO", "needs the driver to initialize it after a reset"),
      auxCurrentMa: bits(8, 6, "RO", {
        value: (raw) => AUX_CURRENT_MA[raw] as number,
        doc: "drawn from the 3.3 V auxiliary supply in D3cold; 0: none, or see the data register",
      }),
      d1Support: bit(9, "RO"),
      d2Support: bit(10, "RO"),
      pmeFromD0: bit(11, "RO"),
      pmeFromD1: bit(12, "RO"),
      pmeFromD2: bit(13, "RO"),
      pmeFromD3Hot: bit(14, "RO"),
      pmeFromD3Cold: bit(15, "RO"),
    }),
    controlStatus: register(0x04, 16, "PCI_PM_CTRL", "PCIe 6.0 §7.5.2.2", {
      powerState: bits(1, 0, "RW", { value: oneOf({ 0: "D0", 1: "D1", 2: "D2", 3: "D3hot" }) }),
      noSoftReset: bit(3, "RO", "keeps its state over a return from D3hot to D0"),
      pmeEnable: bit(8, "RWS"),
      dataSelect: bits(12, 9, "RW", "what the data register and the data scale tell"),
      dataScale: bits(14, 13, "RO", "0 unknown, 1 tenths, 2 hundredths, 3 thousandths of a watt"),
      pmeStatus: bit(15, "RW1CS", "has a PME to signal, whether enabled or not"),
    }),
    bridgeExtensions: register(0x06, 8, "PCI_PM_PPB_EXTENSIONS", "PCIe 6.0 §7.5.2.2", {
      b2B3Support: bit(6, "RO", "the secondary bus's clock stops (B2) when the bridge is put in D3hot; else B3"),
      busPowerClockControlEnable: bit(7, "RO", "the secondary bus's power and clock follow the bridge's D-state"),
    }),
    data: register(0x07, 8, "PCI_PM_DATA_REGISTER", "PCIe 6.0 §7.5.2.3", {
      pmData: bits(7, 0, "RO", "power drawn or dissipated, as selected and scaled in the control register"),
    }),
  },
});
