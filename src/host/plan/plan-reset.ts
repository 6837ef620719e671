import { isUnread } from "../../kernel/port.ts";
import type { VfChange } from "../../kernel/port-link.ts";
import { desiredOf } from "../desired/desired-of.ts";
import { ZERO_MAC } from "../desired/mac-addresses.ts";
import type { PfDriver } from "../drivers.ts";
import type { PfAddress } from "../pf-address.ts";
import type { HostState, VfState } from "../state/host-state.ts";
import { PfDraft } from "./pf-draft.ts";
import type { Plan } from "./plan.ts";
import { wishOf } from "./plan-binding.ts";
import { newVfNetwork, settingsOf } from "./plan-network.ts";
import { requireUnused } from "./vf-use.ts";

/** VFs of one PF that are to be reset. */
export interface ResetTarget {
  readonly pf: PfAddress;
  readonly vfIndexes: readonly number[];
}

/** Methods that reset the function alone (drivers/pci/pci.c `pci_reset_fn_methods`). */
const OWN_METHODS = new Set(["device_specific", "acpi", "flr", "af_flr", "pm"]);

/**
 * VFs made as new for the next tenant: reset, and their settings as the driver has them of a VF that was just made. Refused
 * while somebody uses one, and where the kernel's reset would reach others.
 */
export function planReset(state: HostState, targets: readonly ResetTarget[]): Plan {
  const pfs = targets.map(({ pf, vfIndexes }) => resetOf(state, pf, vfIndexes));
  return { desired: pfs.map(({ desired }) => desired), pfs: pfs.map((draft) => draft.finish()), refusals: [] };
}

function resetOf(state: HostState, pf: PfAddress, vfIndexes: readonly number[]): PfDraft {
  const found = state.pfs.find(({ bdf }) => bdf === pf);
  if (found === undefined) throw new RangeError(`${pf} is no PF of the host`);
  const draft = new PfDraft(state, found, { ...desiredOf(found, []), wantedBy: ["reset"] });
  draft.count = found.vfs.length;
  const vfs = found.vfs.filter(({ vfIndex }) => vfIndexes.includes(vfIndex));
  if (requireUnused(draft, vfs, vfs.length === 1 ? "would be reset" : "would be reset together")) {
    for (const vf of vfs) addReset(draft, vf);
  }
  return draft;
}

function addReset(draft: PfDraft, vf: VfState): void {
  const pf = draft.pf.bdf;
  const { vfIndex, driver, driverOverride, settings, resetMethods } = vf;
  if (isUnread(resetMethods)) {
    draft.refuseUnread(`how VF ${vfIndex} can be reset`, resetMethods, vfIndex);
    return;
  }
  // The kernel takes the first that works: what comes first must be the function's own.
  const [method] = resetMethods;
  if (method === undefined || !OWN_METHODS.has(method)) {
    draft.refuse({
      code: "VFL-0220",
      vfIndex,
      summary:
        method === undefined
          ? `VF ${vfIndex} cannot be reset: the kernel has no method for it`
          : `VF ${vfIndex} can be reset only by its ${method}, which resets others too`,
      evidence: [{ fact: `reset_method is ${resetMethods.join(" ") || "empty"}`, from: "reset_method" }],
      remedy: "release all VFs of the PF and make them anew",
    });
    return;
  }
  if (draft.quirks.resetLoops) {
    draft.warn({
      code: "VFL-0220",
      vfIndex,
      summary: `${String(draft.pf.driver)} and its VFs have been seen to race after a reset ("still in reset")`,
      evidence: [],
      remedy: "give it some seconds before the VF is used; newer drivers are better",
    });
  }
  if (isUnread(driver)) {
    draft.refuseUnread(`the driver of VF ${vfIndex}`, driver, vfIndex);
    return;
  }
  const fromOverride = isUnread(driverOverride) ? null : driverOverride;
  if (driver !== null) {
    draft.add("release", { kind: "bindDriver", pf, vfIndex, from: driver, fromOverride, to: "none" });
  }
  draft.add("vfs", { kind: "resetVf", pf, vfIndex });
  const scrub = scrubOf(vf, draft.quirks);
  if (scrub !== undefined) {
    const from = isUnread(settings) || settings === null ? {} : settingsOf(settings);
    const keys = Object.keys(scrub).filter((key) => key !== "vfIndex");
    const known = keys.map((key) => [key, (from as Record<string, string | number | boolean>)[key] ?? null]);
    draft.add("network", { kind: "setVfNetwork", pf, changes: [{ from: Object.fromEntries(known), to: scrub }] });
  }
  if (driver !== null) {
    draft.add("bind", { kind: "bindDriver", pf, vfIndex, from: null, fromOverride, to: wishOf(vf) });
  }
}

/** What a tenant leaves behind, taken away; only what the driver tells of, and what differs. */
function scrubOf({ vfIndex, settings }: VfState, quirks: PfDriver): VfChange | undefined {
  if (isUnread(settings) || settings === null) return undefined;
  const { mac, vlan, qos, minTxRateMbps, maxTxRateMbps, trust, linkState, spoofCheck, queryRss } = settings;
  // Where a driver's own is not known, a check that is on takes nothing from anybody.
  const usual = newVfNetwork(quirks).spoofCheck ?? (spoofCheck === false ? true : spoofCheck);
  const rates = (minTxRateMbps ?? 0) !== 0 || (maxTxRateMbps ?? 0) !== 0;
  const change: VfChange = {
    vfIndex,
    ...(mac === null || mac === ZERO_MAC ? {} : { mac: ZERO_MAC }),
    ...((vlan ?? 0) === 0 && (qos ?? 0) === 0 ? {} : { vlan: { id: 0, qos: 0, protocol: "802.1Q" as const } }),
    ...(rates ? { txRateMbps: { max: 0, ...(minTxRateMbps ? { min: 0 } : {}) } } : {}),
    ...(trust === true ? { trust: false } : {}),
    ...(spoofCheck === null || usual === null || spoofCheck === usual ? {} : { spoofCheck: usual }),
    ...(linkState === null || linkState === "auto" ? {} : { linkState: "auto" as const }),
    ...(queryRss === true ? { queryRss: false } : {}),
  };
  return Object.keys(change).length > 1 ? change : undefined;
}
