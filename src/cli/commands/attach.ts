import { resolve } from "node:path";
import { VfleetError } from "../../errors/vfleet-error.ts";
import { type HostSetting, openHost, planningOf } from "../../fleet/host-setting.ts";
import type { Allocation } from "../../host/desired/allocation.ts";
import type { DesiredPf, DesiredVf } from "../../host/desired/desired-pf.ts";
import { isVfioDriver } from "../../host/drivers.ts";
import { type Attachment, type GuestAddress, guestName, takesByVfio } from "../../host/guest-port.ts";
import type { HostState, PfState, VfState } from "../../host/state/host-state.ts";
import { keepAllocations } from "../../state/desired-folder.ts";
import { namedGuest } from "../provision/named-guest.ts";
import { type RunOptions, runPlan } from "../provision/run-plan.ts";
import { namedVf } from "../provision/vf-address.ts";

interface ChooseOptions extends RunOptions {
  readonly claim?: string;
}

export interface AttachOptions extends ChooseOptions {
  readonly persistent?: boolean;
  readonly managed?: boolean;
  readonly vfTokenFile?: string;
}

/** VFs that the words name, and what else they say. */
interface Chosen {
  /** The host where their claim is no use of them by another. */
  readonly host: HostSetting;
  readonly state: HostState;
  readonly vfs: readonly { readonly pf: PfState; readonly vf: VfState }[];
  readonly rest: readonly string[];
  /** The guest that the claim names. */
  readonly guest?: string;
}

/** `vfleet attach VF GUEST`: gives a VF to a guest that runs, bound as the guest wants it. */
export async function attach(words: readonly string[], options: AttachOptions): Promise<number> {
  const { host, state, vfs, rest, guest: claimed } = await choose(words, options);
  const [name = claimed, ...more] = rest;
  if (name === undefined || more.length > 0) {
    throw new VfleetError("VFL-0001", {
      message: name === undefined ? "to which guest?" : `${more.join(" ")} is too much`,
      remedy: "name one as vfleet guests lists it, as qemu:web-1",
    });
  }
  const guest = namedGuest(state, name);
  const attachment = attachmentFor(state, guest, options);
  const wish = (vf: VfState) => ({
    ...{ vfIndex: vf.vfIndex, guest, ...(attachment.managed ? {} : driverFor(vf, guest)) },
    ...(Object.keys(attachment).length > 0 ? { attachment } : {}),
  });
  const desired = desiredOf(vfs, wish, "attach");
  const plan = await host.planning.plan(state, desired);
  const origin = { kind: "attach", title: `${titleOf(vfs)} to ${guest}` };
  const { exitCode } = await runPlan(host, state, plan, origin, options);
  if (exitCode === 0 && !options.dryRun) await noteSeen(host, guestName(guest));
  return exitCode;
}

/** A claim that lasts as long as its guest can end from now on: the guest is there. */
async function noteSeen({ claims, folders }: HostSetting, name: string): Promise<void> {
  const isNews = (each: Allocation) => each.guest === name && each.lifetime === "guest" && each.guestSeen !== true;
  if (!claims.some(isNews)) return;
  await keepAllocations(
    folders.state,
    claims.map((each) => (isNews(each) ? { ...each, guestSeen: true } : each)),
  );
}

/** `vfleet detach VF`: takes a VF back from whichever guest has it. */
export async function detach(words: readonly string[], options: ChooseOptions): Promise<number> {
  const { host, state, vfs, rest } = await choose(words, options);
  if (rest.length > 0) throw new VfleetError("VFL-0001", { message: `${rest.join(" ")} is too much` });
  const desired = desiredOf(vfs, ({ vfIndex }) => ({ vfIndex, guest: null }), "detach");
  const plan = await host.planning.plan(state, desired);
  return (await runPlan(host, state, plan, { kind: "detach", title: titleOf(vfs) }, options)).exitCode;
}

async function choose(words: readonly string[], options: ChooseOptions): Promise<Chosen> {
  const host = await openHost(options);
  if (options.claim !== undefined) return chooseClaim(host, options.claim, words);
  if (words.length === 0) {
    throw new VfleetError("VFL-0001", { message: "which VF?", remedy: "name one (01:10.2, or eth0 vf 3), or --claim" });
  }
  // What a claim keeps for a guest is no use of it by another than that guest.
  const guest = guestName(words.at(-1) ?? "");
  const claims = host.claims.filter((each) => each.guest !== guest);
  const planning = planningOf({ ...host, claims });
  const state = await planning.observe();
  const { pf, vf, rest } = namedVf(state, words);
  return { host: { ...host, planning }, state, vfs: [{ pf, vf }], rest };
}

/** The VFs that a claim was given, found by what their PFs are known by: addresses may have moved since. */
async function chooseClaim(host: HostSetting, claim: string, rest: readonly string[]): Promise<Chosen> {
  const own = host.claims.filter((each) => each.claim === claim);
  const planning = planningOf({ ...host, claims: host.claims.filter((each) => each.claim !== claim) });
  const state = await planning.observe();
  const vfs = own.flatMap(({ pfKey, vfIndex }) => {
    const pf = state.pfs.find(({ identity }) => identity.key === pfKey);
    const vf = pf?.vfs.find((each) => each.vfIndex === vfIndex);
    return pf && vf ? [{ pf, vf }] : [];
  });
  if (own.length === 0 || vfs.length < own.length) {
    const lost = own.length - vfs.length;
    throw new VfleetError("VFL-0232", {
      message: own.length === 0 ? `no VF was given to a claim ${claim}` : `${lost} of the claim's VFs are not there`,
      remedy: "give it VFs with: vfleet apply -f FILE",
      details: { claim },
    });
  }
  const [guest] = own.flatMap((each) => each.guest ?? []);
  return { host: { ...host, planning }, state, vfs, rest, ...(guest === undefined ? {} : { guest }) };
}

function desiredOf(vfs: Chosen["vfs"], wish: (vf: VfState) => DesiredVf, by: string): readonly DesiredPf[] {
  const ofPf = Map.groupBy(vfs, ({ pf }) => pf.bdf);
  return [...ofPf].map(([pf, each]) => ({
    pf,
    wantedBy: [by],
    onShrink: "refuse",
    vfs: each.map(({ vf }) => wish(vf)).sort((a, b) => a.vfIndex - b.vfIndex),
  }));
}

/** As the guest takes it; a driver that suits is kept. */
function driverFor({ driver }: VfState, guest: GuestAddress): Pick<DesiredVf, "driver"> {
  const byVfio = takesByVfio(guest);
  if (byVfio === isVfioDriver(driver) && driver !== null) return {};
  return { driver: byVfio ? "vfio" : "default" };
}

/** @throws VfleetError VFL-0001 where the guest is of a kind that knows no such thing */
function attachmentFor(state: HostState, guest: GuestAddress, options: AttachOptions): Attachment {
  const { persistent, managed, vfTokenFile } = options;
  const ofLibvirt = guest.startsWith("libvirt:");
  if ((persistent || managed) && !ofLibvirt) {
    throw new VfleetError("VFL-0001", {
      message: `${guest} is no domain of libvirt: only these have a definition, and a program that binds VFs for them`,
      remedy: `leave out ${persistent ? "--persistent" : "--managed"}`,
    });
  }
  if (vfTokenFile !== undefined && !guest.startsWith("qemu:")) {
    throw new VfleetError("VFL-0001", {
      message: `${guest} is no QEMU that vfleet speaks to: no other guest is given a VF token`,
      remedy: "leave out --vf-token-file",
    });
  }
  const runs = state.guests?.guests.find(({ address }) => address === guest)?.running ?? true;
  return {
    ...(persistent ? { place: runs ? "both" : "definition" } : {}),
    ...(managed ? { managed } : {}),
    // Whoever recovers the operation may be elsewhere.
    ...(vfTokenFile === undefined ? {} : { vfTokenFile: resolve(vfTokenFile) }),
  };
}

function titleOf(vfs: Chosen["vfs"]): string {
  return vfs.map(({ pf, vf }) => vf.bdf ?? `${pf.bdf} VF ${vf.vfIndex}`).join(", ");
}
