import { AER } from "../pci/extended/aer.ts";
import type { ErrorSeverity } from "./function-part.ts";
import type { PciFunction } from "./pci-function.ts";

/** Uncorrectable errors, by the names of src/pci/extended/aer.ts. */
export type UncorrectableError =
  | "surpriseDownError"
  | "poisonedTlpReceived"
  | "completionTimeout"
  | "completerAbort"
  | "unexpectedCompletion"
  | "malformedTlp"
  | "unsupportedRequestError"
  | "acsViolation"
  | "tlpPrefixBlocked"
  | "uncorrectableInternalError";

/** The first four dwords of a TLP. */
export type TlpHeader = readonly [number, number, number, number];

const STATUS = AER.table.uncorrectableErrorStatus;
const MASK = AER.table.uncorrectableErrorMask;
const SEVERITY = AER.table.uncorrectableErrorSeverity;
const CORRECTABLE_STATUS = AER.table.correctableErrorStatus;
const CORRECTABLE_MASK = AER.table.correctableErrorMask;
const CONTROL = AER.table.capabilitiesAndControl;
const FIRST_ERROR_POINTER = 0x1f;
const HEADER_LOG = 0x1c;
const ADVISORY = 1 << CORRECTABLE_STATUS.fields.advisoryNonFatalErrorStatus.lsb;

const PCI_COMMAND = 0x04;
const PCI_COMMAND_SERR = 0x100;
const PCI_STATUS = 0x06;
const PCI_STATUS_SIG_SYSTEM_ERROR = 0x4000;
const PCI_EXP_DEVCTL = 0x08;
const ENABLE: Readonly<Record<ErrorSeverity, number>> = { correctable: 1, "non-fatal": 2, fatal: 4 };
const DETECTED: Readonly<Record<ErrorSeverity, number>> = { correctable: 1, "non-fatal": 2, fatal: 4 };
const UNSUPPORTED_REQUEST_DETECTED = 8;
const UNSUPPORTED_REQUEST_REPORTING_ENABLE = 8;

/** Without AER an error is as severe as AER's default says (PCIe 6.0 §6.2.7). */
const FATAL_BY_DEFAULT: readonly UncorrectableError[] = [
  "surpriseDownError",
  "malformedTlp",
  "uncorrectableInternalError",
];

/**
 * A function detects an uncorrectable error: logs it, and reports it as far as that is enabled (PCIe 6.0 §6.2.5).
 * @param advisory another agent will deal with it, as with a non-posted request that gets an error completion: where the
 * error is not fatal, it is reported as a correctable one (§6.2.3.2.4).
 */
export function logError(
  fn: PciFunction,
  error: UncorrectableError,
  { header, advisory = false }: { readonly header?: TlpHeader; readonly advisory?: boolean } = {},
): void {
  const unsupported = error === "unsupportedRequestError";
  if (unsupported) fn.setDeviceStatus(UNSUPPORTED_REQUEST_DETECTED);
  const aer = fn.template.offsetOf(AER, true);
  const bit = 2 ** STATUS.fields[`${error}Status`].lsb;
  // Of a VF, mask and severity are its PF's (§9.4.2).
  const governor = fn.pf ?? fn;
  const governing = governor.template.offsetOf(AER, true);
  const fatal =
    governing === undefined
      ? FATAL_BY_DEFAULT.includes(error)
      : (governor.config.read(governing + SEVERITY.offset, 4) & bit) >>> 0 !== 0;
  const asCorrectable = advisory && !fatal;
  const severity: ErrorSeverity = asCorrectable ? "correctable" : fatal ? "fatal" : "non-fatal";
  fn.setDeviceStatus(DETECTED[severity]);
  if (aer !== undefined && governing !== undefined) {
    if (asCorrectable) {
      fn.config.setBits(aer + CORRECTABLE_STATUS.offset, 4, ADVISORY, ADVISORY);
      if ((governor.config.read(governing + CORRECTABLE_MASK.offset, 4) & ADVISORY) !== 0) return;
    }
    const masked = (governor.config.read(governing + MASK.offset, 4) & bit) !== 0;
    if (!masked) logFirst(fn, aer, STATUS.fields[`${error}Status`].lsb, header);
    fn.config.setBits(aer + STATUS.offset, 4, bit, bit);
    if (masked) return;
  }
  if (reportingEnabled(fn, severity, unsupported)) send(fn, severity);
}

/** The First Error Pointer and its header stand until their error is cleared (PCIe 6.0 §6.2.4.2). */
function logFirst(fn: PciFunction, aer: number, position: number, header: TlpHeader | undefined): void {
  const pointer = fn.config.read(aer + CONTROL.offset, 4) & FIRST_ERROR_POINTER;
  const pending = fn.config.read(aer + STATUS.offset, 4);
  if (((pending >>> pointer) & 1) !== 0) return;
  fn.config.setBits(aer + CONTROL.offset, 4, FIRST_ERROR_POINTER, position);
  for (let at = 0; at < 4; at++) fn.config.set(aer + HEADER_LOG + at * 4, 4, header?.[at] ?? 0);
}

/** By Device Control or, but for correctable ones, SERR# Enable (PCIe 6.0 §6.2.6). */
function reportingEnabled(fn: PciFunction, severity: ErrorSeverity, unsupported: boolean): boolean {
  const at = fn.express(PCI_EXP_DEVCTL);
  const control = at === undefined ? 0 : fn.config.read(at, 2);
  const serr = (fn.config.read(PCI_COMMAND, 2) & PCI_COMMAND_SERR) !== 0;
  if (serr && severity !== "correctable") return true;
  if (unsupported && (control & UNSUPPORTED_REQUEST_REPORTING_ENABLE) === 0) return false;
  return (control & ENABLE[severity]) !== 0;
}

function send(fn: PciFunction, severity: ErrorSeverity): void {
  if (severity !== "correctable" && (fn.config.read(PCI_COMMAND, 2) & PCI_COMMAND_SERR) !== 0) {
    fn.config.setBits(PCI_STATUS, 2, PCI_STATUS_SIG_SYSTEM_ERROR, PCI_STATUS_SIG_SYSTEM_ERROR);
  }
  fn.surroundings.errorMessage(fn, severity);
}

const MEMORY_WRITE = 0x4000_0000;
const FOUR_DWORDS = 0x2000_0000;
const HIGH = 2 ** 32;

/** The header of a Memory Read or Write Request (PCIe 6.0 §2.2.7). */
export function memoryRequestHeader(requesterId: number, address: number, write: boolean): TlpHeader {
  const wide = address >= HIGH;
  const first = ((write ? MEMORY_WRITE : 0) | (wide ? FOUR_DWORDS : 0) | 1) >>> 0;
  const low = (address % HIGH) & ~3;
  const requester = ((requesterId << 16) | 0xf) >>> 0;
  return wide ? [first, requester, Math.floor(address / HIGH), low >>> 0] : [first, requester, low >>> 0, 0];
}

/** The header of a Configuration Request of Type 0 (PCIe 6.0 §2.2.7). */
export function configRequestHeader(target: number, offset: number, write: boolean): TlpHeader {
  return [((write ? MEMORY_WRITE : 0) | 0x0400_0001) >>> 0, 0xf, ((target << 16) | (offset & 0xffc)) >>> 0, 0];
}
