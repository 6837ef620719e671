import { capability } from "../capability.ts";
import { bit, register } from "../register.ts";
import { laneCount } from "./lanes.ts";

const LANE_EQUALIZATION_CONTROL = 0x10;

/**
 * Physical Layer 64.0 GT/s: how the link was equalized for that speed. Revisions of the specification and Linux differ on
 * where its lane presets begin (10h or 20h), so these are shown as bytes.
 */
export const PHYSICAL_LAYER_64GT = capability({
  id: 0x31,
  name: "Physical Layer 64.0 GT/s",
  spec: "PCIe 6.0 §7.7.7",
  table: {
    capabilities: register(0x04, 32, undefined, "PCIe 6.0 §7.7.7.2", {}),
    control: register(0x08, 32, undefined, "PCIe 6.0 §7.7.7.3", {}),
    status: register(0x0c, 32, undefined, "PCIe 6.0 §7.7.7.4", {
      equalization64gtComplete: bit(0, "ROS"),
      equalization64gtPhase1Successful: bit(1, "ROS"),
      equalization64gtPhase2Successful: bit(2, "ROS"),
      equalization64gtPhase3Successful: bit(3, "ROS"),
      linkEqualizationRequest64gt: bit(4, "RW1CS", "the link asks to be equalized anew"),
      transmitterPrecodingOn: bit(5, "ROS"),
      transmitterPrecodeRequest: bit(6, "ROS"),
      noEqualizationNeededReceived: bit(7, "ROS"),
    }),
  },
  /** As many bytes from 10h on as the link has lanes. */
  derive: (_values, view) => {
    const lanes = laneCount(view);
    const { space, offset } = view;
    return { laneEqualizationBytes: lanes === 0 ? null : space.hexDump(offset + LANE_EQUALIZATION_CONTROL, lanes) };
  },
});
