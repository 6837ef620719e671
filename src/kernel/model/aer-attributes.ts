import { PCI_EXP_TYPE_RC_EC, PCI_EXP_TYPE_ROOT_PORT } from "../../pci/device-port-type.ts";
import { AER_ERROR_NAMES, AER_SEVERITIES, type AerSeverity } from "./aer-stats.ts";
import type { Attribute } from "./attributes.ts";
import type { PciDev } from "./pci-dev.ts";

const TOTALS: Readonly<Record<AerSeverity, string>> = {
  correctable: "TOTAL_ERR_COR",
  fatal: "TOTAL_ERR_FATAL",
  nonfatal: "TOTAL_ERR_NONFATAL",
};
const RECEIVED: Readonly<Record<AerSeverity, string>> = {
  correctable: "aer_rootport_total_err_cor",
  fatal: "aer_rootport_total_err_fatal",
  nonfatal: "aer_rootport_total_err_nonfatal",
};

const hasAer = ({ aerStats }: PciDev) => aerStats !== undefined;
const collects = (dev: PciDev) =>
  hasAer(dev) && (dev.expressType === PCI_EXP_TYPE_ROOT_PORT || dev.expressType === PCI_EXP_TYPE_RC_EC);

/** `aer_stats_attrs` (drivers/pci/pcie/aer.c). */
export const AER_ATTRIBUTES: readonly Attribute<PciDev>[] = AER_SEVERITIES.flatMap((severity) => [
  { name: `aer_dev_${severity}`, visible: hasAer, showRaw: (dev) => counters(dev, severity) },
  { name: RECEIVED[severity], visible: collects, show: ({ aerStats }) => String(aerStats?.received[severity] ?? 0) },
]);

/** `aer_stats_dev_attr`: what has no name is shown where it was counted. */
function counters({ aerStats }: PciDev, severity: AerSeverity): string {
  const { messages, errors } = aerStats?.of[severity] ?? { messages: 0, errors: [] };
  const array = severity === "correctable" ? "dev_cor_errs" : `dev_${severity}_errs`;
  const lines: string[] = [];
  for (const [bit, name] of AER_ERROR_NAMES[severity].entries()) {
    const count = errors[bit] ?? 0;
    if (name !== undefined || count > 0) lines.push(`${name ?? `${array}_bit[${bit}]`} ${count}\n`);
  }
  return `${lines.join("")}${TOTALS[severity]} ${messages}\n`;
}
