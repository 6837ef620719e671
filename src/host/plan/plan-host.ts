import { isUnread } from "../../kernel/port.ts";
import type { DesiredPf } from "../desired/desired-pf.ts";
import { formatVfs } from "../desired/vf-range.ts";
import { isSimulated, type PfAddress } from "../pf-address.ts";
import type { Finding } from "../preflight/check.ts";
import type { Preflight } from "../preflight/preflight.ts";
import type { HostState } from "../state/host-state.ts";
import { keepUnnamed, unreadVfs } from "./keep-unnamed.ts";
import { PfDraft } from "./pf-draft.ts";
import type { PfPlan, Plan, Refusal } from "./plan.ts";
import { addBindSteps, planBinding } from "./plan-binding.ts";
import { planEswitch } from "./plan-eswitch.ts";
import { planAttaching, planDetaching } from "./plan-guests.ts";
import { planNetwork } from "./plan-network.ts";
import { planNewVfs, planNumVfs } from "./plan-num-vfs.ts";
import { planNvme } from "./plan-nvme.ts";
import { planPfLink } from "./plan-pf-link.ts";
import { planVectors } from "./plan-vectors.ts";

export interface PlanInput {
  readonly state: HostState;
  readonly desired: readonly DesiredPf[];
  /** Of what came before: policies that contradict each other, selectors that find nothing. */
  readonly refusals?: readonly Refusal[];
  /** Of PFs whose VFs will be made; for the number that is wanted (run-preflights.ts). */
  readonly preflights?: ReadonlyMap<PfAddress, Preflight>;
}

/** Present VFs are the planner's to decide, and it loads the modules that it needs. */
const OWN_CHECKS = new Set(["present-vfs", "use", "link"]);

/** What is to be done to make a host what is wanted: only what differs, in an order that is safe. Reads and writes nothing. */
export function planHost({ state, desired, refusals = [], preflights = new Map() }: PlanInput): Plan {
  const lost = desired.filter(({ pf }) => !state.pfs.some(({ bdf }) => bdf === pf));
  const gone: Refusal[] = lost.map(({ pf, wantedBy }) => ({
    code: "VFL-0202",
    pf,
    summary: `there is no PF ${pf} on this host`,
    evidence: [{ fact: `wanted by ${wantedBy.join(", ")}` }],
    remedy: "list the Physical Functions with: vfleet scan",
  }));
  // Kept with the plan: an operation that is cut off is to find again what nobody names, too.
  const whole = desired.map((wanted) => {
    const pf = state.pfs.find(({ bdf }) => bdf === wanted.pf);
    return pf ? keepUnnamed(pf, wanted) : wanted;
  });
  return {
    desired: whole,
    pfs: whole
      .filter(({ pf }) => !lost.some((each) => each.pf === pf))
      .toSorted((a, b) => (a.pf < b.pf ? -1 : 1))
      .map((wanted) => planPf(state, wanted, preflights.get(wanted.pf))),
    refusals: [...refusals, ...gone],
  };
}

function planPf(state: HostState, desired: DesiredPf, preflight: Preflight | undefined): PfPlan {
  const pf = state.pfs.find(({ bdf }) => bdf === desired.pf);
  if (pf === undefined) throw new RangeError(`${desired.pf} is no PF of the host`);
  const draft = new PfDraft(state, pf, desired);
  noteUnread(draft);
  planDetaching(draft);
  planNumVfs(draft);
  if (draft.remade && draft.count > 0) takeFindings(draft, preflight?.findings ?? []);
  planPfLink(draft);
  planEswitch(draft);
  planNewVfs(draft);
  planNetwork(draft);
  if (isSimulated(pf.bdf)) {
    refuseFunctions(draft);
    return draft.finish();
  }
  planVectors(draft);
  planNvme(draft);
  planBinding(draft);
  planAttaching(draft);
  addBindSteps(draft);
  return draft.finish();
}

/** What could not be read of VFs that are made anew cannot be given to them again. */
function noteUnread(draft: PfDraft): void {
  const vfs = unreadVfs(draft.pf, draft.desired);
  if (vfs.length === 0) return;
  const evidence = new Map(
    vfs.flatMap(({ settings, driver }) =>
      [settings, driver].flatMap((each) =>
        isUnread(each) ? [[each.reason, { fact: each.reason, from: each.path }] as const] : [],
      ),
    ),
  );
  draft.warn({
    code: "VFL-0222",
    summary: `what nobody names of VF ${formatVfs(vfs.map(({ vfIndex }) => vfIndex))} could not all be read: it is lost where VFs are made anew`,
    evidence: [...evidence.values()],
    remedy: "see to it that it can be read, or name it in a policy",
  });
}

/** VFs of netdevsim are no functions: nothing can be bound, and no resources given. */
function refuseFunctions(draft: PfDraft): void {
  for (const { vfIndex, driver, msixCount, nvme } of draft.desired.vfs) {
    const nothing = driver === undefined || driver === "default" || driver === "none";
    if (nothing && msixCount === undefined && nvme === undefined) continue;
    draft.refuse({
      code: "VFL-0213",
      vfIndex,
      summary: "VFs of netdevsim are no PCI functions: they have no drivers, vectors or queues",
      evidence: [],
      remedy: "leave driver, msixCount and nvme out for VFs of this PF",
    });
    return;
  }
}

function takeFindings(draft: PfDraft, findings: readonly Finding[]): void {
  for (const { check, code, result, summary, evidence, remedy = "", errno } of findings) {
    if (OWN_CHECKS.has(check)) continue;
    // VFs of nvme want resources: here they get some.
    if (check === "pf-driver" && result === "warn" && draft.desired.vfs.some(({ nvme }) => nvme !== undefined))
      continue;
    const told = errno === undefined ? evidence : [...evidence, { fact: `the kernel would answer ${errno}` }];
    const refusal = { code, summary, evidence: told, remedy };
    // The planner has said so itself.
    if (result === "refuse" && code === "VFL-0101" && draft.refusals.some((each) => each.code === "VFL-0203")) continue;
    if (result === "refuse") draft.refuse(refusal);
    else if (result === "warn") draft.warn(refusal);
  }
}
