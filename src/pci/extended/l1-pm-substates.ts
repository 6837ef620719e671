import { block } from "../block.ts";
import { capability } from "../capability.ts";
import { bit, bits, register, type Unknown } from "../register.ts";
import { latencyNs } from "./ltr.ts";

/** Units of T_POWER_ON by their code. */
const POWER_ON_UNITS_US: Readonly<Record<number, number>> = { 0: 2, 1: 10, 2: 100 };

const STATUS = {
  status: register(0x10, 32, undefined, "PCIe 6.0 §7.8.3.5", {
    linkActivationStatus: bit(0, "RW1C", "a Link Activation has completed"),
  }),
};

/** L1 PM Substates: deeper states of an idle link, in which its clock (L1.1) or all of its circuits (L1.2) rest. */
export const L1_PM_SUBSTATES = capability({
  id: 0x1e,
  name: "L1 PM Substates (L1SS)",
  spec: "PCIe 6.0 §7.8.3",
  table: {
    capabilities: register(0x04, 32, "PCI_L1SS_CAP", "PCIe 6.0 §7.8.3.2", {
      pciPmL12Supported: bit(0, "HwInit"),
      pciPmL11Supported: bit(1, "HwInit"),
      aspmL12Supported: bit(2, "HwInit"),
      aspmL11Supported: bit(3, "HwInit"),
      l1PmSubstatesSupported: bit(4, "HwInit"),
      linkActivationSupported: bit(5, "HwInit", "software can wake the link (downstream ports)"),
      portCommonModeRestoreTimeUs: bits(15, 8, "HwInit"),
      portTPowerOnScale: bits(17, 16, "HwInit", "0: 2 us, 1: 10 us, 2: 100 us"),
      portTPowerOnValue: bits(23, 19, "HwInit"),
    }),
    control1: register(0x08, 32, "PCI_L1SS_CTL1", "PCIe 6.0 §7.8.3.3", {
      pciPmL12Enable: bit(0, "RW"),
      pciPmL11Enable: bit(1, "RW"),
      aspmL12Enable: bit(2, "RW"),
      aspmL11Enable: bit(3, "RW"),
      linkActivationInterruptEnable: bit(4, "RW"),
      linkActivationControl: bit(5, "RW", "wakes the link"),
      commonModeRestoreTimeUs: bits(15, 8, "RW", "downstream ports"),
      ltrL12ThresholdValue: bits(25, 16, "RW"),
      ltrL12ThresholdScale: bits(31, 29, "RW", "times 32^scale ns"),
    }),
    control2: register(0x0c, 32, "PCI_L1SS_CTL2", "PCIe 6.0 §7.8.3.4", {
      tPowerOnScale: bits(1, 0, "RW", "0: 2 us, 1: 10 us, 2: 100 us"),
      tPowerOnValue: bits(7, 3, "RW", { reset: 5 }),
    }),
  },
  blocks: ({ linkActivationSupported }) =>
    linkActivationSupported === true ? [block({ offset: 0, table: STATUS })] : [],
  derive: (values) => ({
    portTPowerOnUs: powerOnUs(values.portTPowerOnValue, values.portTPowerOnScale),
    /** L1.2 is entered only where the devices tolerate at least this latency. */
    ltrL12ThresholdNs: latencyNs(values.ltrL12ThresholdValue, values.ltrL12ThresholdScale),
    tPowerOnUs: powerOnUs(values.tPowerOnValue, values.tPowerOnScale),
  }),
});

function powerOnUs(value: number | null, scale: number | null): number | Unknown | null {
  if (value === null || scale === null) return null;
  const unit = POWER_ON_UNITS_US[scale];
  return unit === undefined ? { kind: "unknown", id: scale } : value * unit;
}
