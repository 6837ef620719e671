export const AER_SEVERITIES = ["correctable", "fatal", "nonfatal"] as const;
export type AerSeverity = (typeof AER_SEVERITIES)[number];

/** `struct aer_stats` (drivers/pci/pcie/aer.c). */
export class AerStats {
  /** Errors by their bit in the status register. */
  readonly of = bySeverity(() => ({ messages: 0, errors: [] as number[] }));
  /** Messages that a root port was sent (`rootport_total_cor_errs`, ...). */
  readonly received = bySeverity(() => 0);

  /** `pci_dev_aer_stats_incr` */
  count(severity: AerSeverity, unmasked: number): void {
    const counts = this.of[severity];
    counts.messages++;
    for (const bit of AER_ERROR_NAMES[severity].keys()) {
      if (((unmasked >>> bit) & 1) !== 0) counts.errors[bit] = (counts.errors[bit] ?? 0) + 1;
    }
  }
}

function bySeverity<T>(make: () => T): Record<AerSeverity, T> {
  return { correctable: make(), fatal: make(), nonfatal: make() };
}

/** `aer_correctable_error_string`, by bit. */
const CORRECTABLE = named(16, {
  0: "RxErr",
  6: "BadTLP",
  7: "BadDLLP",
  8: "Rollover",
  12: "Timeout",
  13: "NonFatalErr",
  14: "CorrIntErr",
  15: "HeaderOF",
});

/** `aer_uncorrectable_error_string`, by bit. */
const UNCORRECTABLE = named(32, {
  0: "Undefined",
  4: "DLP",
  5: "SDES",
  12: "TLP",
  13: "FCP",
  14: "CmpltTO",
  15: "CmpltAbrt",
  16: "UnxCmplt",
  17: "RxOF",
  18: "MalfTLP",
  19: "ECRC",
  20: "UnsupReq",
  21: "ACSViol",
  22: "UncorrIntErr",
  23: "BlockedTLP",
  24: "AtomicOpBlocked",
  25: "TLPBlockedErr",
  26: "PoisonTLPBlocked",
  27: "DMWrReqBlocked",
  28: "IDECheck",
  29: "MisIDETLP",
  30: "PCRC_CHECK",
  31: "TLPXlatBlocked",
});

export const AER_ERROR_NAMES: Readonly<Record<AerSeverity, readonly (string | undefined)[]>> = {
  correctable: CORRECTABLE,
  fatal: UNCORRECTABLE,
  nonfatal: UNCORRECTABLE,
};

function named(bits: number, names: Readonly<Record<number, string>>): readonly (string | undefined)[] {
  return Array.from({ length: bits }, (_, bit) => names[bit]);
}
