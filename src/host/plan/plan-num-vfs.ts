import { known } from "../../kernel/port.ts";
import { type PfDraft, required } from "./pf-draft.ts";
import { requireUnused } from "./vf-use.ts";

/**
 * How many VFs. The kernel goes from one number to another only by way of none (`sriov_numvfs_store` answers EBUSY), which
 * takes every VF from its user.
 */
export function planNumVfs(draft: PfDraft): void {
  const { pf, desired, quirks } = draft;
  const now = required(draft, "the number of VFs", pf.numVfs);
  if (now === undefined) return;
  const limit = known(pf.driverLimit) ?? known(pf.totalVfs);
  const wanted = desired.numVfs ?? now;
  // QAT makes all of them, whatever number is written.
  const count = quirks.ignoresCount && wanted > 0 && limit !== undefined ? limit : wanted;
  draft.count = count;
  if (count !== wanted) {
    draft.warn({
      code: "VFL-0222",
      summary: `${String(pf.driver)} makes all of its ${count} VFs, whatever number is asked for`,
      evidence: [],
      remedy: `ask for ${count}, or for max`,
    });
  }
  if (limit !== undefined && count > limit) {
    draft.refuse({
      code: "VFL-0203",
      summary: `${count} VFs are wanted, and the PF offers ${limit}`,
      evidence: [{ fact: `sriov_totalvfs is ${limit}`, from: "sriov_totalvfs" }],
      remedy: `ask for at most ${limit}, or for max`,
    });
  }
  for (const { vfIndex } of desired.vfs) {
    if (vfIndex < count) continue;
    draft.refuse({
      code: "VFL-0204",
      vfIndex,
      summary: `VF ${vfIndex} is to be set, and there will be ${count === 0 ? "no VFs" : `VFs 0 to ${count - 1} only`}`,
      evidence: [{ fact: `wanted by ${desired.wantedBy.join(", ")}` }],
      remedy: `leave it out, or ask for ${vfIndex + 1} VFs`,
    });
    break;
  }
  if (count === now) return;
  draft.remade = true;
  if (now > 0) {
    requireUnused(draft, pf.vfs, "would be lost");
    draft.add("vfs", { kind: "setNumVfs", pf: pf.bdf, from: now, to: 0 });
  }
  // ice changes its eSwitch here, between none and some: see planEswitch.
}

/** The VFs that are made anew, after what had to come before them. */
export function planNewVfs(draft: PfDraft): void {
  const { pf, count } = draft;
  if (!draft.remade || count === 0) return;
  draft.add("vfs", { kind: "setNumVfs", pf: pf.bdf, from: 0, to: count }, { kind: "awaitVfs", pf: pf.bdf, count });
}
