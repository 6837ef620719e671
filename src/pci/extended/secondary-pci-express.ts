import { block } from "../block.ts";
import { capability } from "../capability.ts";
import { linkSpeedsGtps } from "../link-speed.ts";
import { bit, bits, register } from "../register.ts";
import { setBits } from "../set-bits.ts";
import { laneCount } from "./lanes.ts";

const LANE = {
  equalizationControl: register(0x00, 16, undefined, "PCIe 6.0 §7.7.3.4", {
    downstreamPort8gtTransmitterPreset: bits(3, 0, "HwInit"),
    downstreamPort8gtReceiverPresetHint: bits(6, 4, "HwInit"),
    upstreamPort8gtTransmitterPreset: bits(11, 8, "HwInit"),
    upstreamPort8gtReceiverPresetHint: bits(14, 12, "HwInit"),
  }),
};

/** Secondary PCI Express: links of 8 GT/s and more, lane by lane. */
export const SECONDARY_PCI_EXPRESS = capability({
  id: 0x19,
  name: "Secondary PCI Express",
  spec: "PCIe 6.0 §7.7.3",
  table: {
    linkControl3: register(0x04, 32, undefined, "PCIe 6.0 §7.7.3.2", {
      performEqualization: bit(0, "RW", "the next retraining equalizes anew (downstream ports)"),
      linkEqualizationRequestInterruptEnable: bit(1, "RW"),
      lowerSkpOsGenerationEnabledGtps: bits(15, 9, "RW", {
        value: linkSpeedsGtps,
        doc: "speeds at which fewer SKPs are sent",
      }),
    }),
    laneErrorStatus: register(0x08, 32, undefined, "PCIe 6.0 §7.7.3.3", {
      lanesWithErrors: bits(31, 0, "RW1CS", { value: setBits }),
    }),
  },
  blocks: (_values, view) =>
    Array.from({ length: laneCount(view) }, (_, lane) =>
      block({ name: "lanes", offset: 0x0c + lane * 2, table: LANE }),
    ),
});
