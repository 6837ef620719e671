import { isUnread, type Observed, unread } from "../../kernel/port.ts";
import { type Bar, decodeBars } from "../../pci/bar.ts";
import { hex } from "../../pci/bdf.ts";
import type { Bridge, Window } from "../../pci/bridge.ts";
import { at } from "../../pci/capability.ts";
import { capabilityById } from "../../pci/capability-by-id.ts";
import { PCI_CAP_ID_EA } from "../../pci/capability-ids.ts";
import { PCI_SRIOV_BAR } from "../../pci/extended/sriov.ts";
import { sriovCapability } from "../../pci/sriov-state.ts";
import { formatBytes } from "../resources.ts";
import { type Evidence, firstUnread, type Outcome, pass, refuse, unknown } from "./check.ts";
import type { PreflightFacts } from "./facts.ts";

const REMEDY =
  "turn on Above 4G Decoding (and a larger MMIO range) in the BIOS, or boot with pci=realloc so that the kernel makes the windows larger";

/** The address space of one VF BAR, for all VFs. */
interface Aperture {
  /** Of the VF BAR. */
  readonly index: number;
  readonly start: bigint;
  readonly sizeBytes: bigint;
  readonly from: string;
}

/**
 * Do all VF BARs have their address space? The kernel reserves (one VF's size) x TotalVFs for each at boot, whatever the
 * number of VFs; `sriov_enable` gives ENOMEM "not enough MMIO resources for SR-IOV" where one is missing.
 */
export function checkBarSpace(facts: PreflightFacts): Outcome {
  const { decoded, sriov } = facts.pf;
  const capability = sriovCapability(decoded);
  const total = sriov?.registers?.totalVfs;
  if (!capability || total === undefined || total === null || total === 0) {
    return unknown("the VF BARs could not be read", firstUnread(facts.pf.config));
  }
  const bars = decodeBars(decoded.space, capability.offset + PCI_SRIOV_BAR, 6, { memoryOnly: true });
  if (bars === null) return unknown("the VF BARs were read in part", undefined);
  const evidence: Evidence[] = bars.map((bar) => ({
    fact: `VF BAR ${bar.index} (${bar.is64 ? "64" : "32"}-bit${bar.prefetchable ? ", prefetchable" : ""}) holds ${address(bar.address)}`,
    from: `config ${at(capability.offset + PCI_SRIOV_BAR + bar.index * 4)}`,
  }));
  const fixed = enhancedAllocation(facts, total);
  const apertures = aperturesOf(facts, bars, fixed, total);
  const known = isUnread(apertures) ? [] : apertures;
  for (const { index, start, sizeBytes, from } of known) {
    const one = formatBytes(sizeBytes / BigInt(total));
    evidence.push({
      fact: `VF BAR ${index}: ${total} x ${one} = ${formatBytes(sizeBytes)} at ${address(start)}`,
      from,
    });
  }
  const { counted, failed, lines } = bootLog(facts);
  evidence.push(...lines.map((fact) => ({ fact, from: "kernel log" })), ...windowEvidence(facts));

  const missing = isUnread(apertures)
    ? bars.filter((bar) => bar.address === 0n).map(({ index }) => index)
    : [...new Set([...[...bars, ...fixed].map(({ index }) => index), ...counted, ...failed])]
        .filter((index) => !known.some((aperture) => aperture.index === index))
        .sort();
  if (missing.length > 0) {
    return refuse(
      `no address space for VF BAR ${missing.join(" and ")} (ENOMEM, "not enough MMIO resources for SR-IOV")`,
      REMEDY,
      evidence,
      0,
      "ENOMEM",
    );
  }
  // Without sizes, at least the first byte must get through.
  const ranges = isUnread(apertures)
    ? bars.map(({ index, address: start }) => ({ index, start, sizeBytes: 1n }))
    : apertures;
  for (const { index, start, sizeBytes } of ranges) {
    const bridge = bridgeWithout(facts, start, start + sizeBytes - 1n);
    if (bridge === undefined) continue;
    return refuse(`VF BAR ${index} at ${address(start)} is outside the windows of ${bridge}`, REMEDY, evidence, 0);
  }
  if (ranges.length === 0) {
    // A 32-bit VF BAR that got no address reads zero like one that is not there.
    return unknown("no VF BAR has an address, and zeros do not tell whether the device has any", undefined, evidence);
  }
  if (isUnread(apertures)) {
    return unknown("the VF BARs have addresses; how large they are is not in the source", apertures, evidence);
  }
  const crooked = fixed.length === 0 && apertures.find((aperture) => !isWhole(aperture, BigInt(total)));
  if (crooked) {
    return unknown(
      `the space of VF BAR ${crooked.index} does not divide into ${total} VFs: TotalVFs changed since the kernel assigned it`,
      undefined,
      evidence,
      "rescan the device, or reboot",
    );
  }
  return pass(`address space for ${total} VFs is assigned`, evidence);
}

/** True where a range is `total` times one VF's size, a power of two to which it is aligned. */
function isWhole({ start, sizeBytes }: Aperture, total: bigint): boolean {
  const one = sizeBytes / total;
  return one > 0n && sizeBytes % total === 0n && (one & (one - 1n)) === 0n && start % one === 0n;
}

/**
 * From what the kernel assigned; else from Enhanced Allocation, which is fixed, or from a VF that shows its sizes. Starts
 * are bus addresses, as bridges see them; on some machines the CPU's, which the kernel shows, are others.
 */
function aperturesOf(
  { vfBarResources, vf0Resources }: PreflightFacts,
  bars: readonly Bar[],
  fixed: readonly Aperture[],
  total: number,
): Observed<readonly Aperture[]> {
  if (!isUnread(vfBarResources)) {
    return vfBarResources.map(({ index, start, end }) => {
      const held =
        bars.find((bar) => bar.index === index)?.address ?? fixed.find((entry) => entry.index === index)?.start;
      return { index, start: held || start, sizeBytes: end - start + 1n, from: `resource line ${index + 8}` };
    });
  }
  if (fixed.length > 0) return fixed;
  if (vf0Resources === undefined || isUnread(vf0Resources) || bars.length === 0) return vfBarResources;
  const apertures: Aperture[] = [];
  for (const { index, address: start } of bars) {
    const own = vf0Resources.find((resource) => resource.index === index);
    if (!own) return unread(vfBarResources.path, "ENODATA", `the size of VF BAR ${index} is not in the source`);
    apertures.push({ index, start, sizeBytes: (own.end - own.start + 1n) * BigInt(total), from: "the BARs of VF 0" });
  }
  return apertures;
}

/** Entries for VF BARs give one VF's range (Linux `pci_ea_read`, `sriov_init`). */
function enhancedAllocation(facts: PreflightFacts, total: number): Aperture[] {
  const entries = capabilityById(facts.pf.decoded, PCI_CAP_ID_EA)?.values.entries;
  if (!Array.isArray(entries)) return [];
  return entries.flatMap(({ barEquivalentIndicator, enable, base, maxOffset }: Record<string, unknown>) => {
    const index = /^VF BAR (\d)$/.exec(String(barEquivalentIndicator))?.[1];
    if (index === undefined || enable !== true || typeof base !== "bigint" || typeof maxOffset !== "bigint") return [];
    const sizeBytes = (maxOffset + 1n) * BigInt(total);
    return [{ index: Number(index), start: base, sizeBytes, from: "Enhanced Allocation capability" }];
  });
}

/**
 * What the kernel said at boot: the VF BARs that it counted (`sriov_init`), a zero register's among them, and those that
 * it could not place (`pci_assign_resource`). Older kernels call the VF BARs BAR 7 to BAR 12.
 */
function bootLog({ log }: PreflightFacts): { counted: number[]; failed: number[]; lines: string[] } {
  const counted: number[] = [];
  const failed: number[] = [];
  const lines: string[] = [];
  for (const line of isUnread(log) ? [] : log) {
    const contained = /contains BAR ?(\d) for \d+ VFs/.exec(line)?.[1];
    if (contained !== undefined) counted.push(Number(contained));
    if (!/can't assign|failed to assign|no space/.test(line)) continue;
    const [, vfBar, resource] = /VF BAR (\d)|BAR ([7-9]|1[0-2])[: ]/.exec(line) ?? [];
    if (vfBar === undefined && resource === undefined) continue;
    failed.push(vfBar === undefined ? Number(resource) - 7 : Number(vfBar));
    lines.push(line);
  }
  return { counted, failed, lines };
}

/** The nearest bridge above the PF that does not pass on the whole range; undefined where all do, or were not read. */
function bridgeWithout(facts: PreflightFacts, start: bigint, end: bigint): string | undefined {
  return facts.bridges.find(({ decoded }) => {
    const windows = openWindows(decoded.bridge);
    return windows !== undefined && !windows.some((window) => start >= window.base && end <= window.limit);
  })?.bdf;
}

function openWindows(bridge: Bridge | null | undefined): Window[] | undefined {
  if (!bridge) return undefined;
  const { memory, prefetchable } = bridge.windows;
  if (memory === null || prefetchable === null) return undefined;
  return [memory, prefetchable].filter(({ open }) => open);
}

function windowEvidence(facts: PreflightFacts): Evidence[] {
  return facts.bridges.flatMap(({ bdf, decoded }) => {
    const windows = openWindows(decoded.bridge);
    if (!windows) return [];
    const list = windows.map(({ base, limit }) => {
      return `${address(base)}-${address(limit)} (${formatBytes(limit - base + 1n)})`;
    });
    return [{ fact: `${bdf} passes on ${list.join(", ") || "no memory"}`, from: `${bdf} config 20h` }];
  });
}

function address(value: bigint): string {
  return `0x${hex(value, 8)}`;
}
