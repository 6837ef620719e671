import { hex } from "../bdf.ts";
import { block } from "../block.ts";
import { capability } from "../capability.ts";
import { bit, bits, oneOf, register } from "../register.ts";
import { laneCount } from "./lanes.ts";

const modifiedTsUsageMode = oneOf({ 0: "PCI Express", 1: "training set messages", 2: "alternate protocol" });
const negotiationStatus = oneOf({ 0: "not supported", 1: "disabled", 2: "failed", 3: "succeeded" });
const vendorId = (raw: number) => hex(raw, 4);

const LANE = {
  equalizationControl: register(0x00, 8, undefined, "PCIe 6.0 §7.7.6.9", {
    downstreamPort32gtTransmitterPreset: bits(3, 0, "HwInit"),
    upstreamPort32gtTransmitterPreset: bits(7, 4, "HwInit"),
  }),
};

/** Physical Layer 32.0 GT/s: equalization for that speed, and what the modified training sets negotiated (as CXL does). */
export const PHYSICAL_LAYER_32GT = capability({
  id: 0x2a,
  name: "Physical Layer 32.0 GT/s",
  spec: "PCIe 6.0 §7.7.6",
  table: {
    capabilities: register(0x04, 32, undefined, "PCIe 6.0 §7.7.6.2", {
      equalizationBypassToHighestRateSupported: bit(0, "HwInit"),
      noEqualizationNeededSupported: bit(1, "HwInit"),
      modifiedTsUsageMode0Supported: bit(8, "HwInit", "PCI Express"),
      modifiedTsUsageMode1Supported: bit(9, "HwInit", "training set messages"),
      modifiedTsUsageMode2Supported: bit(10, "HwInit", "alternate protocols"),
    }),
    control: register(0x08, 32, undefined, "PCIe 6.0 §7.7.6.3", {
      equalizationBypassToHighestRateDisable: bit(0, "RWS"),
      noEqualizationNeededDisable: bit(1, "RWS"),
      modifiedTsUsageModeSelected: bits(10, 8, "RWS", { value: modifiedTsUsageMode }),
    }),
    status: register(0x0c, 32, undefined, "PCIe 6.0 §7.7.6.4", {
      equalization32gtComplete: bit(0, "ROS"),
      equalization32gtPhase1Successful: bit(1, "ROS"),
      equalization32gtPhase2Successful: bit(2, "ROS"),
      equalization32gtPhase3Successful: bit(3, "ROS"),
      linkEqualizationRequest32gt: bit(4, "RW1CS", "the link asks to be equalized anew"),
      modifiedTsReceived: bit(5, "ROS"),
      receivedEnhancedLinkBehaviorControl: bits(7, 6, "ROS", {
        value: oneOf({
          0: "full equalization required",
          1: "equalization bypass to highest rate",
          2: "no equalization needed",
          3: "modified training sets",
        }),
      }),
      transmitterPrecodingOn: bit(8, "ROS"),
      transmitterPrecodeRequest: bit(9, "ROS"),
      noEqualizationNeededReceived: bit(10, "ROS"),
    }),
    receivedModifiedTsData1: register(0x10, 32, undefined, "PCIe 6.0 §7.7.6.5", {
      receivedModifiedTsUsageMode: bits(2, 0, "RO", { value: modifiedTsUsageMode }),
      receivedModifiedTsInformation1: bits(15, 3, "RO"),
      receivedModifiedTsVendorId: bits(31, 16, "RO", { value: vendorId, doc: "who defined the information" }),
    }),
    receivedModifiedTsData2: register(0x14, 32, undefined, "PCIe 6.0 §7.7.6.6", {
      receivedModifiedTsInformation2: bits(23, 0, "RO"),
      receivedAlternateProtocolNegotiationStatus: bits(25, 24, "RO", { value: negotiationStatus }),
    }),
    transmittedModifiedTsData1: register(0x18, 32, undefined, "PCIe 6.0 §7.7.6.7", {
      transmittedModifiedTsUsageMode: bits(2, 0, "RO", { value: modifiedTsUsageMode }),
      transmittedModifiedTsInformation1: bits(15, 3, "RO"),
      transmittedModifiedTsVendorId: bits(31, 16, "RO", { value: vendorId }),
    }),
    transmittedModifiedTsData2: register(0x1c, 32, undefined, "PCIe 6.0 §7.7.6.8", {
      transmittedModifiedTsInformation2: bits(23, 0, "RO"),
      transmittedAlternateProtocolNegotiationStatus: bits(25, 24, "RO", { value: negotiationStatus }),
    }),
  },
  blocks: (_values, view) =>
    Array.from({ length: laneCount(view) }, (_, lane) => block({ name: "lanes", offset: 0x20 + lane, table: LANE })),
});
