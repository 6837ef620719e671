import assert from "node:assert/strict";
import { test } from "node:test";
import { DEVICE_PORT_TYPES } from "../device-port-type.ts";
import { resetRegister } from "../register.ts";
import { dumpsAreMissing } from "../testing/dumps.ts";
import { EXPRESS } from "./express.ts";
import { DEVICE_CONTROL } from "./express-device.ts";
import { decodeBytes, decodeDump } from "./testing/capability-bytes.ts";

test("PCI Express of an endpoint (82576) reads as in lspci", { skip: dumpsAreMissing }, () => {
  assert.deepEqual(decodeDump("cap-pcie-2.txt", "01:00.0", EXPRESS, 0xa0), {
    capabilityVersion: 2,
    devicePortType: 0,
    devicePortTypeName: "PCI Express Endpoint",
    slotImplemented: false,
    interruptMessageNumber: 0,
    flitModeSupported: false,
    maxPayloadSizeSupportedBytes: 512,
    phantomFunctionBits: 0,
    extendedTagFieldSupported: false,
    endpointL0sAcceptableLatencyNs: 512,
    endpointL1AcceptableLatencyUs: 64,
    deviceAttentionButtonPresent: false,
    deviceAttentionIndicatorPresent: false,
    devicePowerIndicatorPresent: false,
    roleBasedErrorReporting: true,
    errCorSubclassCapable: false,
    rxMpsFixed: false,
    capturedSlotPowerLimitValue: 0,
    capturedSlotPowerLimitScale: 0,
    capturedSlotPowerLimitWatts: 0,
    flrCapable: true,
    mixedMpsSupported: false,
    teeIoSupported: false,
    correctableErrorReportingEnable: false,
    nonFatalErrorReportingEnable: false,
    fatalErrorReportingEnable: false,
    unsupportedRequestReportingEnable: false,
    relaxedOrderingEnable: true,
    maxPayloadSizeBytes: 256,
    extendedTagFieldEnable: false,
    phantomFunctionsEnable: false,
    auxPowerPmEnable: false,
    noSnoopEnable: true,
    maxReadRequestSizeBytes: 512,
    initiateFlr: false,
    correctableErrorDetected: true,
    nonFatalErrorDetected: false,
    fatalErrorDetected: false,
    unsupportedRequestDetected: true,
    auxPowerDetected: true,
    transactionsPending: false,
    emergencyPowerReductionDetected: false,
    maxLinkSpeedGtps: 2.5,
    maxLinkWidth: 4,
    aspmSupport: "L0s and L1",
    l0sExitLatencyNs: 4000,
    l1ExitLatencyUs: 64,
    clockPowerManagement: false,
    surpriseDownErrorReportingCapable: false,
    dataLinkLayerLinkActiveReportingCapable: false,
    linkBandwidthNotificationCapability: false,
    aspmOptionalityCompliance: false,
    portNumber: 0,
    aspmControl: "L1",
    ptmPropagationDelayAdaptationInterpretationB: false,
    readCompletionBoundaryBytes: 64,
    linkDisable: false,
    retrainLink: false,
    commonClockConfiguration: true,
    extendedSynch: false,
    clockPowerManagementEnable: false,
    hardwareAutonomousWidthDisable: false,
    linkBandwidthManagementInterruptEnable: false,
    linkAutonomousBandwidthInterruptEnable: false,
    srisClocking: false,
    flitModeDisable: false,
    drsSignalingControl: 0,
    currentLinkSpeedGtps: 2.5,
    negotiatedLinkWidth: 4,
    linkTrainingError: false,
    linkTraining: false,
    slotClockConfiguration: true,
    dataLinkLayerLinkActive: false,
    linkBandwidthManagementStatus: false,
    linkAutonomousBandwidthStatus: false,
    completionTimeoutRangesSupported: "ABCD",
    completionTimeoutDisableSupported: true,
    ariForwardingSupported: false,
    atomicOpRoutingSupported: false,
    atomicOp32CompleterSupported: false,
    atomicOp64CompleterSupported: false,
    cas128CompleterSupported: false,
    noRoEnabledPrPrPassing: false,
    ltrMechanismSupported: false,
    tphCompleterSupported: "none",
    lnSystemCls: "none",
    tag10BitCompleterSupported: false,
    tag10BitRequesterSupported: false,
    obffSupported: "none",
    extendedFmtFieldSupported: false,
    endEndTlpPrefixSupported: false,
    maxEndEndTlpPrefixes: 4,
    emergencyPowerReductionSupported: "none",
    emergencyPowerReductionInitializationRequired: false,
    dmwrCompleterSupported: false,
    maxDmwrLengthBytes: 64,
    frsSupported: false,
    completionTimeout: "50 us to 50 ms",
    completionTimeoutDisable: false,
    ariForwardingEnable: false,
    atomicOpRequesterEnable: false,
    atomicOpEgressBlocking: false,
    idoRequestEnable: false,
    idoCompletionEnable: false,
    ltrMechanismEnable: false,
    emergencyPowerReductionRequest: false,
    tag10BitRequesterEnable: false,
    obffEnable: "disabled",
    endEndTlpPrefixBlocking: false,
    supportedLinkSpeedsGtps: [],
    crosslinkSupported: false,
    lowerSkpOsGenerationGtps: [],
    lowerSkpOsReceptionGtps: [],
    retimerPresenceDetectSupported: false,
    twoRetimersPresenceDetectSupported: false,
    drsSupported: false,
    targetLinkSpeedGtps: 2.5,
    enterCompliance: false,
    hardwareAutonomousSpeedDisable: false,
    selectableDeEmphasisDb: -6,
    transmitMargin: 0,
    enterModifiedCompliance: false,
    complianceSos: false,
    compliancePresetDeEmphasis: 0,
    currentDeEmphasisDb: -6,
    equalization8gtComplete: false,
    equalization8gtPhase1Successful: false,
    equalization8gtPhase2Successful: false,
    equalization8gtPhase3Successful: false,
    linkEqualizationRequest8gt: false,
    retimerPresenceDetected: false,
    twoRetimersPresenceDetected: false,
    crosslinkResolution: "not supported",
    flitModeStatus: false,
    downstreamComponentPresence: "link down, presence not determined",
    drsMessageReceived: false,
  });
});

test("PCI Express of a switch's downstream port (PLX 9716) reads as in lspci", { skip: dumpsAreMissing }, () => {
  const values = decodeDump("cap-dpc.txt", "05:01.0", EXPRESS, 0x68);
  assert.partialDeepStrictEqual(values, {
    devicePortTypeName: "Downstream Port of PCI Express Switch",
    slotImplemented: true,
    maxLinkSpeedGtps: 8,
    maxLinkWidth: 4,
    portNumber: 1,
    surpriseDownErrorReportingCapable: true,
    dataLinkLayerLinkActiveReportingCapable: true,
    linkBandwidthNotificationCapability: true,
    aspmOptionalityCompliance: true,
    dataLinkLayerLinkActive: true,
    linkBandwidthManagementStatus: true,
    attentionButtonPresent: false,
    powerControllerPresent: true,
    attentionIndicatorPresent: true,
    powerIndicatorPresent: true,
    hotPlugCapable: true,
    hotPlugSurprise: true,
    physicalSlotNumber: 1,
    slotPowerLimitWatts: 25,
    presenceDetectChangedEnable: true,
    commandCompletedInterruptEnable: true,
    hotPlugInterruptEnable: true,
    dataLinkLayerStateChangedEnable: true,
    attentionIndicatorControl: "off",
    powerIndicatorControl: "on",
    powerControllerControl: "on",
    presenceDetectState: true,
    presenceDetectChanged: false,
    ltrMechanismSupported: true,
    obffSupported: "message",
    ariForwardingSupported: true,
    ariForwardingEnable: true,
    atomicOpRoutingSupported: true,
    supportedLinkSpeedsGtps: [2.5, 5, 8],
    crosslinkSupported: true,
    targetLinkSpeedGtps: 8,
    equalization8gtComplete: true,
    equalization8gtPhase3Successful: true,
    inBandPresenceDetectDisableSupported: false,
  });
  assert.equal("pmePending" in values, false);
});

test("PCI Express of a root port of version 1 ends before Device Capabilities 2", { skip: dumpsAreMissing }, () => {
  const values = decodeDump("cap-vc-and-rcl.txt", "00:1c.0", EXPRESS, 0x40);
  assert.partialDeepStrictEqual(values, {
    capabilityVersion: 1,
    devicePortTypeName: "Root Port of PCI Express Root Complex",
    aspmSupport: "L0s and L1",
    l0sExitLatencyNs: 256,
    l1ExitLatencyUs: 4,
    slotPowerLimitWatts: 6.5,
    // Not to be 0, yet it is: lspci says "Unknown".
    attentionIndicatorControl: { kind: "unknown", id: 0 },
    presenceDetectChanged: true,
    dataLinkLayerStateChanged: true,
    configurationRrsSoftwareVisibility: false,
    pmeRequesterId: 0,
  });
  assert.equal("ariForwardingSupported" in values, false);
});

test("PCI Express of an event collector has root registers and no link", { skip: dumpsAreMissing }, () => {
  const values = decodeDump("cap-rcec.txt", "6a:00.4", EXPRESS, 0x40);
  assert.partialDeepStrictEqual(values, {
    devicePortTypeName: "Root Complex Event Collector",
    systemErrorOnCorrectableErrorEnable: true,
    systemErrorOnNonFatalErrorEnable: true,
    systemErrorOnFatalErrorEnable: true,
    pmeInterruptEnable: false,
    completionTimeoutRangesSupported: "none",
  });
  assert.equal("maxLinkWidth" in values || "targetLinkSpeedGtps" in values, false);
});

test("a link of an emulated function without speed or width stays a reserved code", { skip: dumpsAreMissing }, () => {
  assert.partialDeepStrictEqual(decodeDump("cap-ea-1.txt", "0002:01:00.0", EXPRESS, 0x40), {
    maxLinkSpeedGtps: { kind: "unknown", id: 0 },
    maxLinkWidth: { kind: "unknown", id: 0 },
    negotiatedLinkWidth: 0,
    targetLinkSpeedGtps: 2.5,
  });
});

/** A field of each group of registers. */
const PROBES = {
  link: "maxLinkWidth",
  slot: "physicalSlotNumber",
  root: "pmePending",
  device2: "ariForwardingSupported",
  link2: "supportedLinkSpeedsGtps",
  slot2: "inBandPresenceDetectDisableSupported",
};
const DEVICE = 0x0c;
const LINK = 0x14;

/** What each kind of function implements of version 1, slot implemented, and how far that reaches (Linux access.c). */
const KINDS: [type: number, groups: string[], endV1: number][] = [
  [0x0, ["link"], LINK],
  [0x1, ["link"], LINK],
  [0x4, ["link", "slot", "root"], 0x24],
  [0x5, ["link"], LINK],
  [0x6, ["link", "slot"], 0x1c],
  [0x7, ["link"], LINK],
  [0x8, ["link", "slot"], 0x1c],
  [0x9, [], DEVICE],
  [0xa, ["root"], 0x24],
];

for (const [type, groups, endV1] of KINDS) {
  test(`${DEVICE_PORT_TYPES[type]} has its own registers and no others`, () => {
    const groupsOf = (version: number, slot: number) => {
      const decoded = decodeBytes(EXPRESS, `${type.toString(16)}${version}0${slot}`);
      const present = Object.entries(PROBES).filter(([, field]) => field in decoded.values);
      return { groups: present.map(([group]) => group), size: decoded.sizeBytes };
    };
    const noSlot = groups.filter((group) => group !== "slot");
    assert.deepEqual(groupsOf(1, 1), { groups, size: endV1 });
    assert.deepEqual(groupsOf(1, 0).groups, noSlot);
    const second = ["device2", ...(groups.includes("link") ? ["link2"] : [])];
    assert.deepEqual(groupsOf(2, 0), { groups: [...noSlot, ...second], size: 0x3c });
    const third = groups.includes("slot") ? ["slot2"] : [];
    assert.deepEqual(groupsOf(2, 1).groups, [...groups, ...second, ...third]);
  });
}

test("a bridge to PCI retries configuration requests where others reset", () => {
  const bridge = decodeBytes(EXPRESS, "7200 00000000 0080").values;
  assert.equal(bridge.bridgeConfigurationRetryEnable, true);
  assert.equal("initiateFlr" in bridge, false);
  const endpoint = decodeBytes(EXPRESS, "0200 00000000 0080").values;
  assert.equal(endpoint.initiateFlr, true);
  assert.equal("bridgeConfigurationRetryEnable" in endpoint, false);
});

test("a kind of function that the specification does not name keeps its code", () => {
  assert.partialDeepStrictEqual(decodeBytes(EXPRESS, "f200").values, {
    devicePortType: 15,
    devicePortTypeName: { kind: "unknown", id: 15 },
  });
});

test("sizes, speeds and widths: all codes of the specification, and the reserved ones as codes", () => {
  const sizes = [0, 1, 2, 3, 4, 5, 6, 7].map(
    (code) => decodeBytes(EXPRESS, `0200 0${code}000000`).values.maxPayloadSizeSupportedBytes,
  );
  const reserved = (id: number) => ({ kind: "unknown", id });
  assert.deepEqual(sizes, [128, 256, 512, 1024, 2048, 4096, reserved(6), reserved(7)]);
  const speeds = [0, 1, 2, 3, 4, 5, 6, 7].map(
    (code) => decodeBytes(EXPRESS, `0200 00000000 0000 0000 0${code}000000`).values.maxLinkSpeedGtps,
  );
  assert.deepEqual(speeds, [reserved(0), 2.5, 5, 8, 16, 32, 64, reserved(7)]);
  const widths = ["1000", "2000", "4000", "8000", "c000", "0001", "0002", "3000"].map(
    (code) => decodeBytes(EXPRESS, `0200 00000000 0000 0000 ${code}0000`).values.maxLinkWidth,
  );
  assert.deepEqual(widths, [1, 2, 4, 8, 12, 16, 32, reserved(3)]);
});

test("a vector of link speeds names each, and a reserved bit by its code", () => {
  const registers = "00".repeat(0x2c - 4);
  const { values } = decodeBytes(EXPRESS, `0200 ${registers} fe040000`);
  assert.deepEqual(values.supportedLinkSpeedsGtps, [2.5, 5, 8, 16, 32, 64, { kind: "unknown", id: 7 }]);
  assert.deepEqual(values.lowerSkpOsGenerationGtps, [5]);
});

test("slot power limits go on in steps of 25 W from F0h on (PCIe 6.0 §7.5.3.9)", () => {
  const watts = (value: number, scale: number) => {
    const slotCapabilities = (value << 7) | (scale << 15);
    const hex = [0, 8, 16, 24].map((shift) => ((slotCapabilities >>> shift) & 0xff).toString(16).padStart(2, "0"));
    return decodeBytes(EXPRESS, `4201 ${"00".repeat(0x14 - 4)} ${hex.join("")}`).values.slotPowerLimitWatts;
  };
  assert.deepEqual(
    [watts(75, 0), watts(0xef, 0), watts(0xf0, 0), watts(0xfe, 0), watts(0xff, 0), watts(0xff, 1), watts(65, 1)],
    [75, 239, 250, 600, "more than 600", 25.5, 6.5],
  );
});

test("PCI Express of which only a part was read has null for the rest", () => {
  const { values } = decodeBytes(EXPRESS, "4201", { readBytes: 0x50 });
  assert.partialDeepStrictEqual(values, {
    maxPayloadSizeBytes: 128,
    maxLinkWidth: { kind: "unknown", id: 0 },
    currentLinkSpeedGtps: null,
    slotPowerLimitWatts: null,
    ariForwardingSupported: null,
    supportedLinkSpeedsGtps: null,
  });
  assert.partialDeepStrictEqual(decodeBytes(EXPRESS, "4201", { readBytes: 0x42 }).values, {
    capabilityVersion: null,
    devicePortType: null,
    devicePortTypeName: null,
    capturedSlotPowerLimitWatts: null,
  });
});

test("Device Control comes out of a reset as PCIe 6.0 §7.5.3.4 says", () => {
  // Relaxed Ordering and No Snoop allowed, reads of 512 bytes; Aux Power PM Enable is sticky.
  assert.equal(resetRegister(DEVICE_CONTROL, 0x0000), 0x2810);
  assert.equal(resetRegister(DEVICE_CONTROL, 0xffff), 0x2c10);
});
