import { type PfDraft, required } from "./pf-draft.ts";
import type { StepOf } from "./step.ts";
import { requireUnused } from "./vf-use.ts";

/**
 * The eSwitch's mode, and when each driver changes it: `ice_eswitch_mode_set` only while there are no VFs, bnxt_en
 * (`bnxt_dl_eswitch_mode_set`) only while there are some, mlx5_core with VFs that their drivers have left.
 */
export function planEswitch(draft: PfDraft): void {
  const { pf, desired, quirks, count } = draft;
  const to = desired.eswitchMode;
  if (to === undefined) return;
  const from = required(draft, "the mode of the eSwitch", pf.eswitchMode);
  if (from === undefined || from === to) return;
  if (from === null) {
    draft.refuse({
      code: "VFL-0219",
      summary: `eSwitch mode ${to} is wanted, and ${String(pf.driver)} has no eSwitch that devlink could set`,
      evidence: [],
      remedy: "leave eswitchMode out for this PF",
    });
    return;
  }
  if (pf.carriesDefaultRoute === true) {
    draft.refuse({
      code: "VFL-0218",
      summary:
        "the host's default route goes over this PF, whose interface is made anew when the eSwitch changes its mode",
      evidence: [],
      remedy: "move the default route to another interface first",
    });
    return;
  }
  const step: StepOf<"setEswitchMode"> = { kind: "setEswitchMode", pf: pf.bdf, from, to };
  if (quirks.eswitch === "noVfs") {
    if (!draft.remade && pf.vfs.length > 0) {
      draft.refuse({
        code: "VFL-0219",
        summary: `${String(pf.driver)} changes its eSwitch only while there are no VFs, and ${pf.vfs.length} are there`,
        evidence: [],
        remedy: "release the VFs first (vfleet release), then apply again",
      });
      return;
    }
    draft.add("vfs", step);
    return;
  }
  if (quirks.eswitch === "vfs" && count === 0) {
    draft.refuse({
      code: "VFL-0219",
      summary: `${String(pf.driver)} changes its eSwitch only while there are VFs`,
      evidence: [],
      remedy: "ask for VFs as well",
    });
    return;
  }
  if (quirks.eswitch === "unboundVfs" && !draft.remade) {
    const bound = pf.vfs.filter(({ driver }) => driver !== null);
    if (!requireUnused(draft, bound, "would lose their driver while the eSwitch changes")) return;
    for (const { vfIndex } of bound) draft.released.add(vfIndex);
  }
  draft.add("eswitch", step);
}
