import {
  choice,
  code,
  decimal,
  flag,
  flags,
  hexadecimal,
  type Section,
  type Token,
  text,
  type Values,
  words,
} from "./token.ts";

const TYPES: Readonly<Record<string, string>> = {
  0: "Endpoint",
  1: "Legacy Endpoint",
  4: "Root Port",
  5: "Upstream Port",
  6: "Downstream Port",
  7: "PCI-Express to PCI/PCI-X Bridge",
  8: "PCI/PCI-X to PCI-Express Bridge",
  9: "Root Complex Integrated Endpoint",
  10: "Root Complex Event Collector",
};
const ASPM_SUPPORT = { none: "not supported", L0s: "L0s", L1: "L1", "L0s and L1": "L0s L1" };
const ASPM_CONTROL = { none: "Disabled", L0s: "L0s Enabled", L1: "L1 Enabled", "L0s and L1": "L0s L1 Enabled" };
const INDICATORS = { on: "On", blinking: "Blink", off: "Off" };

/** The title of a PCI Express capability. */
export const EXPRESS_TITLE: Section = {
  start: /^Express /,
  tokens: [
    decimal(/\(v(\d+)\)/, "capabilityVersion"),
    flag("Slot", (values) => values.slotImplemented),
    text(
      /^\s*([A-Z][^,(]*?)\s*(?=[,(])/,
      ({ devicePortType }) => TYPES[String(devicePortType)] ?? `Unknown type ${devicePortType}`,
    ),
    ...interruptMessage("interruptMessageNumber", /MSI ([0-9a-f]{2})/, 2),
  ],
};

/** The registers that every PCI Express function has, and those of a link (pciutils, `cap_express_dev`, `_link`). */
export const EXPRESS_SECTIONS: readonly Section[] = [
  {
    start: /^DevCap:/,
    tokens: [
      decimal(/MaxPayload (\d+) bytes/, "maxPayloadSizeSupportedBytes"),
      text(/PhantFunc (\d+)/, ({ phantomFunctionBits }) => String(2 ** Number(phantomFunctionBits) - 1)),
      text(/Latency L0s (\S+?)(?=,)/, ({ endpointL0sAcceptableLatencyNs }) =>
        below(endpointL0sAcceptableLatencyNs, "ns"),
      ),
      text(/L1 (\S+)/, ({ endpointL1AcceptableLatencyUs }) => below(endpointL1AcceptableLatencyUs, "us")),
      text(/SlotPowerLimit (\S+)W/, ({ capturedSlotPowerLimitWatts }) => watts(capturedSlotPowerLimitWatts)),
      ...flags({
        ExtTag: "extendedTagFieldSupported",
        AttnBtn: "deviceAttentionButtonPresent",
        AttnInd: "deviceAttentionIndicatorPresent",
        PwrInd: "devicePowerIndicatorPresent",
        RBE: "roleBasedErrorReporting",
        FLReset: "flrCapable",
        "TEE-IO": "teeIoSupported",
      }),
    ],
  },
  {
    start: /^DevCtl:/,
    tokens: [
      decimal(/MaxPayload (\d+) bytes/, "maxPayloadSizeBytes"),
      decimal(/MaxReadReq (\d+) bytes/, "maxReadRequestSizeBytes"),
      ...flags({
        CorrErr: "correctableErrorReportingEnable",
        NonFatalErr: "nonFatalErrorReportingEnable",
        FatalErr: "fatalErrorReportingEnable",
        UnsupReq: "unsupportedRequestReportingEnable",
        RlxdOrd: "relaxedOrderingEnable",
        ExtTag: "extendedTagFieldEnable",
        PhantFunc: "phantomFunctionsEnable",
        AuxPwr: "auxPowerPmEnable",
        NoSnoop: "noSnoopEnable",
        BrConfRtry: "bridgeConfigurationRetryEnable",
        FLReset: "initiateFlr",
      }),
    ],
  },
  {
    start: /^DevSta:/,
    tokens: flags({
      CorrErr: "correctableErrorDetected",
      NonFatalErr: "nonFatalErrorDetected",
      FatalErr: "fatalErrorDetected",
      UnsupReq: "unsupportedRequestDetected",
      AuxPwr: "auxPowerDetected",
      TransPend: "transactionsPending",
    }),
  },
  {
    start: /^LnkCap:/,
    tokens: [
      decimal(/Port #(\d+)/, "portNumber"),
      speed("maxLinkSpeedGtps"),
      text(/Width x(\d+)/, ({ maxLinkWidth }) => String(code(maxLinkWidth))),
      choice(/ASPM ([^,]*?)(?=,| ClockPM)/, "aspmSupport", ASPM_SUPPORT),
      text(/L0s (<\S+?|unlimited)(?=,| )/, ({ l0sExitLatencyNs }) => below(l0sExitLatencyNs, "ns")),
      text(/L1 (<\S+|unlimited)/, ({ l1ExitLatencyUs }) => below(l1ExitLatencyUs, "us")),
      words(/Exit Latency/),
      ...flags({
        ClockPM: "clockPowerManagement",
        Surprise: "surpriseDownErrorReportingCapable",
        LLActRep: "dataLinkLayerLinkActiveReportingCapable",
        BwNot: "linkBandwidthNotificationCapability",
        ASPMOptComp: "aspmOptionalityCompliance",
      }),
    ],
  },
  {
    start: /^LnkCtl:/,
    tokens: [
      choice(/ASPM ([^;]*);/, "aspmControl", ASPM_CONTROL),
      decimal(/RCB (\d+) bytes/, "readCompletionBoundaryBytes"),
      ...flags({
        // pciutils before 3.11.
        Disabled: "linkDisable",
        LnkDisable: "linkDisable",
        CommClk: "commonClockConfiguration",
        ExtSynch: "extendedSynch",
        ClockPM: "clockPowerManagementEnable",
        AutWidDis: "hardwareAutonomousWidthDisable",
        BWInt: "linkBandwidthManagementInterruptEnable",
        AutBWInt: "linkAutonomousBandwidthInterruptEnable",
      }),
    ],
  },
  {
    start: /^LnkSta:/,
    tokens: [
      speed("currentLinkSpeedGtps"),
      text(/Width x(\d+)/, ({ negotiatedLinkWidth }) => String(code(negotiatedLinkWidth))),
      // What lspci thinks of the status beside the capability.
      words(/\((?:downgraded|overdriven)\)/),
      words(/\((?:downgraded|overdriven)\)/),
      ...flags({
        TrErr: "linkTrainingError",
        Train: "linkTraining",
        SlotClk: "slotClockConfiguration",
        DLActive: "dataLinkLayerLinkActive",
        BWMgmt: "linkBandwidthManagementStatus",
        ABWMgmt: "linkAutonomousBandwidthStatus",
      }),
    ],
  },
  {
    start: /^SltCap:/,
    tokens: [
      decimal(/Slot #(\d+)/, "physicalSlotNumber"),
      text(/PowerLimit (\S+)W/, ({ slotPowerLimitWatts }) => watts(slotPowerLimitWatts)),
      ...flags({
        AttnBtn: "attentionButtonPresent",
        PwrCtrl: "powerControllerPresent",
        MRL: "mrlSensorPresent",
        AttnInd: "attentionIndicatorPresent",
        PwrInd: "powerIndicatorPresent",
        HotPlug: "hotPlugCapable",
        Surprise: "hotPlugSurprise",
        Interlock: "electromechanicalInterlockPresent",
        NoCompl: "noCommandCompletedSupport",
      }),
    ],
  },
  {
    start: /^SltCtl:/,
    tokens: [
      words(/Enable:/),
      words(/Control:/),
      choice(/AttnInd ([A-Z][a-z]+)/, "attentionIndicatorControl", INDICATORS, "Unknown"),
      choice(/PwrInd ([A-Z][a-z]+)/, "powerIndicatorControl", INDICATORS, "Unknown"),
      // The register's bit says that the power is off.
      flag("Power", ({ powerControllerControl }) => powerControllerControl === "off"),
      ...flags({
        AttnBtn: "attentionButtonPressedEnable",
        PwrFlt: "powerFaultDetectedEnable",
        MRL: "mrlSensorChangedEnable",
        PresDet: "presenceDetectChangedEnable",
        CmdCplt: "commandCompletedInterruptEnable",
        HPIrq: "hotPlugInterruptEnable",
        LinkChg: "dataLinkLayerStateChangedEnable",
        Interlock: "electromechanicalInterlockControl",
      }),
    ],
  },
  {
    start: /^SltSta:/,
    tokens: [
      text(
        /Changed: MRL([+-]) PresDet([+-]) LinkState([+-])/,
        (values) => plusMinus(values.mrlSensorChanged),
        (values) => plusMinus(values.presenceDetectChanged),
        (values) => plusMinus(values.dataLinkLayerStateChanged),
      ),
      words(/Status:/),
      ...flags({
        AttnBtn: "attentionButtonPressed",
        PowerFlt: "powerFaultDetected",
        MRL: "mrlSensorOpen",
        CmdCplt: "commandCompleted",
        PresDet: "presenceDetectState",
        Interlock: "electromechanicalInterlockEngaged",
      }),
    ],
  },
  { start: /^RootCap:/, tokens: flags({ CRSVisible: "configurationRrsSoftwareVisibility" }) },
  {
    start: /^RootCtl:/,
    tokens: flags({
      ErrCorrectable: "systemErrorOnCorrectableErrorEnable",
      "ErrNon-Fatal": "systemErrorOnNonFatalErrorEnable",
      ErrFatal: "systemErrorOnFatalErrorEnable",
      PMEIntEna: "pmeInterruptEnable",
      CRSVisible: "configurationRrsSoftwareVisibilityEnable",
    }),
  },
  {
    start: /^RootSta:/,
    tokens: [
      hexadecimal(/PME ReqID ([0-9a-f]{4})/, 4, "pmeRequesterId"),
      ...flags({ PMEStatus: "pmeStatus", PMEPending: "pmePending" }),
    ],
  },
];

/** pciutils before 3.11 prints message numbers in hexadecimal, and calls them differently in each capability. */
export function interruptMessage(field: string, older: RegExp, digits: number): Token[] {
  return [decimal(/IntMsgNum (\d+)/, field), hexadecimal(older, digits, field)];
}

/** "Speed 8GT/s". */
function speed(field: string): Token {
  return text(/Speed (\S+?)(?=[, ])/, (values) => speedText(values[field], "unknown"));
}

export function speedText(value: unknown, other: string): string {
  return typeof value === "number" ? `${value}GT/s` : other;
}

/** A latency as the lowest bound that it is below, "<64ns"; words where there is no bound. */
function below(value: unknown, unit: "ns" | "us"): string {
  if (typeof value !== "number") return typeof value === "string" ? "unlimited" : JSON.stringify(value);
  return unit === "ns" && value >= 1000 ? `<${value / 1000}us` : `<${value}${unit}`;
}

function watts(value: unknown): string {
  return typeof value === "number" ? String(value) : value === "more than 600" ? ">600" : JSON.stringify(value);
}

function plusMinus(value: Values[string]): string {
  return value === true ? "+" : "-";
}
