import { isUnread, type Kernel } from "../kernel/port.ts";
import { type Bdf, parseBdf } from "../pci/bdf.ts";
import { readText, sysfsPath } from "./observe.ts";

/** As the attributes are called: `aer_dev_correctable`, ... */
const AER_SEVERITIES = ["correctable", "nonfatal", "fatal"] as const;
export type AerSeverity = (typeof AER_SEVERITIES)[number];

/** What the kernel's AER driver has counted of one function at one severity, since the function was found. */
export interface AerCount {
  readonly severity: AerSeverity;
  /** Error messages: one may tell of several errors. */
  readonly messages: number;
  /** Errors that there were, by the kernel's names. */
  readonly errors: ReadonlyMap<string, number>;
}

/** `aer_rootport_total_err_cor`, ...: messages from anywhere below that a root port has received. */
const RECEIVED = ["cor", "nonfatal", "fatal"].map((name) => `aer_rootport_total_err_${name}`);

/** Empty where the function has no AER, or its counters could not be read. */
export async function readAerCounts(kernel: Kernel, bdf: Bdf): Promise<readonly AerCount[]> {
  const counts: AerCount[] = [];
  for (const severity of AER_SEVERITIES) {
    const text = await readText(kernel, sysfsPath(bdf, `aer_dev_${severity}`));
    // One has all three or none (`aer_stats_attrs_are_visible`).
    if (isUnread(text)) return counts;
    const count = parseAerCount(severity, text);
    if (count !== undefined) counts.push(count);
  }
  return counts;
}

/** What a root port has received; 0 of any other function, and of a kernel that does not say. */
export async function readReceived(kernel: Kernel, bdf: Bdf): Promise<number> {
  let sum = 0;
  for (const name of RECEIVED) {
    const text = await readText(kernel, sysfsPath(bdf, name));
    if (isUnread(text)) return 0;
    sum += Number(text);
  }
  return sum;
}

/** The ports above a function, the root port first: sysfs has devices in the folders of their bridges. */
export async function readPortsAbove(kernel: Kernel, bdf: Bdf): Promise<readonly Bdf[]> {
  const target = await kernel.readLink(sysfsPath(bdf));
  if (isUnread(target)) return [];
  return target
    .split("/")
    .slice(0, -1)
    .flatMap((name) => parseBdf(name) ?? []);
}

/** A line `NAME COUNT` for each error, and one for all: `TOTAL_ERR_COR 2` (`aer_stats_dev_attr`, drivers/pci/pcie/aer.c). */
export function parseAerCount(severity: AerSeverity, text: string): AerCount | undefined {
  let messages: number | undefined;
  const errors = new Map<string, number>();
  for (const [, name = "", digits] of text.matchAll(/^(\S+) (\d+)$/gm)) {
    const count = Number(digits);
    if (name.startsWith("TOTAL_ERR_")) messages = count;
    else if (count > 0) errors.set(name, count);
  }
  return messages === undefined ? undefined : { severity, messages, errors };
}
