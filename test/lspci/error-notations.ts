import type { Notation } from "./notation.ts";
import { decimal, flag, flags, hex, hexadecimal, type Section, text } from "./token.ts";

/** Errors as lspci and vfleet call them, in the order of their bits. */
const UNCORRECTABLE = {
  DLP: "dataLinkProtocolError",
  SDES: "surpriseDownError",
  TLP: "poisonedTlpReceived",
  FCP: "flowControlProtocolError",
  CmpltTO: "completionTimeout",
  CmpltAbrt: "completerAbort",
  UnxCmplt: "unexpectedCompletion",
  RxOF: "receiverOverflow",
  MalfTLP: "malformedTlp",
  ECRC: "ecrcError",
  UnsupReq: "unsupportedRequestError",
  ACSViol: "acsViolation",
  UncorrIntErr: "uncorrectableInternalError",
  BlockedTLP: "mcBlockedTlp",
  AtomicOpBlocked: "atomicOpEgressBlocked",
  TLPBlockedErr: "tlpPrefixBlocked",
  PoisonTLPBlocked: "poisonedTlpEgressBlocked",
  DMWrReqBlocked: "dmwrRequestEgressBlocked",
  IDECheck: "ideCheckFailed",
  MisIDETLP: "misroutedIdeTlp",
  PCRC_CHECK: "pcrcCheckFailed",
  TLPXlatBlocked: "tlpTranslationEgressBlocked",
};
const CORRECTABLE = {
  RxErr: "receiverError",
  BadTLP: "badTlp",
  BadDLLP: "badDllp",
  Rollover: "replayNumRollover",
  Timeout: "replayTimerTimeout",
  AdvNonFatalErr: "advisoryNonFatalError",
  CorrIntErr: "correctedInternalError",
  // pciutils 3.13 in Debian, and later.
  HHrOF: "headerLogOverflow",
  HeaderOF: "headerLogOverflow",
};
const TRIGGERS = { disabled: 0, fatal: 1, "non-fatal or fatal": 2 };
const REASONS = {
  "unmasked uncorrectable error": 0,
  "ERR_NONFATAL received": 1,
  "ERR_FATAL received": 2,
  "see the extension": 3,
};
const EXTENDED_REASONS = { "RP PIO error": 0, "software trigger": 1 };

/** What lspci shows of errors and of containing them (pciutils, `cap_aer` and `cap_dpc`). */
export const ERROR_NOTATIONS: readonly Notation[] = [
  {
    id: 0x01,
    title: { start: /^Advanced Error Reporting/, tokens: [] },
    sections: [
      errors(/^UESta:/, UNCORRECTABLE, "Status"),
      errors(/^UEMsk:/, UNCORRECTABLE, "Mask"),
      errors(/^UESvrt:/, UNCORRECTABLE, "Severity"),
      errors(/^CESta:/, CORRECTABLE, "Status"),
      errors(/^CEMsk:/, CORRECTABLE, "Mask"),
      {
        start: /^AERCap:/,
        tokens: [
          hexadecimal(/First Error Pointer: ([0-9a-f]{2})/, 2, "firstErrorPointer"),
          ...flags({
            ECRCGenCap: "ecrcGenerationCapable",
            ECRCGenEn: "ecrcGenerationEnable",
            ECRCChkCap: "ecrcCheckCapable",
            ECRCChkEn: "ecrcCheckEnable",
            MultHdrRecCap: "multipleHeaderRecordingCapable",
            MultHdrRecEn: "multipleHeaderRecordingEnable",
            TLPPfxPres: "tlpPrefixLogPresent",
            HdrLogCap: "completionTimeoutPrefixHeaderLogCapable",
          }),
        ],
      },
      {
        start: /^HeaderLog:/,
        tokens: [
          text(
            /([0-9a-f]{8}) ([0-9a-f]{8}) ([0-9a-f]{8}) ([0-9a-f]{8})/,
            ({ headerLog0 }) => hex(headerLog0, 8),
            ({ headerLog1 }) => hex(headerLog1, 8),
            ({ headerLog2 }) => hex(headerLog2, 8),
            ({ headerLog3 }) => hex(headerLog3, 8),
          ),
        ],
      },
      {
        start: /^RootCmd:/,
        tokens: flags({
          CERptEn: "correctableErrorReportingEnable",
          NFERptEn: "nonFatalErrorReportingEnable",
          FERptEn: "fatalErrorReportingEnable",
        }),
      },
      {
        start: /^RootSta:/,
        tokens: [
          decimal(/IntMsg (\d+)/, "advancedErrorInterruptMessageNumber"),
          decimal(/IntMsgNum (\d+)/, "advancedErrorInterruptMessageNumber"),
          ...flags({
            CERcvd: "errCorReceived",
            MultCERcvd: "multipleErrCorReceived",
            UERcvd: "errFatalNonFatalReceived",
            MultUERcvd: "multipleErrFatalNonFatalReceived",
            FirstFatal: "firstUncorrectableFatal",
            NonFatalMsg: "nonFatalErrorMessagesReceived",
            FatalMsg: "fatalErrorMessagesReceived",
          }),
        ],
      },
      {
        start: /^ErrorSrc:/,
        tokens: [
          hexadecimal(/ERR_COR: ([0-9a-f]{4})/, 4, "errCorSourceId"),
          hexadecimal(/ERR_FATAL\/NONFATAL: ([0-9a-f]{4})/, 4, "errFatalNonFatalSourceId"),
        ],
      },
    ],
  },
  {
    id: 0x1d,
    title: { start: /^Downstream Port Containment/, tokens: [] },
    sections: [
      {
        start: /^DpcCap:/,
        tokens: [
          decimal(/INT Msg #(\d+)/, "dpcInterruptMessageNumber"),
          decimal(/IntMsgNum (\d+)/, "dpcInterruptMessageNumber"),
          decimal(/RP PIO Log (\d+)/, "rpPioLogSizeDwords"),
          ...flags({
            RPExt: "rpExtensionsForDpc",
            PoisonedTLP: "poisonedTlpEgressBlockingSupported",
            SwTrigger: "dpcSoftwareTriggeringSupported",
            DL_ActiveErr: "dlActiveErrCorSignalingSupported",
          }),
        ],
      },
      {
        start: /^DpcCtl:/,
        tokens: [
          coded(/Trigger:([0-9a-f]+)/, 1, "dpcTriggerEnable", TRIGGERS),
          flag("Cmpl", ({ dpcCompletionControl }) => dpcCompletionControl === "unsupported request"),
          ...flags({
            INT: "dpcInterruptEnable",
            ErrCor: "dpcErrCorEnable",
            PoisonedTLP: "poisonedTlpEgressBlockingEnable",
            SwTrigger: "dpcSoftwareTrigger",
            DL_ActiveErr: "dlActiveErrCorEnable",
          }),
        ],
      },
      {
        start: /^DpcSta:/,
        tokens: [
          coded(/Reason:([0-9a-f]{2})/, 2, "dpcTriggerReason", REASONS),
          coded(/TriggerExt:([0-9a-f]{2})/, 2, "dpcTriggerReasonExtension", EXTENDED_REASONS),
          hexadecimal(/RP PIO ErrPtr:([0-9a-f]{2})/, 2, "rpPioFirstErrorPointer"),
          ...flags({ Trigger: "dpcTriggerStatus", INT: "dpcInterruptStatus", RPBusy: "dpcRpBusy" }),
        ],
      },
      { start: /^Source:/, tokens: [hexadecimal(/([0-9a-f]{4})/, 4, "dpcErrorSourceId")] },
    ],
  },
];

function errors(start: RegExp, names: Readonly<Record<string, string>>, suffix: string): Section {
  const fields = Object.entries(names).map(([name, field]) => [name, `${field}${suffix}`]);
  return { start, tokens: flags(Object.fromEntries(fields)) };
}

/** A field that lspci shows as its code. */
function coded(pattern: RegExp, digits: number, field: string, codes: Readonly<Record<string, number>>) {
  return text(pattern, (values) => {
    const value = values[field];
    return hex(typeof value === "string" ? codes[value] : (value as { id?: number } | null)?.id, digits);
  });
}
