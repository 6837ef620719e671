import { bit, bits, oneOf, register } from "../register.ts";

const L0S_LATENCIES_NS = [64, 128, 256, 512, 1000, 2000, 4000];

/** Codes 6 and 7 are reserved. */
const payloadBytes = oneOf({ 0: 128, 1: 256, 2: 512, 3: 1024, 4: 2048, 5: 4096 });

export const EXPRESS_CAPABILITIES = register(0x02, 16, "PCI_EXP_FLAGS", "PCIe 6.0 §7.5.3.2", {
  capabilityVersion: bits(3, 0, "RO", "1: without the registers from 24h on"),
  devicePortType: bits(7, 4, "RO", "see DEVICE_PORT_TYPES"),
  slotImplemented: bit(8, "HwInit", "the link leads to a slot"),
  interruptMessageNumber: bits(13, 9, "RO", "MSI or MSI-X vector of hot-plug, PME and link events"),
  flitModeSupported: bit(15, "HwInit"),
});

export const DEVICE_CAPABILITIES = register(0x04, 32, "PCI_EXP_DEVCAP", "PCIe 6.0 §7.5.3.3", {
  maxPayloadSizeSupportedBytes: bits(2, 0, "RO", { value: payloadBytes }),
  phantomFunctionBits: bits(4, 3, "RO", "upper bits of the function number that extend the tag"),
  extendedTagFieldSupported: bit(5, "RO", "can issue 8-bit tags"),
  endpointL0sAcceptableLatencyNs: bits(8, 6, "RO", {
    value: (raw) => L0S_LATENCIES_NS[raw] ?? "no limit",
    doc: "that the endpoint can bear between L0s and L0",
  }),
  endpointL1AcceptableLatencyUs: bits(11, 9, "RO", {
    value: (raw) => (raw === 7 ? "no limit" : 2 ** raw),
    doc: "that the endpoint can bear between L1 and L0",
  }),
  deviceAttentionButtonPresent: bit(12, "RO", "on the card; PCIe 1.0a, undefined since"),
  deviceAttentionIndicatorPresent: bit(13, "RO", "on the card; PCIe 1.0a, undefined since"),
  devicePowerIndicatorPresent: bit(14, "RO", "on the card; PCIe 1.0a, undefined since"),
  roleBasedErrorReporting: bit(15, "RO"),
  errCorSubclassCapable: bit(16, "RO"),
  rxMpsFixed: bit(17, "HwInit", "receives up to the payload size supported, whatever Max_Payload_Size says"),
  capturedSlotPowerLimitValue: bits(25, 18, "RO", "from the last Set_Slot_Power_Limit message (upstream ports)"),
  capturedSlotPowerLimitScale: bits(27, 26, "RO", "the value counts 10^-n watts"),
  flrCapable: bit(28, "RO", "Function Level Reset is supported"),
  mixedMpsSupported: bit(29, "HwInit"),
  teeIoSupported: bit(30, "HwInit", "TDISP: the function can belong to a trusted execution environment"),
});

const deviceControl = {
  correctableErrorReportingEnable: bit(0, "RW"),
  nonFatalErrorReportingEnable: bit(1, "RW"),
  fatalErrorReportingEnable: bit(2, "RW"),
  unsupportedRequestReportingEnable: bit(3, "RW"),
  relaxedOrderingEnable: bit(4, "RW", "may set Relaxed Ordering; reserved in a VF", 1),
  maxPayloadSizeBytes: bits(7, 5, "RW", { value: payloadBytes, doc: "may send and must accept; reserved in a VF" }),
  extendedTagFieldEnable: bit(8, "RW"),
  phantomFunctionsEnable: bit(9, "RW"),
  auxPowerPmEnable: bit(10, "RWS"),
  noSnoopEnable: bit(11, "RW", "may set No Snoop; reserved in a VF", 1),
  maxReadRequestSizeBytes: bits(14, 12, "RW", { value: payloadBytes, reset: 2, doc: "reserved in a VF" }),
};

export const DEVICE_CONTROL = register(0x08, 16, "PCI_EXP_DEVCTL", "PCIe 6.0 §7.5.3.4", {
  ...deviceControl,
  initiateFlr: bit(15, "RW", "written 1 to reset the function; reads 0"),
});

/** Device Control of a bridge to PCI or PCI-X, where bit 15 means something else. */
export const BRIDGE_DEVICE_CONTROL = register(0x08, 16, "PCI_EXP_DEVCTL", "PCIe 6.0 §7.5.3.4", {
  ...deviceControl,
  bridgeConfigurationRetryEnable: bit(15, "RW", "may answer configuration requests with a retry"),
});

export const DEVICE_STATUS = register(0x0a, 16, "PCI_EXP_DEVSTA", "PCIe 6.0 §7.5.3.5", {
  correctableErrorDetected: bit(0, "RW1C"),
  nonFatalErrorDetected: bit(1, "RW1C"),
  fatalErrorDetected: bit(2, "RW1C"),
  unsupportedRequestDetected: bit(3, "RW1C"),
  auxPowerDetected: bit(4, "RO"),
  transactionsPending: bit(5, "RO", "the function waits for completions"),
  emergencyPowerReductionDetected: bit(6, "RW1C"),
});

/** Ranges: A 50 us to 10 ms, B 10 ms to 250 ms, C 250 ms to 4 s, D 4 s to 64 s. */
const TIMEOUT_RANGES = { 0: "none", 1: "A", 2: "B", 3: "AB", 6: "BC", 7: "ABC", 14: "BCD", 15: "ABCD" };

const TIMEOUT_VALUES = {
  0: "50 us to 50 ms",
  1: "50 us to 100 us",
  2: "1 ms to 10 ms",
  5: "16 ms to 55 ms",
  6: "65 ms to 210 ms",
  9: "260 ms to 900 ms",
  10: "1 s to 3.5 s",
  13: "4 s to 13 s",
  14: "17 s to 64 s",
};

/** Registers that a capability of version 2 adds for every function. */
export const DEVICE_2 = {
  deviceCapabilities2: register(0x24, 32, "PCI_EXP_DEVCAP2", "PCIe 6.0 §7.5.3.15", {
    completionTimeoutRangesSupported: bits(3, 0, "HwInit", {
      value: oneOf(TIMEOUT_RANGES),
      doc: "A 50 us to 10 ms, B to 250 ms, C to 4 s, D to 64 s; none: cannot be set",
    }),
    completionTimeoutDisableSupported: bit(4, "RO"),
    ariForwardingSupported: bit(5, "RO", "downstream ports: can forward to function numbers above 7"),
    atomicOpRoutingSupported: bit(6, "RO"),
    atomicOp32CompleterSupported: bit(7, "RO"),
    atomicOp64CompleterSupported: bit(8, "RO"),
    cas128CompleterSupported: bit(9, "RO"),
    noRoEnabledPrPrPassing: bit(10, "HwInit", "posted requests never pass each other, Relaxed Ordering or not"),
    ltrMechanismSupported: bit(11, "RO"),
    tphCompleterSupported: bits(13, 12, "RO", { value: oneOf({ 0: "none", 1: "TPH", 3: "TPH and extended TPH" }) }),
    lnSystemCls: bits(15, 14, "HwInit", {
      value: oneOf({ 0: "none", 1: "64-byte cachelines", 2: "128-byte cachelines" }),
      doc: "Lightweight Notification; undefined since PCIe 6.0",
    }),
    tag10BitCompleterSupported: bit(16, "HwInit"),
    tag10BitRequesterSupported: bit(17, "HwInit"),
    obffSupported: bits(19, 18, "HwInit", {
      value: oneOf({ 0: "none", 1: "message", 2: "WAKE#", 3: "message and WAKE#" }),
      doc: "Optimized Buffer Flush/Fill, by which signal",
    }),
    extendedFmtFieldSupported: bit(20, "RO"),
    endEndTlpPrefixSupported: bit(21, "HwInit", "PASID needs it all the way to the root"),
    maxEndEndTlpPrefixes: bits(23, 22, "HwInit", { value: (raw) => (raw === 0 ? 4 : raw) }),
    emergencyPowerReductionSupported: bits(25, 24, "HwInit", {
      value: oneOf({ 0: "none", 1: "device-specific", 2: "form factor or device-specific" }),
    }),
    emergencyPowerReductionInitializationRequired: bit(26, "HwInit"),
    dmwrCompleterSupported: bit(28, "HwInit", "Deferrable Memory Writes"),
    maxDmwrLengthBytes: bits(30, 29, "HwInit", { value: oneOf({ 0: 64, 1: 128 }) }),
    frsSupported: bit(31, "HwInit", "Function Readiness Status messages"),
  }),
  deviceControl2: register(0x28, 16, "PCI_EXP_DEVCTL2", "PCIe 6.0 §7.5.3.16", {
    completionTimeout: bits(3, 0, "RW", { value: oneOf(TIMEOUT_VALUES), doc: "reserved in a VF" }),
    completionTimeoutDisable: bit(4, "RW", "reserved in a VF"),
    ariForwardingEnable: bit(5, "RW", "downstream ports: the device number counts as part of the function number"),
    atomicOpRequesterEnable: bit(6, "RW", "reserved in a VF"),
    atomicOpEgressBlocking: bit(7, "RW"),
    idoRequestEnable: bit(8, "RW", "may set ID-based Ordering in requests"),
    idoCompletionEnable: bit(9, "RW", "may set ID-based Ordering in completions"),
    ltrMechanismEnable: bit(10, "RW"),
    emergencyPowerReductionRequest: bit(11, "RW"),
    tag10BitRequesterEnable: bit(12, "RW"),
    obffEnable: bits(14, 13, "RW", {
      value: oneOf({ 0: "disabled", 1: "message, variation A", 2: "message, variation B", 3: "WAKE#" }),
    }),
    endEndTlpPrefixBlocking: bit(15, "RW"),
  }),
  /** Without a field up to now. */
  deviceStatus2: register(0x2a, 16, "PCI_EXP_DEVSTA2", "PCIe 6.0 §7.5.3.17", {}),
};
