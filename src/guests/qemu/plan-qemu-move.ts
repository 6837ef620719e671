import { ZERO_MAC } from "../../host/desired/mac-addresses.ts";
import { isVfioDriver } from "../../host/drivers.ts";
import { holderOf } from "../../host/guest-port.ts";
import type { MigrationCheck, MigrationVerdict, MigrationWish } from "../../host/migrate/migration-port.ts";
import type { MigrationMethod, MovedPair, MovedVf, PlannedMove } from "../../host/migrate/planned-move.ts";
import { readLinkName, readText, sysfsPath } from "../../host/observe.ts";
import { isSimulated } from "../../host/pf-address.ts";
import type { HostState, PfState, VfState } from "../../host/state/host-state.ts";
import { type Kernel, known } from "../../kernel/port.ts";
import type { ChangeableKernel } from "../../kernel/port-change.ts";
import type { VfInfo } from "../../kernel/port-vf-info.ts";
import type { Bdf } from "../../pci/bdf.ts";
import type { QemuFacts } from "./migration-facts.ts";
import { check, judgeMove, type MoveFacts, methodOf, standbyOf, type VfFacts } from "./migration-verdict.ts";
import { isIdle, moveSteps } from "./move-plan.ts";

export interface QemuMove {
  readonly kernel: ChangeableKernel;
  readonly wish: MigrationWish;
  readonly state: HostState;
  readonly here: QemuFacts;
  readonly there: QemuFacts;
  /** As of `MoveFacts`. */
  readonly lockableBytes: number | null;
  /** What the processes are known by. */
  readonly pids: PlannedMove["details"];
}

interface HostVf {
  readonly pf: PfState;
  readonly vf: VfState;
  readonly bdf: Bdf;
}

/** A VF of the guest, and what there is for it at the destination. */
interface Candidate {
  readonly own: HostVf;
  /** The VF that the destination was started with in its place. */
  readonly itsOwn: HostVf | undefined;
  /** A free one, or why there is none. */
  readonly choice: HostVf | string;
  readonly facts: MoveFacts;
}

/** Which VFs a move is between, whether it is possible, and what is to be done for it. Reads only. */
export async function planQemuMove(move: QemuMove): Promise<MigrationVerdict> {
  const { wish, state, here, pids } = move;
  const owns = here.passed.flatMap(({ bdf }) => hostVf(state, bdf) ?? []);
  if (owns.length === 0 || owns.length < here.passed.length) return { checks: [notItsVfs(here, state)], move: null };
  if (owns.length > 1 && wish.vf !== null) {
    const summary = `the guest has ${owns.length} VFs, and ${wish.vf} would be for one of them`;
    return { checks: [check("vf", null, "refused", summary, [], "leave --vf out")], move: null };
  }
  const candidates: Candidate[] = [];
  for (const own of owns) {
    const taken = candidates.flatMap(({ choice }) => (typeof choice === "string" ? [] : choice));
    candidates.push(await candidateFor(move, own, owns.length === 1, [...owns, ...taken]));
  }
  const [first, ...more] = candidates.map(({ facts }) => facts);
  const checks: MigrationCheck[] = [...owns.flatMap(anothers), ...(first ? judgeMove(first, ...more) : [])];
  const method = methodOf(checks, wish.method);
  if (method === null) return { checks, move: null };
  const pairs: PlannedPair[] = [];
  for (const candidate of candidates) {
    const { pair, checks: its } = await planPair(move, candidate, method);
    checks.push(...its);
    if (pair === undefined) return { checks, move: null };
    pairs.push(pair);
  }
  const pfs = pairs.flatMap(({ vfs }) => [vfs.source.pf, ...(vfs.destination ? [vfs.destination.pf] : [])]);
  return {
    checks,
    move: {
      method,
      guest: wish.guest,
      destination: wish.destination,
      uri: wish.uri,
      pfs: [...new Set(pfs)],
      vfs: pairs.map(({ vfs }) => vfs),
      steps: pairs.flatMap(({ steps }) => steps),
      undoSteps: pairs.flatMap(({ undoSteps }) => undoSteps),
      details: pids,
    },
  };
}

/** What a claim keeps for somebody else. */
function anothers({ vf, bdf }: HostVf): readonly MigrationCheck[] {
  const claimed = vf.users.users.find(({ kind, who }) => kind === "definedGuest" && who.claim !== undefined);
  if (claimed === undefined) return [];
  return [check("vf", null, "refused", `${bdf} is another's: ${claimed.evidence}`, [], "release the claim")];
}

async function candidateFor(
  move: QemuMove,
  own: HostVf,
  isOnly: boolean,
  taken: readonly HostVf[],
): Promise<Candidate> {
  const { kernel, state, here, there, lockableBytes } = move;
  const bus = here.passed.find(({ bdf }) => bdf === own.bdf)?.bus;
  // A VF's state goes to the device in the same place.
  const inPlace = there.passed.filter((each) => isOnly || each.bus === bus);
  const itsOwn = inPlace.map(({ bdf }) => hostVf(state, bdf)).find((each) => each !== undefined);
  const sourceVf = await vfFacts(kernel, own);
  const choice = await chooseVf(move, own, sourceVf.kind, taken);
  const facts = {
    source: here,
    destination: there,
    sourceVf,
    ownVf: itsOwn ? await vfFacts(kernel, itsOwn) : null,
    freeVf: typeof choice === "string" ? null : await vfFacts(kernel, choice),
    noFreeVf: typeof choice === "string" ? choice : "",
    lockableBytes,
  };
  return { own, itsOwn, choice, facts };
}

interface PlannedPair extends Pick<PlannedMove, "steps" | "undoSteps"> {
  readonly vfs: MovedPair;
}

async function planPair(
  { kernel, here, there }: QemuMove,
  { own, itsOwn, choice, facts }: Candidate,
  method: MigrationMethod,
): Promise<{ readonly pair?: PlannedPair; readonly checks: readonly MigrationCheck[] }> {
  const target = method === "vfio" ? itsOwn : typeof choice === "string" ? undefined : choice;
  if (target === undefined) return { checks: [] };
  const [info, otherInfo] = [known(own.vf.settings) ?? null, known(target.vf.settings) ?? null];
  if (info === null || otherInfo === null) {
    const summary = "the settings of one of the VFs are not told by its PF";
    return { checks: [check("settings", null, "refused", summary, [], "load the PF's driver")] };
  }
  const standby = standbyOf(facts);
  const mac = standby?.mac ?? info.mac ?? ZERO_MAC;
  const steps = moveSteps(placeOf(own), placeOf(target), info, otherInfo, mac);
  const taps = {
    sourceTap: standby?.tap ?? null,
    destinationTap: there.standbys.find(({ id }) => id === standby?.id)?.tap ?? null,
  };
  const sourcePf = await pfInBridgeOf(kernel, own.pf, taps.sourceTap);
  const destinationPf = await pfInBridgeOf(kernel, target.pf, taps.destinationTap);
  const bus = here.passed.find(({ bdf }) => bdf === own.bdf)?.bus ?? null;
  return {
    checks: [
      settingsCheck(own, target, isIdle(steps.steps[0]), info, otherInfo),
      ...(method === "failover" ? [networkCheck(taps, sourcePf, destinationPf)] : []),
    ],
    pair: {
      ...steps,
      vfs: {
        source: placeOf(own),
        destination: placeOf(target),
        details: { ...taps, sourcePf, destinationPf, mac, standbyId: standby?.id ?? null, bus },
      },
    },
  };
}

function notItsVfs({ passed }: QemuFacts, state: HostState): MigrationCheck {
  const other = passed.find(({ bdf }) => hostVf(state, bdf) === undefined);
  if (other === undefined) {
    return check("vf", null, "refused", "the guest has no VF", [], "move it by QEMU's own means, or give it a VF");
  }
  const summary = `the guest has ${other.bdf}, which is no VF of this host`;
  return check("vf", null, "refused", summary, [], "take it out of the guest for the time");
}

/** The VF that is named, or the first that is free; else why there is none. */
async function chooseVf(
  { kernel, wish, state }: QemuMove,
  own: HostVf,
  kind: string,
  taken: readonly HostVf[],
): Promise<HostVf | string> {
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
      const each = bdf === null || taken.some((other) => other.bdf === bdf) ? undefined : hostVf(state, bdf);
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

async function vfFacts(kernel: ChangeableKernel, { pf, vf, bdf }: HostVf): Promise<VfFacts> {
  const features = known(await readText(kernel, `/sys/kernel/debug/vfio/${bdf}/migration/features`));
  const running = known(await kernel.devlink.info(`pci/${pf.bdf}`))?.running ?? {};
  const mac = known(vf.settings)?.mac ?? ZERO_MAC;
  return {
    bdf,
    kind: await kindOf(kernel, bdf),
    driver: known(vf.driver),
    features: features ?? null,
    pf: pf.bdf,
    firmware: Object.keys(running).length === 0 ? null : running,
    mac: mac === ZERO_MAC ? null : mac.toLowerCase(),
  };
}

async function kindOf(kernel: Kernel, bdf: Bdf): Promise<string> {
  const ids = await Promise.all(["vendor", "device"].map((name) => readText(kernel, sysfsPath(bdf, name))));
  return ids.map((id) => (known(id) ?? "unknown").replace(/^0x/, "")).join(":");
}
