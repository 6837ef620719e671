import { block } from "../block.ts";
import { capability } from "../capability.ts";
import { bit, bits, oneOf, register, type Unknown } from "../register.ts";

const SUBSTATE = {
  powerAllocation: register(0x00, 8, undefined, "PCIe 6.0 §7.9.12.6", {
    powerAllocation: bits(7, 0, "RO", "before scaling"),
  }),
};

/** Dynamic Power Allocation: substates of D0 that software may choose, each with less power than the one before. */
export const DPA = capability({
  id: 0x16,
  name: "Dynamic Power Allocation (DPA)",
  spec: "PCIe 6.0 §7.9.12",
  table: {
    capability: register(0x04, 32, "PCI_DPA_CAP", "PCIe 6.0 §7.9.12.2", {
      substateMax: bits(4, 0, "RO", "number of the last substate"),
      transitionLatencyUnitMs: bits(9, 8, "RO", { value: oneOf({ 0: 1, 1: 10, 2: 100 }) }),
      powerAllocationScaleWatts: bits(13, 12, "RO", { value: (raw) => [10, 1, 0.1, 0.01][raw] as number }),
      transitionLatencyValue0: bits(23, 16, "RO", "before scaling"),
      transitionLatencyValue1: bits(31, 24, "RO", "before scaling"),
    }),
    latencyIndicator: register(0x08, 32, undefined, "PCIe 6.0 §7.9.12.3", {
      transitionLatencyIndicator: bits(31, 0, "RO", "bit n: which of the two values is that of substate n"),
    }),
    status: register(0x0c, 16, undefined, "PCIe 6.0 §7.9.12.4", {
      substateStatus: bits(4, 0, "RO", "the substate that the function is in"),
      substateControlEnabled: bit(8, "RW1C", "software chooses; once cleared it cannot be set again", 1),
    }),
    control: register(0x0e, 16, undefined, "PCIe 6.0 §7.9.12.5", {
      substateControl: bits(4, 0, "RW", "the substate that software wants"),
    }),
  },
  blocks: (values) => {
    if (values.substateMax === null) return [];
    return Array.from({ length: values.substateMax + 1 }, (_, substate) =>
      block({
        name: "substates",
        offset: 0x10 + substate,
        table: SUBSTATE,
        derive: ({ powerAllocation }) => ({
          powerMilliwatts: milliwatts(powerAllocation, values.powerAllocationScaleWatts),
          transitionLatencyMs: latencyMs(values, substate),
        }),
      }),
    );
  },
});

function milliwatts(allocation: number | null, scaleWatts: number | null): number | null {
  return allocation === null || scaleWatts === null ? null : Math.round(allocation * scaleWatts * 1000);
}

function latencyMs(
  values: {
    readonly transitionLatencyUnitMs: number | Unknown | null;
    readonly transitionLatencyValue0: number | null;
    readonly transitionLatencyValue1: number | null;
    readonly transitionLatencyIndicator: number | null;
  },
  substate: number,
): number | null {
  const { transitionLatencyUnitMs: unit, transitionLatencyIndicator: indicator } = values;
  if (typeof unit !== "number" || indicator === null) return null;
  const value = (indicator >>> substate) & 1 ? values.transitionLatencyValue1 : values.transitionLatencyValue0;
  return value === null ? null : value * unit;
}
