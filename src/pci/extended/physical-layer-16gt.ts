import { block } from "../block.ts";
import { capability } from "../capability.ts";
import { bit, bits, register } from "../register.ts";
import { setBits } from "../set-bits.ts";
import { laneCount } from "./lanes.ts";

const LANE = {
  equalizationControl: register(0x00, 8, "PCI_PL_16GT_LE_CTRL", "PCIe 6.0 §7.7.5.9", {
    downstreamPort16gtTransmitterPreset: bits(3, 0, "HwInit"),
    upstreamPort16gtTransmitterPreset: bits(7, 4, "HwInit"),
  }),
};

/** Physical Layer 16.0 GT/s: how the link was equalized for that speed, and which lanes saw parity errors. */
export const PHYSICAL_LAYER_16GT = capability({
  id: 0x26,
  name: "Physical Layer 16.0 GT/s",
  spec: "PCIe 6.0 §7.7.5",
  table: {
    capabilities: register(0x04, 32, undefined, "PCIe 6.0 §7.7.5.2", {}),
    control: register(0x08, 32, undefined, "PCIe 6.0 §7.7.5.3", {}),
    status: register(0x0c, 32, undefined, "PCIe 6.0 §7.7.5.4", {
      equalization16gtComplete: bit(0, "ROS"),
      equalization16gtPhase1Successful: bit(1, "ROS"),
      equalization16gtPhase2Successful: bit(2, "ROS"),
      equalization16gtPhase3Successful: bit(3, "ROS"),
      linkEqualizationRequest16gt: bit(4, "RW1CS", "the link asks to be equalized anew"),
    }),
    localDataParityMismatchStatus: register(0x10, 32, undefined, "PCIe 6.0 §7.7.5.5", {
      localDataParityMismatchLanes: bits(31, 0, "RW1CS", { value: setBits }),
    }),
    firstRetimerDataParityMismatchStatus: register(0x14, 32, undefined, "PCIe 6.0 §7.7.5.6", {
      firstRetimerDataParityMismatchLanes: bits(31, 0, "RW1CS", { value: setBits }),
    }),
    secondRetimerDataParityMismatchStatus: register(0x18, 32, undefined, "PCIe 6.0 §7.7.5.7", {
      secondRetimerDataParityMismatchLanes: bits(31, 0, "RW1CS", { value: setBits }),
    }),
    reserved: register(0x1c, 32, undefined, "PCIe 6.0 §7.7.5.8", {}),
  },
  blocks: (_values, view) =>
    Array.from({ length: laneCount(view) }, (_, lane) => block({ name: "lanes", offset: 0x20 + lane, table: LANE })),
});
