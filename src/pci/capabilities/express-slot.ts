import { bit, bits, oneOf, register } from "../register.ts";

/** 0 is reserved. */
const indicator = oneOf({ 1: "on", 2: "blinking", 3: "off" });

/** Of a port that leads to a slot. */
export const SLOT = {
  slotCapabilities: register(0x14, 32, "PCI_EXP_SLTCAP", "PCIe 6.0 §7.5.3.9", {
    attentionButtonPresent: bit(0, "HwInit"),
    powerControllerPresent: bit(1, "HwInit"),
    mrlSensorPresent: bit(2, "HwInit", "a sensor of the Manually-operated Retention Latch"),
    attentionIndicatorPresent: bit(3, "HwInit"),
    powerIndicatorPresent: bit(4, "HwInit"),
    hotPlugSurprise: bit(5, "HwInit", "the card may go without warning"),
    hotPlugCapable: bit(6, "HwInit"),
    slotPowerLimitValue: bits(14, 7, "HwInit"),
    slotPowerLimitScale: bits(16, 15, "HwInit", "the value counts 10^-n watts"),
    electromechanicalInterlockPresent: bit(17, "HwInit"),
    noCommandCompletedSupport: bit(18, "HwInit", "commands need no waiting: none tells when it is done"),
    physicalSlotNumber: bits(31, 19, "HwInit", "0: the device is soldered on"),
  }),
  slotControl: register(0x18, 16, "PCI_EXP_SLTCTL", "PCIe 6.0 §7.5.3.10", {
    attentionButtonPressedEnable: bit(0, "RW"),
    powerFaultDetectedEnable: bit(1, "RW"),
    mrlSensorChangedEnable: bit(2, "RW"),
    presenceDetectChangedEnable: bit(3, "RW"),
    commandCompletedInterruptEnable: bit(4, "RW"),
    hotPlugInterruptEnable: bit(5, "RW"),
    attentionIndicatorControl: bits(7, 6, "RW", { value: indicator }),
    powerIndicatorControl: bits(9, 8, "RW", { value: indicator }),
    powerControllerControl: bits(10, 10, "RW", { value: oneOf({ 0: "on", 1: "off" }), doc: "the slot's power" }),
    electromechanicalInterlockControl: bit(11, "RW", "written 1 to turn the interlock over; reads 0"),
    dataLinkLayerStateChangedEnable: bit(12, "RW"),
    autoSlotPowerLimitDisable: bit(13, "RW"),
    inBandPresenceDetectDisable: bit(14, "RW"),
  }),
  slotStatus: register(0x1a, 16, "PCI_EXP_SLTSTA", "PCIe 6.0 §7.5.3.11", {
    attentionButtonPressed: bit(0, "RW1C"),
    powerFaultDetected: bit(1, "RW1C"),
    mrlSensorChanged: bit(2, "RW1C"),
    presenceDetectChanged: bit(3, "RW1C"),
    commandCompleted: bit(4, "RW1C"),
    mrlSensorOpen: bit(5, "RO"),
    presenceDetectState: bit(6, "RO", "there is a card"),
    electromechanicalInterlockEngaged: bit(7, "RO"),
    dataLinkLayerStateChanged: bit(8, "RW1C"),
  }),
};

/** What a capability of version 2 adds to them; the last two are without a field up to now. */
export const SLOT_2 = {
  slotCapabilities2: register(0x34, 32, "PCI_EXP_SLTCAP2", "PCIe 6.0 §7.5.3.21", {
    inBandPresenceDetectDisableSupported: bit(0, "HwInit"),
  }),
  slotControl2: register(0x38, 16, "PCI_EXP_SLTCTL2", "PCIe 6.0 §7.5.3.22", {}),
  slotStatus2: register(0x3a, 16, "PCI_EXP_SLTSTA2", "PCIe 6.0 §7.5.3.23", {}),
};

/** Of a root port or a Root Complex Event Collector. */
export const ROOT = {
  rootControl: register(0x1c, 16, "PCI_EXP_RTCTL", "PCIe 6.0 §7.5.3.12", {
    systemErrorOnCorrectableErrorEnable: bit(0, "RW"),
    systemErrorOnNonFatalErrorEnable: bit(1, "RW"),
    systemErrorOnFatalErrorEnable: bit(2, "RW"),
    pmeInterruptEnable: bit(3, "RW"),
    configurationRrsSoftwareVisibilityEnable: bit(4, "RW", "a function that is not ready reads as vendor 0001h"),
    noNfmSubtreeBelowThisRootPort: bit(5, "RW", "all links below are in Flit Mode"),
  }),
  rootCapabilities: register(0x1e, 16, "PCI_EXP_RTCAP", "PCIe 6.0 §7.5.3.13", {
    configurationRrsSoftwareVisibility: bit(0, "RO"),
  }),
  rootStatus: register(0x20, 32, "PCI_EXP_RTSTA", "PCIe 6.0 §7.5.3.14", {
    pmeRequesterId: bits(15, 0, "RO", "the function that signals the PME"),
    pmeStatus: bit(16, "RW1C"),
    pmePending: bit(17, "RO", "another PME waits for this one"),
  }),
};
