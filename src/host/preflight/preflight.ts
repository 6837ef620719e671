import { isUnread } from "../../kernel/port.ts";
import type { Bdf } from "../../pci/bdf.ts";
import { pfDriver } from "../drivers.ts";
import { type HostFunction, type Inventory, offeredVfs, presentVfs } from "../inventory.ts";
import { checkAri } from "./ari-check.ts";
import { checkBarSpace } from "./bar-space-check.ts";
import { checkBusNumbers } from "./bus-check.ts";
import { checkConsistency, checkDependencyLink, checkLimits, checkPresentVfs } from "./capability-checks.ts";
import type { Finding, Outcome } from "./check.ts";
import { checkMsix, checkPfDriver, checkUse } from "./driver-checks.ts";
import { type HostFacts, type PreflightFacts, readHostFacts, readPreflightFacts, type VfUse } from "./facts.ts";
import { checkGroups } from "./group-check.ts";
import { checkDefaultRoute, checkInterruptRemapping, checkIommu, checkLink, checkParameters } from "./host-checks.ts";

/** What would happen if a number of VFs were asked of a PF now. */
export interface Preflight {
  readonly bdf: Bdf;
  /** The number that the findings are for: the one asked for, else the largest that works, else 1. */
  readonly count: number;
  readonly asked: number | undefined;
  readonly use: VfUse | undefined;
  /** The largest number that no check refuses; null where too little could be read to tell. */
  readonly largest: number | null;
  readonly verdict: "pass" | "warn" | "refuse" | "unknown";
  readonly findings: readonly Finding[];
}

/** As commands and the API show it: what was left out is null. */
export function preflightToJson(result: Preflight): PreflightJson {
  return { ...result, asked: result.asked ?? null, use: result.use ?? null };
}

type PreflightJson = Omit<Preflight, "asked" | "use"> & { readonly asked: number | null; readonly use: VfUse | null };

interface Check {
  readonly name: string;
  readonly code: string;
  /** Undefined where the check does not apply. */
  readonly run: (facts: PreflightFacts, count: number) => Outcome | undefined;
  /** Asks about the VFs that come into being, which some drivers decide by themselves. */
  readonly ofHardware?: true;
}

/** All checks, in the order in which the kernel would come upon them, then those of the way to a guest. */
export const CHECKS: readonly Check[] = [
  { name: "limits", code: "VFL-0101", run: checkLimits },
  { name: "pf-driver", code: "VFL-0102", run: checkPfDriver },
  { name: "present-vfs", code: "VFL-0103", run: checkPresentVfs },
  { name: "capability", code: "VFL-0104", run: checkConsistency, ofHardware: true },
  { name: "vf-bar-space", code: "VFL-0105", run: checkBarSpace },
  { name: "bus-numbers", code: "VFL-0106", run: checkBusNumbers, ofHardware: true },
  { name: "dependency-link", code: "VFL-0107", run: checkDependencyLink },
  { name: "ari", code: "VFL-0108", run: checkAri, ofHardware: true },
  { name: "msix", code: "VFL-0109", run: checkMsix, ofHardware: true },
  { name: "iommu", code: "VFL-0110", run: checkIommu },
  { name: "interrupt-remapping", code: "VFL-0111", run: checkInterruptRemapping },
  { name: "isolation", code: "VFL-0112", run: checkGroups, ofHardware: true },
  { name: "use", code: "VFL-0113", run: checkUse },
  { name: "default-route", code: "VFL-0114", run: checkDefaultRoute },
  { name: "link", code: "VFL-0115", run: checkLink },
  { name: "kernel-parameters", code: "VFL-0116", run: checkParameters },
];

export interface PreflightRequest {
  /** Number of VFs; the largest that works where left out. */
  readonly vfs?: number | undefined;
  readonly use?: VfUse | undefined;
  /** Of the host, where they were read already. */
  readonly hostFacts?: HostFacts;
}

/** Reads what the checks need and runs them. Writes nothing. */
export async function preflight(
  inventory: Inventory,
  pf: HostFunction,
  request: PreflightRequest = {},
): Promise<Preflight> {
  const host = request.hostFacts ?? (await readHostFacts(inventory.kernel));
  return judge(await readPreflightFacts(inventory, host, pf, request.use), request.vfs);
}

/** The verdict on `asked` VFs, or on the largest number that works. Pure. */
export function judge(facts: PreflightFacts, asked: number | undefined): Preflight {
  const largest = largestCount(facts);
  const present = presentVfs(facts.pf);
  // With nothing asked for, VFs that are there are no obstacle: the question is how many there can be.
  const count = asked ?? (present > 0 ? present : Math.max(largest ?? 1, 1));
  const findings = run(facts, count);
  return { bdf: facts.pf.bdf, count, asked, use: facts.use, largest, verdict: verdictOf(findings), findings };
}

function run(facts: PreflightFacts, count: number): Finding[] {
  const made = madeVfs(facts, count);
  return CHECKS.flatMap(({ name, code, run: check, ofHardware }) => {
    const outcome = check(facts, ofHardware ? made : count);
    if (!outcome) return [];
    // No smaller number helps where the driver makes them all.
    const fixed = made !== count && outcome.largest !== undefined && outcome.result === "refuse";
    return [{ check: name, code, ...outcome, ...(fixed ? { largest: 0 } : {}) }];
  });
}

/** How many VFs come into being when `count` is written. */
function madeVfs({ pf }: PreflightFacts, count: number): number {
  const limit = pf.sriov?.driverLimit;
  if (limit === undefined || isUnread(limit)) return count;
  return pfDriver(pf.driver)?.ignoresCount ? Math.max(limit, count) : count;
}

/**
 * The largest number of VFs that no check refuses, VFs that exist already aside. Each check says how far it goes; the
 * smallest of these is tried, and lowered where a check still refuses.
 */
function largestCount(facts: PreflightFacts): number | null {
  const offered = offeredVfs(facts.pf);
  if (offered === undefined) return facts.pf.sriov ? null : 0;
  let count = offered;
  while (count > 0) {
    const refusals = run(facts, count).filter(({ result, check }) => result === "refuse" && check !== "present-vfs");
    if (refusals.length === 0) return count;
    count = Math.min(count - 1, ...refusals.map(({ largest }) => largest ?? 0));
  }
  return 0;
}

/** Refused if anything refuses; else unknown, warn, pass. */
function verdictOf(findings: readonly Finding[]): Preflight["verdict"] {
  for (const result of ["refuse", "unknown", "warn"] as const) {
    if (findings.some((finding) => finding.result === result)) return result;
  }
  return "pass";
}
