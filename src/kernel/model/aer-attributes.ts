import type { Attribute } from "./attributes.ts";
import type { PciDev } from "./pci-dev.ts";

/** `aer_correctable_error_string` (drivers/pci/pcie/aer.c), those that have a name. */
const CORRECTABLE = [
  "RxErr",
  "BadTLP",
  "BadDLLP",
  "Rollover",
  "Timeout",
  "NonFatalErr",
  "CorrIntErr",
  "HeaderOF",
] as const;

/** `aer_uncorrectable_error_string` */
const UNCORRECTABLE = [
  "Undefined",
  "DLP",
  "SDES",
  "TLP",
  "FCP",
  "CmpltTO",
  "CmpltAbrt",
  "UnxCmplt",
  "RxOF",
  "MalfTLP",
  "ECRC",
  "UnsupReq",
  "ACSViol",
  "UncorrIntErr",
  "BlockedTLP",
  "AtomicOpBlocked",
  "TLPBlockedErr",
  "PoisonTLPBlocked",
  "DMWrReqBlocked",
  "IDECheck",
  "MisIDETLP",
  "PCRC_CHECK",
  "TLPXlatBlocked",
] as const;

const hasAer = ({ capabilities }: PciDev) => capabilities.aer !== 0;

/** `aer_stats_attrs`: counters, all of which the kernel's AER driver has left at 0 so far. */
export const AER_ATTRIBUTES: readonly Attribute<PciDev>[] = [
  { name: "aer_dev_correctable", visible: hasAer, showRaw: () => counters(CORRECTABLE, "TOTAL_ERR_COR") },
  { name: "aer_dev_fatal", visible: hasAer, showRaw: () => counters(UNCORRECTABLE, "TOTAL_ERR_FATAL") },
  { name: "aer_dev_nonfatal", visible: hasAer, showRaw: () => counters(UNCORRECTABLE, "TOTAL_ERR_NONFATAL") },
];

function counters(names: readonly string[], total: string): string {
  return [...names, total].map((name) => `${name} 0\n`).join("");
}
