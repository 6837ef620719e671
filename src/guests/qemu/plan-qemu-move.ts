import { ZERO_MAC } from "../../host/desired/mac-addresses.ts";
import { isVfioDriver } from "../../host/drivers.ts";
import { holderOf } from "../../host/guest-port.ts";
import type { MigrationCheck, MigrationVerdict, MigrationWish } from "../../host/migrate/migration-port.ts";
import type { MovedVf, PlannedMove } from "../../host/migrate/planned-move.ts";
import { readLinkName, readText, sysfsPath } from "../../host/observe.ts";
import { isSimulated } from "../../host/pf-address.ts";
import type { HostState, PfState, VfState } from "../../host/state/host-state.ts";
import { type Kernel, known } from "../../kernel/port.ts";
import type { VfInfo } from "../../kernel/port-vf-info.ts";
import type { Bdf } from "../../pci/bdf.ts";
import type { QemuFacts } from "./migration-facts.ts";
import { check, judgeMove, methodOf, standbyOf, type VfFacts } from "./migration-verdict.ts";
import { isIdle, moveSteps } from "./move-plan.ts";

export interface QemuMove {
  readonly kernel: Kernel;
  readonly wish: MigrationWish;
  readonly state: HostState;
  readonly here: QemuFacts;
  readonly there: QemuFacts;
  /** What the processes are known by. */
  readonly pids: PlannedMove["details"];
}

interface HostVf {
  readonly pf: PfState;
  readonly vf: VfState;
  readonly bdf: Bdf;
}

/** Which VFs a move is between, whether it is possible, and what is to be done for it. Reads only. */
export async function planQemuMove(move: QemuMove): Promise<MigrationVerdict> {
  const { kernel, wish, state, here, there, pids } = move;
  const [found, ...more] = here.passed;
  const own = found && hostVf(state, found.bdf);
  if (own === undefined || more.length > 0) return { checks: [notOneVf(here)], move: null };
  const claimed = own.vf.users.users.find(({ kind, who }) => kind === "definedGuest" && who.claim !== undefined);
  const itsOwn = there.passed.map(({ bdf }) => hostVf(state, bdf)).find((each) => each !== undefined);
  const sourceVf = await vfFacts(kernel, own);
  const choice = await chooseVf(move, own, sourceVf.kind);
  const facts = {
    source: here,
    destination: there,
    sourceVf,
    ownVf: itsOwn ? await vfFacts(kernel, itsOwn) : null,
    freeVf: typeof choice === "string" ? null : await vfFacts(kernel, choice),
    noFreeVf: typeof choice === "string" ? choice : "",
  };
  const checks: MigrationCheck[] = [...judgeMove(facts)];
  if (claimed)
    checks.unshift(
      check("vf", null, "refused", `${own.bdf} is another's: ${claimed.evidence}`, [], "release the claim"),
    );
  const method = methodOf(checks, wish.method);
  if (method === null) return { checks, move: null };
  const target = method === "vfio" ? itsOwn : typeof choice === "string" ? undefined : choice;
  if (target === undefined) return { checks, move: null };
  const [info, otherInfo] = [known(own.vf.settings) ?? null, known(target.vf.settings) ?? null];
  if (info === null || otherInfo === null) {
    checks.push(
      check(
        "settings",
        null,
        "refused",
        "the settings of one of the VFs are not told by its PF",
        [],
        "load the PF's driver",
      ),
    );
    return { checks, move: null };
  }
  const standby = standbyOf(facts);
  const mac = standby?.mac ?? info.mac ?? ZERO_MAC;
  const steps = moveSteps(placeOf(own), placeOf(target), info, otherInfo, mac);
  checks.push(settingsCheck(own, target, isIdle(steps.steps[0]), info, otherInfo));
  const taps = {
    sourceTap: standby?.tap ?? null,
    destinationTap: there.standbys.find(({ id }) => id === standby?.id)?.tap ?? null,
  };
  const sourcePf = await pfInBridgeOf(kernel, own.pf, taps.sourceTap);
  const destinationPf = await pfInBridgeOf(kernel, target.pf, taps.destinationTap);
  if (method === "failover") checks.push(networkCheck(taps, sourcePf, destinationPf));
  return {
    checks,
    move: {
      method,
      guest: wish.guest,
      destination: wish.destination,
      uri: wish.uri,
      pfs: [...new Set([own.pf.bdf, target.pf.bdf])],
      sourceVf: placeOf(own),
      destinationVf: placeOf(target),
      ...steps,
      details: {
        ...pids,
        ...taps,
        sourcePf,
        destinationPf,
        mac,
        standbyId: standby?.id ?? null,
        bus: found?.bus ?? null,
      },
    },
  };
}

function notOneVf({ passed }: QemuFacts): MigrationCheck {
  const [first] = passed;
  if (passed.length > 1) {
    const summary = `the guest has ${passed.length} devices of the host, and vfleet moves one`;
    return check("vf", null, "refused", summary, [], "take the others back for the time: vfleet detach VF");
  }
  const summary = first ? `${first.bdf} is no VF of this host` : "the guest has no VF";
  return check("vf", null, "refused", summary, [], first ? "" : "move it by QEMU's own means, or give it a VF");
}

/** The VF that is named, or the first that is free; else why there is none. */
async function chooseVf({ kernel, wish, state }: QemuMove, own: HostVf, kind: string): Promise<HostVf | string> {
  if (wish.vf !== null) {
    const named = hostVf(state, wish.vf);
    if (named === undefined) return `${wish.vf} is no VF of this host`;
    const why = await notFit(kernel, state, named, kind);
    return why === undefined ? named : `${wish.vf} ${why}`;
  }
  let last = "";
  // Of the same PF before others: no link is another one there.
  for (const pf of [own.pf, ...state.pfs.filter((each) => each !== own.pf)]) {
    for (const { bdf } of pf.vfs) {
      const each = bdf === null || bdf === own.bdf ? undefined : hostVf(state, bdf);
      if (each === undefined) continue;
      const why = await notFit(kernel, state, each, kind);
      if (why === undefined) return each;
      last = `: ${each.bdf} ${why}`;
    }
  }
  return `no VF ${kind} is free${last}`;
}

async function notFit(
  kernel: Kernel,
  { guests }: HostState,
  { vf, bdf }: HostVf,
  kind: string,
): Promise<string | undefined> {
  const own = await kindOf(kernel, bdf);
  if (own !== kind) return `is a VF ${own}`;
  const holder = guests && holderOf(guests, bdf);
  if (holder) return `is with ${holder.address}`;
  const [user] = vf.users.users;
  if (user) return `is in use: ${user.evidence}`;
  const [gap] = vf.users.notLookedAt;
  if (gap) return `may be in use: ${gap.reason}`;
  if (!isVfioDriver(known(vf.driver))) return `is with ${known(vf.driver) ?? "no driver"}: vfleet bind ${bdf} vfio`;
  return undefined;
}

function settingsCheck(own: HostVf, target: HostVf, alike: boolean, from: VfInfo, to: VfInfo): MigrationCheck {
  const summary = alike
    ? `${target.bdf} has the settings of ${own.bdf}`
    : `settings of ${own.bdf} travel: ${target.bdf} gets them before the guest moves`;
  const words = ({ vlan, maxTxRateMbps, spoofCheck, trust }: VfInfo) =>
    `VLAN ${vlan ?? "not told"}, rate ${maxTxRateMbps ?? "not told"}, spoof check ${spoofCheck ?? "not told"}, trust ${trust ?? "not told"}`;
  const evidence = [own, target].map((each, index) => ({
    fact: words(index === 0 ? from : to),
    from: `ip link show, VF ${each.vf.vfIndex} of ${each.pf.bdf}`,
  }));
  return check("settings", null, "ok", summary, evidence);
}

function networkCheck(
  { sourceTap, destinationTap }: { readonly sourceTap: string | null; readonly destinationTap: string | null },
  sourcePf: string | null,
  destinationPf: string | null,
): MigrationCheck {
  const evidence = [
    { fact: `taps ${sourceTap ?? "not told"} and ${destinationTap ?? "not told"}`, from: "info network" },
  ];
  if (sourcePf !== null && destinationPf !== null) {
    return check("network", "failover", "ok", `meanwhile frames go by ${sourcePf} and its bridge`, evidence);
  }
  const summary = "the standby is not in a bridge with the VFs' PF: that frames reach it is not seen to";
  return check(
    "network",
    "failover",
    "unknown",
    summary,
    evidence,
    "see that the host's network brings the guest's address to its tap",
  );
}

/** The PF's interface, where it is in the bridge that the tap is in. */
async function pfInBridgeOf(kernel: Kernel, pf: PfState, tap: string | null): Promise<string | null> {
  const [netdev] = known(pf.netdevs) ?? [];
  if (tap === null || netdev === undefined) return null;
  const bridge = known(await readLinkName(kernel, `/sys/class/net/${tap}/master`));
  const its = known(await readLinkName(kernel, `/sys/class/net/${netdev.name}/master`));
  return bridge !== undefined && bridge === its ? netdev.name : null;
}

function hostVf({ pfs }: HostState, bdf: Bdf): HostVf | undefined {
  for (const pf of pfs) {
    const vf = pf.vfs.find((each) => each.bdf === bdf);
    if (vf !== undefined && !isSimulated(pf.bdf)) return { pf, vf, bdf };
  }
  return undefined;
}

function placeOf({ pf, vf, bdf }: HostVf): MovedVf {
  return { pf: pf.bdf, vfIndex: vf.vfIndex, bdf };
}

async function vfFacts(kernel: Kernel, { pf, vf, bdf }: HostVf): Promise<VfFacts> {
  const features = known(await readText(kernel, `/sys/kernel/debug/vfio/${bdf}/migration/features`));
  const mac = known(vf.settings)?.mac ?? ZERO_MAC;
  return {
    bdf,
    kind: await kindOf(kernel, bdf),
    driver: known(vf.driver),
    features: features ?? null,
    pf: pf.bdf,
    mac: mac === ZERO_MAC ? null : mac.toLowerCase(),
  };
}

async function kindOf(kernel: Kernel, bdf: Bdf): Promise<string> {
  const ids = await Promise.all(["vendor", "device"].map((name) => readText(kernel, sysfsPath(bdf, name))));
  return ids.map((id) => (known(id) ?? "unknown").replace(/^0x/, "")).join(":");
}
