import { isUnread } from "../../kernel/port.ts";
import { type PfDraft, required } from "./pf-draft.ts";

/** The PF's own interface: MTU and link as wanted, and the link where its driver needs it for its VFs. */
export function planPfLink(draft: PfDraft): void {
  const { pf, desired, quirks, remade } = draft;
  const needsUp = quirks.needsPfUp === true && remade;
  if (desired.mtu === undefined && desired.up === undefined && !needsUp) return;
  const netdevs = required(draft, "the PF's network interface", pf.netdevs);
  if (netdevs === undefined) return;
  const [netdev] = netdevs;
  if (netdev === undefined) {
    draft.refuse({
      code: "VFL-0213",
      summary: "its link or MTU is to be set, and it has no network interface here",
      evidence: [{ fact: `driver ${String(pf.driver)}` }],
      remedy: "leave pf.up and pf.mtu out for this PF, or bring its interface back to this network namespace",
    });
    return;
  }
  if (desired.mtu !== undefined) {
    const from = required(draft, `the MTU of ${netdev.name}`, netdev.mtu);
    if (from !== undefined && from !== desired.mtu) {
      draft.add("pf", { kind: "setPfMtu", pf: pf.bdf, netdev: netdev.name, from, to: desired.mtu });
    }
  }
  const up = required(draft, `whether ${netdev.name} is up`, netdev.up);
  if (up === undefined) return;
  const to = desired.up ?? (needsUp ? true : up);
  if (needsUp && !to) {
    draft.refuse({
      code: "VFL-0213",
      summary: `${String(pf.driver)} makes VFs only while ${netdev.name} is up, and it is wanted down`,
      evidence: [],
      remedy: "leave pf.up out, or set it to true",
    });
    return;
  }
  if (to === up) return;
  if (!to) {
    const own = pf.users.users.filter(({ vf }) => vf === undefined);
    if (pf.carriesDefaultRoute === true || own.length > 0) {
      draft.refuse({
        code: "VFL-0218",
        summary: `${netdev.name} is in use, and would be set down`,
        evidence: own.map(({ evidence }) => ({ fact: evidence })),
        remedy: "end its use first, or leave pf.up out",
      });
      return;
    }
  }
  // Down only when all is done: its driver may need it up till then.
  const stage = to ? "pf" : "end";
  draft.add(stage, { kind: "setPfUp", pf: pf.bdf, netdev: netdev.name, from: up, to, awaitCarrier: false });
}

/**
 * igb and ixgbe take a rate only with a carrier; igb's link goes down and up again when VFs are made (`igb_sriov_reinit`).
 * @returns whether rates can be set
 */
export function planLinkForRates(draft: PfDraft): boolean {
  const { pf, desired, quirks, remade } = draft;
  if (!quirks.ratesNeedLink) return true;
  const netdev = isUnread(pf.netdevs) ? undefined : pf.netdevs[0];
  if (netdev === undefined) return true;
  const up = required(draft, `whether ${netdev.name} is up`, netdev.up);
  if (up === undefined) return false;
  if (!remade && up && netdev.carrier === true) return true;
  // Where it was brought up before, this waits for its link.
  const from = up || desired.up === true;
  const step = { kind: "setPfUp", pf: pf.bdf, netdev: netdev.name } as const;
  draft.add("link", { ...step, from, to: true, awaitCarrier: true });
  // Up for the rates alone; one that was up goes down by planPfLink's step.
  if (desired.up === false && !up) draft.add("end", { ...step, from: true, to: false, awaitCarrier: false });
  return true;
}
