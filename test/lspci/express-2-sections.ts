import { speedText } from "./express-sections.ts";
import { choice, decimal, flag, flags, type Section, text, type Values, words } from "./token.ts";

const RANGES = {
  none: "Not Supported",
  A: "Range A",
  B: "Range B",
  AB: "Range AB",
  BC: "Range BC",
  ABC: "Range ABC",
  BCD: "Range BCD",
  ABCD: "Range ABCD",
};
const OBFF_SUPPORT = {
  none: "Not Supported",
  message: "Via message",
  "WAKE#": "Via WAKE#",
  "message and WAKE#": "Via message/WAKE#",
};
const OBFF_CONTROL = {
  disabled: "Disabled",
  "message, variation A": "Via message A",
  "message, variation B": "Via message B",
  "WAKE#": "Via WAKE#",
};
const POWER_REDUCTION = {
  none: "Not Supported",
  "device-specific": "Dev Specific",
  "form factor or device-specific": "Form Factor Dev Specific",
};
const LN_SYSTEM_CLS = {
  none: "Not Supported",
  "64-byte cachelines": "64byte cachelines",
  "128-byte cachelines": "128byte cachelines",
};
const CROSSLINK = {
  "not supported": "unsupported",
  "upstream port": "Upstream Port",
  "downstream port": "Downstream Port",
  "not completed": "incomplete",
};
const PRESENCE = {
  "link down, presence not determined": "Link Down - Not Determined",
  "link down, not present": "Link Down - Not Present",
  "link down, present": "Link Down - Present",
  "link up, present": "Link Up - Present",
  "link up, present and DRS received": "Link Up - Present and DRS Received",
};

/** Compliance Preset/De-emphasis by its code. */
const PRESETS = [
  "-6dB de-emphasis, 0dB preshoot",
  "-3.5dB de-emphasis, 0dB preshoot",
  "-4.4dB de-emphasis, 0dB preshoot",
  "-2.5dB de-emphasis, 0dB preshoot",
  "0dB de-emphasis, 0dB preshoot",
  "0dB de-emphasis, 1.9dB preshoot",
  "0dB de-emphasis, 2.5dB preshoot",
  "-6.0dB de-emphasis, 3.5dB preshoot",
  "-3.5dB de-emphasis, 3.5dB preshoot",
  "0dB de-emphasis, 3.5dB preshoot",
];
const NORMAL_MARGIN = "Normal Operating Range";
const HIGH_MARGIN = "800-1200mV(full-swing)/400-700mV(half-swing)";
const LOW_MARGIN = "200-400mV(full-swing)/100-200mV(half-swing)";
const MARGINS = [NORMAL_MARGIN, HIGH_MARGIN, LOW_MARGIN, LOW_MARGIN, LOW_MARGIN, LOW_MARGIN];

/** The registers that version 2 adds (pciutils, `cap_express_dev2` and `_link2`). */
export const EXPRESS_2_SECTIONS: readonly Section[] = [
  {
    start: /^DevCap2:/,
    tokens: [
      choice(/Completion Timeout: ([^,]*),/, "completionTimeoutRangesSupported", RANGES, "Unknown"),
      choice(/OBFF ([^,]*),/, "obffSupported", OBFF_SUPPORT),
      choice(/EmergencyPowerReduction ([^,]*),/, "emergencyPowerReductionSupported", POWER_REDUCTION, "Reserved"),
      choice(/LN System CLS ([^,]*),/, "lnSystemCls", LN_SYSTEM_CLS, "Reserved"),
      decimal(/MaxEETLPPrefixes (\d)/, "maxEndEndTlpPrefixes"),
      flag("TPHComp", (values) => values.tphCompleterSupported !== "none"),
      flag("ExtTPHComp", (values) => values.tphCompleterSupported === "TPH and extended TPH"),
      words(/AtomicOpsCap:/),
      ...flags({
        TimeoutDis: "completionTimeoutDisableSupported",
        NROPrPrP: "noRoEnabledPrPrPassing",
        LTR: "ltrMechanismSupported",
        "10BitTagComp": "tag10BitCompleterSupported",
        "10BitTagReq": "tag10BitRequesterSupported",
        ExtFmt: "extendedFmtFieldSupported",
        EETLPPrefix: "endEndTlpPrefixSupported",
        EmergencyPowerReductionInit: "emergencyPowerReductionInitializationRequired",
        FRS: "frsSupported",
        ARIFwd: "ariForwardingSupported",
        Routing: "atomicOpRoutingSupported",
        "32bit": "atomicOp32CompleterSupported",
        "64bit": "atomicOp64CompleterSupported",
        "128bitCAS": "cas128CompleterSupported",
      }),
    ],
  },
  {
    start: /^DevCtl2:/,
    tokens: [
      text(/Completion Timeout: ([^,]*),/, ({ completionTimeout: time }) =>
        typeof time === "string" ? time.replace(/ (?=[mu]?s\b)/g, "") : "Unknown",
      ),
      choice(/OBFF ([^,]*),/, "obffEnable", OBFF_CONTROL),
      words(/AtomicOpsCtl:/),
      ...flags({
        TimeoutDis: "completionTimeoutDisable",
        LTR: "ltrMechanismEnable",
        "10BitTagReq": "tag10BitRequesterEnable",
        ARIFwd: "ariForwardingEnable",
        ReqEn: "atomicOpRequesterEnable",
        EgressBlck: "atomicOpEgressBlocking",
        IDOReq: "idoRequestEnable",
        IDOCompl: "idoCompletionEnable",
        EmergencyPowerReductionReq: "emergencyPowerReductionRequest",
        EETLPPrefixBlk: "endEndTlpPrefixBlocking",
      }),
    ],
  },
  {
    start: /^LnkCap2:/,
    tokens: [
      text(/Supported Link Speeds: ([^,]*),/, ({ supportedLinkSpeedsGtps }) => speedRange(supportedLinkSpeedsGtps)),
      ...flags({
        Crosslink: "crosslinkSupported",
        Retimer: "retimerPresenceDetectSupported",
        "2Retimers": "twoRetimersPresenceDetectSupported",
        DRS: "drsSupported",
      }),
    ],
  },
  {
    start: /^LnkCtl2:/,
    tokens: [
      text(/Target Link Speed: ([^,]*),/, ({ targetLinkSpeedGtps }) => speedText(targetLinkSpeedGtps, "Unknown")),
      decibels(/Selectable De-emphasis: (\S+)/, "selectableDeEmphasisDb"),
      text(/Transmit Margin: ([^,]*),/, ({ transmitMargin }) => MARGINS[Number(transmitMargin)] ?? "Unknown"),
      text(
        /Compliance (?:Preset\/)?De-emphasis: (\S+ de-emphasis, \S+ preshoot|Unknown)/,
        ({ compliancePresetDeEmphasis }) => PRESETS[Number(compliancePresetDeEmphasis)] ?? "Unknown",
      ),
      ...flags({
        EnterCompliance: "enterCompliance",
        SpeedDis: "hardwareAutonomousSpeedDisable",
        EnterModifiedCompliance: "enterModifiedCompliance",
        ComplianceSOS: "complianceSos",
      }),
    ],
  },
  {
    start: /^LnkSta2:/,
    tokens: [
      decibels(/Current De-emphasis Level: ([^,]*),/, "currentDeEmphasisDb"),
      choice(/CrosslinkRes: (unsupported|incomplete|\w+ Port)/, "crosslinkResolution", CROSSLINK),
      choice(/DownstreamComp: (.*)$/, "downstreamComponentPresence", PRESENCE, "Reserved"),
      ...flags({
        EqualizationComplete: "equalization8gtComplete",
        EqualizationPhase1: "equalization8gtPhase1Successful",
        EqualizationPhase2: "equalization8gtPhase2Successful",
        EqualizationPhase3: "equalization8gtPhase3Successful",
        LinkEqualizationRequest: "linkEqualizationRequest8gt",
        Retimer: "retimerPresenceDetected",
        "2Retimers": "twoRetimersPresenceDetected",
        DRS: "drsMessageReceived",
      }),
    ],
  },
];

function decibels(pattern: RegExp, field: string) {
  return text(pattern, (values: Values) => `${values[field]}dB`);
}

/** lspci names the highest speed; the standard lets no speed below it be left out. */
function speedRange(speeds: unknown): string {
  if (!Array.isArray(speeds)) return JSON.stringify(speeds);
  const highest: unknown = speeds.at(-1);
  if (highest === undefined) return "Unknown";
  if (typeof highest !== "number") return "RsvdP";
  return highest === 2.5 ? "2.5GT/s" : `2.5-${highest}GT/s`;
}
