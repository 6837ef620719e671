import { LINK_SPEEDS_GTPS, linkSpeedGtps, linkSpeedsGtps } from "../link-speed.ts";
import { bit, bits, oneOf, register } from "../register.ts";

const LINK_WIDTHS = { 1: 1, 2: 2, 4: 4, 8: 8, 12: 12, 16: 16, 32: 32 };
const L0S_LATENCIES_NS = [64, 128, 256, 512, 1000, 2000, 4000];
const ASPM_STATES = { 0: "none", 1: "L0s", 2: "L1", 3: "L0s and L1" };
const DE_EMPHASIS_DB = { 0: -6, 1: -3.5 };

/** Of every function that has a link. */
export const LINK = {
  linkCapabilities: register(0x0c, 32, "PCI_EXP_LNKCAP", "PCIe 6.0 §7.5.3.6", {
    maxLinkSpeedGtps: bits(3, 0, "RO", { value: linkSpeedGtps }),
    maxLinkWidth: bits(9, 4, "RO", { value: oneOf(LINK_WIDTHS), doc: "lanes" }),
    aspmSupport: bits(11, 10, "RO", { value: oneOf(ASPM_STATES) }),
    l0sExitLatencyNs: bits(14, 12, "RO", {
      value: (raw) => L0S_LATENCIES_NS[raw] ?? "more than 4000",
      doc: "takes this long at most",
    }),
    l1ExitLatencyUs: bits(17, 15, "RO", {
      value: (raw) => (raw === 7 ? "more than 64" : 2 ** raw),
      doc: "takes this long at most",
    }),
    clockPowerManagement: bit(18, "RO", "lets the reference clock go in L1 and L2/L3 Ready"),
    surpriseDownErrorReportingCapable: bit(19, "RO"),
    dataLinkLayerLinkActiveReportingCapable: bit(20, "RO"),
    linkBandwidthNotificationCapability: bit(21, "RO"),
    aspmOptionalityCompliance: bit(22, "HwInit"),
    portNumber: bits(31, 24, "HwInit"),
  }),
  linkControl: register(0x10, 16, "PCI_EXP_LNKCTL", "PCIe 6.0 §7.5.3.7", {
    aspmControl: bits(1, 0, "RW", { value: oneOf(ASPM_STATES), doc: "states that the port may enter" }),
    ptmPropagationDelayAdaptationInterpretationB: bit(2, "RW"),
    readCompletionBoundaryBytes: bits(3, 3, "RW", { value: oneOf({ 0: 64, 1: 128 }) }),
    linkDisable: bit(4, "RW"),
    retrainLink: bit(5, "RW", "written 1 to retrain; reads 0"),
    commonClockConfiguration: bit(6, "RW", "both ends use one reference clock"),
    extendedSynch: bit(7, "RW"),
    clockPowerManagementEnable: bit(8, "RW"),
    hardwareAutonomousWidthDisable: bit(9, "RW"),
    linkBandwidthManagementInterruptEnable: bit(10, "RW"),
    linkAutonomousBandwidthInterruptEnable: bit(11, "RW"),
    srisClocking: bit(12, "RW"),
    flitModeDisable: bit(13, "RW"),
    drsSignalingControl: bits(15, 14, "RW", "0 not reported, 1 interrupt, 2 FRS message"),
  }),
  linkStatus: register(0x12, 16, "PCI_EXP_LNKSTA", "PCIe 6.0 §7.5.3.8", {
    currentLinkSpeedGtps: bits(3, 0, "RO", { value: linkSpeedGtps }),
    negotiatedLinkWidth: bits(9, 4, "RO", { value: oneOf({ 0: 0, ...LINK_WIDTHS }), doc: "lanes; 0 while it is down" }),
    linkTrainingError: bit(10, "RO", "PCIe 1.0a, undefined since"),
    linkTraining: bit(11, "RO"),
    slotClockConfiguration: bit(12, "HwInit", "uses the reference clock of the connector"),
    dataLinkLayerLinkActive: bit(13, "RO"),
    linkBandwidthManagementStatus: bit(14, "RW1C", "retrained, or changed speed or width to stay up"),
    linkAutonomousBandwidthStatus: bit(15, "RW1C", "changed speed or width of its own accord"),
  }),
};

/** What a capability of version 2 adds to them. */
export const LINK_2 = {
  linkCapabilities2: register(0x2c, 32, "PCI_EXP_LNKCAP2", "PCIe 6.0 §7.5.3.18", {
    supportedLinkSpeedsGtps: bits(7, 1, "HwInit", { value: linkSpeedsGtps, doc: "none in devices before PCIe 3.0" }),
    crosslinkSupported: bit(8, "RO"),
    lowerSkpOsGenerationGtps: bits(15, 9, "HwInit", { value: linkSpeedsGtps, doc: "where SRIS may send fewer SKPs" }),
    lowerSkpOsReceptionGtps: bits(22, 16, "HwInit", { value: linkSpeedsGtps }),
    retimerPresenceDetectSupported: bit(23, "HwInit"),
    twoRetimersPresenceDetectSupported: bit(24, "HwInit"),
    drsSupported: bit(31, "HwInit", "Device Readiness Status messages"),
  }),
  linkControl2: register(0x30, 16, "PCI_EXP_LNKCTL2", "PCIe 6.0 §7.5.3.19", {
    targetLinkSpeedGtps: bits(3, 0, "RWS", {
      value: oneOf({ 0: 2.5, ...LINK_SPEEDS_GTPS }),
      doc: "the most that the link may train to; a port of 2.5 GT/s alone may read 0",
    }),
    enterCompliance: bit(4, "RWS"),
    hardwareAutonomousSpeedDisable: bit(5, "RWS"),
    selectableDeEmphasisDb: bits(6, 6, "HwInit", { value: oneOf(DE_EMPHASIS_DB), doc: "downstream ports, at 5 GT/s" }),
    transmitMargin: bits(9, 7, "RWS", "0: the normal range"),
    enterModifiedCompliance: bit(10, "RWS"),
    complianceSos: bit(11, "RWS"),
    compliancePresetDeEmphasis: bits(15, 12, "RWS", "its meaning depends on the speed"),
  }),
  linkStatus2: register(0x32, 16, "PCI_EXP_LNKSTA2", "PCIe 6.0 §7.5.3.20", {
    currentDeEmphasisDb: bits(0, 0, "RO", { value: oneOf(DE_EMPHASIS_DB), doc: "means something at 5 GT/s only" }),
    equalization8gtComplete: bit(1, "ROS"),
    equalization8gtPhase1Successful: bit(2, "ROS"),
    equalization8gtPhase2Successful: bit(3, "ROS"),
    equalization8gtPhase3Successful: bit(4, "ROS"),
    linkEqualizationRequest8gt: bit(5, "RW1CS"),
    retimerPresenceDetected: bit(6, "ROS"),
    twoRetimersPresenceDetected: bit(7, "ROS"),
    crosslinkResolution: bits(9, 8, "RO", {
      value: oneOf({ 0: "not supported", 1: "upstream port", 2: "downstream port", 3: "not completed" }),
    }),
    flitModeStatus: bit(10, "RO"),
    downstreamComponentPresence: bits(14, 12, "RO", {
      value: oneOf({
        0: "link down, presence not determined",
        1: "link down, not present",
        2: "link down, present",
        4: "link up, present",
        5: "link up, present and DRS received",
      }),
      doc: "where DRS is supported",
    }),
    drsMessageReceived: bit(15, "RW1C"),
  }),
};
