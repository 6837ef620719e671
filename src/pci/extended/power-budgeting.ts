import { capability } from "../capability.ts";
import { bit, bits, oneOf, register } from "../register.ts";

/** From here on Base Power is a code of its own, where Data Scale is 0 (PCIe 6.0 §7.8.1.4). */
const FIRST_BASE_POWER_CODE = 0xf0;
const BASE_POWER_CODES_MILLIWATTS: Readonly<Record<number, number>> = { 240: 250_000, 241: 275_000, 242: 300_000 };

/** Power Budgeting: what the device draws in each state; software selects an entry and reads it. */
export const POWER_BUDGETING = capability({
  id: 0x04,
  name: "Power Budgeting",
  spec: "PCIe 6.0 §7.8.1",
  table: {
    dataSelect: register(0x04, 8, "PCI_PWR_DSR", "PCIe 6.0 §7.8.1.2", {
      dataSelect: bits(7, 0, "RW", "the entry that Data shows"),
    }),
    data: register(0x08, 32, "PCI_PWR_DATA", "PCIe 6.0 §7.8.1.4", {
      basePower: bits(7, 0, "RO", "in watts, before scaling"),
      dataScale: bits(9, 8, "RO", { value: (raw) => 10 ** -raw, doc: "factor of Base Power" }),
      pmSubState: bits(12, 10, "RO", "0: the default one"),
      pmState: bits(14, 13, "RO", { value: oneOf({ 0: "D0", 1: "D1", 2: "D2", 3: "D3" }) }),
      operatingCondition: bits(17, 15, "RO", {
        value: oneOf({
          0: "pme-aux",
          1: "auxiliary",
          2: "idle",
          3: "sustained",
          4: "sustained-emergency-power-reduction",
          5: "maximum-emergency-power-reduction",
          7: "maximum",
        }),
        doc: "the specification's Type",
      }),
      powerRail: bits(20, 18, "RO", { value: oneOf({ 0: "12 V", 1: "3.3 V", 2: "1.5 V or 1.8 V", 7: "thermal" }) }),
    }),
    capability: register(0x0c, 8, "PCI_PWR_CAP", "PCIe 6.0 §7.8.1.5", {
      systemAllocated: bit(0, "HwInit", "the system's budget already includes the device"),
    }),
  },
  derive: ({ basePower, dataScale }) => ({ powerMilliwatts: powerMilliwatts(basePower, dataScale) }),
  size: () => 0x10,
});

/** Null where it was not read, and where the code says no more than "above 300 W". */
function powerMilliwatts(basePower: number | null, dataScale: number | null): number | null {
  if (basePower === null || dataScale === null) return null;
  if (dataScale === 1 && basePower >= FIRST_BASE_POWER_CODE) return BASE_POWER_CODES_MILLIWATTS[basePower] ?? null;
  return Math.round(basePower * dataScale * 1000);
}
