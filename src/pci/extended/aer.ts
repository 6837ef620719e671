import { block } from "../block.ts";
import { type Block, type CapabilityView, capability } from "../capability.ts";
import { PCI_EXP_TYPE_RC_EC, PCI_EXP_TYPE_ROOT_PORT } from "../device-port-type.ts";
import { type Access, bit, bits, type Field, register } from "../register.ts";

const HEADER_LOG_DWORDS = 4;
/** A TLP in Flit Mode has a header of 14 dwords at the most. */
const FLIT_HEADER_LOG_DWORDS = 14;
const PCI_ERR_PREFIX_LOG = 0x38;

/** Bits of the three uncorrectable error registers (PCIe 6.0 §7.8.4.2). */
const UNCORRECTABLE = {
  dataLinkProtocolError: 4,
  surpriseDownError: 5,
  poisonedTlpReceived: 12,
  flowControlProtocolError: 13,
  completionTimeout: 14,
  completerAbort: 15,
  unexpectedCompletion: 16,
  receiverOverflow: 17,
  malformedTlp: 18,
  ecrcError: 19,
  unsupportedRequestError: 20,
  acsViolation: 21,
  uncorrectableInternalError: 22,
  mcBlockedTlp: 23,
  atomicOpEgressBlocked: 24,
  tlpPrefixBlocked: 25,
  poisonedTlpEgressBlocked: 26,
  dmwrRequestEgressBlocked: 27,
  ideCheckFailed: 28,
  misroutedIdeTlp: 29,
  pcrcCheckFailed: 30,
  tlpTranslationEgressBlocked: 31,
};

/** Bits of the two correctable error registers (PCIe 6.0 §7.8.4.5). */
const CORRECTABLE = {
  receiverError: 0,
  badTlp: 6,
  badDllp: 7,
  replayNumRollover: 8,
  replayTimerTimeout: 12,
  advisoryNonFatalError: 13,
  correctedInternalError: 14,
  headerLogOverflow: 15,
};

/**
 * One bit for each error, named after the error and the register.
 * @param doc what a set bit means.
 * @param set the errors whose bit is 1 after a reset.
 */
function errorBits<N extends string, S extends string>(
  errors: Readonly<Record<N, number>>,
  suffix: S,
  access: Access,
  doc: string,
  set: readonly NoInfer<N>[] = [],
): { [K in N as `${K}${S}`]: Field<boolean> } {
  const fields: Record<string, Field<boolean>> = {};
  for (const error in errors) {
    fields[`${error}${suffix}`] = bit(errors[error], access, doc, set.includes(error) ? 1 : 0);
  }
  return fields as { [K in N as `${K}${S}`]: Field<boolean> };
}

const ROOT_TABLE = {
  rootErrorCommand: register(0x2c, 32, "PCI_ERR_ROOT_COMMAND", "PCIe 6.0 §7.8.4.9", {
    correctableErrorReportingEnable: bit(0, "RW", "a correctable error below interrupts"),
    nonFatalErrorReportingEnable: bit(1, "RW", "a non-fatal error below interrupts"),
    fatalErrorReportingEnable: bit(2, "RW", "a fatal error below interrupts"),
  }),
  rootErrorStatus: register(0x30, 32, "PCI_ERR_ROOT_STATUS", "PCIe 6.0 §7.8.4.10", {
    errCorReceived: bit(0, "RW1CS"),
    multipleErrCorReceived: bit(1, "RW1CS"),
    errFatalNonFatalReceived: bit(2, "RW1CS"),
    multipleErrFatalNonFatalReceived: bit(3, "RW1CS"),
    firstUncorrectableFatal: bit(4, "RW1CS", "the first uncorrectable error was fatal"),
    nonFatalErrorMessagesReceived: bit(5, "RW1CS"),
    fatalErrorMessagesReceived: bit(6, "RW1CS"),
    errCorSubclass: bits(8, 7, "ROS", "of the first ERR_COR: 0 legacy, 1 SIG_SFW, 2 SIG_OS, 3 extended"),
    advancedErrorInterruptMessageNumber: bits(31, 27, "RO", "MSI or MSI-X vector of these events"),
  }),
  errorSourceIdentification: register(0x34, 32, "PCI_ERR_ROOT_ERR_SRC", "PCIe 6.0 §7.8.4.11", {
    errCorSourceId: bits(15, 0, "ROS", "Requester ID of the first ERR_COR"),
    errFatalNonFatalSourceId: bits(31, 16, "ROS", "Requester ID of the first ERR_FATAL or ERR_NONFATAL"),
  }),
};

const table = {
  uncorrectableErrorStatus: register(0x04, 32, "PCI_ERR_UNCOR_STATUS", "PCIe 6.0 §7.8.4.2", {
    ...errorBits(UNCORRECTABLE, "Status", "RW1CS", "has happened"),
  }),
  uncorrectableErrorMask: register(0x08, 32, "PCI_ERR_UNCOR_MASK", "PCIe 6.0 §7.8.4.3", {
    ...errorBits(UNCORRECTABLE, "Mask", "RWS", "is not reported", [
      "uncorrectableInternalError",
      "poisonedTlpEgressBlocked",
    ]),
  }),
  uncorrectableErrorSeverity: register(0x0c, 32, "PCI_ERR_UNCOR_SEVER", "PCIe 6.0 §7.8.4.4", {
    ...errorBits(UNCORRECTABLE, "Severity", "RWS", "is fatal", [
      "dataLinkProtocolError",
      "surpriseDownError",
      "flowControlProtocolError",
      "receiverOverflow",
      "malformedTlp",
      "uncorrectableInternalError",
      "ideCheckFailed",
    ]),
  }),
  correctableErrorStatus: register(0x10, 32, "PCI_ERR_COR_STATUS", "PCIe 6.0 §7.8.4.5", {
    ...errorBits(CORRECTABLE, "Status", "RW1CS", "has happened"),
  }),
  correctableErrorMask: register(0x14, 32, "PCI_ERR_COR_MASK", "PCIe 6.0 §7.8.4.6", {
    ...errorBits(CORRECTABLE, "Mask", "RWS", "is not reported", [
      "advisoryNonFatalError",
      "correctedInternalError",
      "headerLogOverflow",
    ]),
  }),
  capabilitiesAndControl: register(0x18, 32, "PCI_ERR_CAP", "PCIe 6.0 §7.8.4.7", {
    firstErrorPointer: bits(4, 0, "ROS", "bit of the first error in Uncorrectable Error Status"),
    ecrcGenerationCapable: bit(5, "RO"),
    ecrcGenerationEnable: bit(6, "RWS"),
    ecrcCheckCapable: bit(7, "RO"),
    ecrcCheckEnable: bit(8, "RWS"),
    multipleHeaderRecordingCapable: bit(9, "RO", "more than one error header can be kept"),
    multipleHeaderRecordingEnable: bit(10, "RWS"),
    tlpPrefixLogPresent: bit(11, "ROS", "the TLP Prefix Log holds something"),
    completionTimeoutPrefixHeaderLogCapable: bit(12, "RO", "keeps the request whose completion timed out"),
    headerLogSizeDwords: bits(17, 13, "RO", "room for headers in Flit Mode; 0 where there is none"),
    loggedTlpWasFlitMode: bit(18, "ROS"),
    loggedTlpSizeDwords: bits(23, 19, "ROS", "of the TLP logged in Flit Mode"),
  }),
  headerLog0: register(0x1c, 32, "PCI_ERR_HEADER_LOG", "PCIe 6.0 §7.8.4.8", { headerLog0: bits(31, 0, "ROS") }),
  headerLog1: register(0x20, 32, undefined, "PCIe 6.0 §7.8.4.8", { headerLog1: bits(31, 0, "ROS") }),
  headerLog2: register(0x24, 32, undefined, "PCIe 6.0 §7.8.4.8", { headerLog2: bits(31, 0, "ROS") }),
  headerLog3: register(0x28, 32, undefined, "PCIe 6.0 §7.8.4.8", { headerLog3: bits(31, 0, "ROS") }),
};

/** Advanced Error Reporting: which errors happened, which are reported, and as what. */
export const AER = capability({
  id: 0x01,
  name: "Advanced Error Reporting (AER)",
  spec: "PCIe 6.0 §7.8.4",
  table,
  blocks: ({ tlpPrefixLogPresent, loggedTlpWasFlitMode, loggedTlpSizeDwords }, view) => [
    ...(collectsErrors(view) ? [block({ offset: 0, table: ROOT_TABLE })] : []),
    ...(loggedTlpWasFlitMode === true
      ? flitHeaderLog(Math.min(loggedTlpSizeDwords ?? 0, FLIT_HEADER_LOG_DWORDS))
      : tlpPrefixLogPresent === true
        ? tlpPrefixLog()
        : []),
  ],
});

function collectsErrors({ devicePortType }: CapabilityView): boolean {
  return devicePortType === PCI_EXP_TYPE_ROOT_PORT || devicePortType === PCI_EXP_TYPE_RC_EC;
}

/** The header's dwords from the fifth on, which stand where the TLP Prefix Log is without Flit Mode. */
function flitHeaderLog(dwords: number): Block[] {
  return Array.from({ length: Math.max(0, dwords - HEADER_LOG_DWORDS) }, (_, index) =>
    logDword(`headerLog${HEADER_LOG_DWORDS + index}`, index, "PCIe 6.0 §7.8.4.8"),
  );
}

function tlpPrefixLog(): Block[] {
  return Array.from({ length: 4 }, (_, index) => logDword(`tlpPrefixLog${index}`, index, "PCIe 6.0 §7.8.4.12"));
}

function logDword(name: string, index: number, spec: string): Block {
  const constant = index === 0 ? "PCI_ERR_PREFIX_LOG" : undefined;
  const log = register(0, 32, constant, spec, { [name]: bits(31, 0, "ROS") });
  return block({ offset: PCI_ERR_PREFIX_LOG + index * 4, table: { log } });
}
