import { resolve } from "node:path";
import { VfleetError } from "../../errors/vfleet-error.ts";
import type { Kept } from "../../host/apply/operation.ts";
import type { Allocation } from "../../host/desired/allocation.ts";
import type { DesiredPf, DesiredVf } from "../../host/desired/desired-pf.ts";
import { isVfioDriver } from "../../host/drivers.ts";
import { type Attachment, type GuestAddress, guestName, takesByVfio } from "../../host/guest-port.ts";
import { namedGuest } from "../../host/named-guest.ts";
import type { HostState, VfState } from "../../host/state/host-state.ts";
import { claimedApart, type HostSetting } from "../host-setting.ts";
import { type FoundVf, vfNamed } from "../vf-name.ts";
import type { RequestOf } from "./change-request.ts";
import { type Draft, keepingOf, type Look } from "./planned-change.ts";

/** VFs that a request names. */
interface Chosen {
  /** The host where their claim is no use of them by another. */
  readonly host: HostSetting;
  readonly state: HostState;
  readonly vfs: readonly FoundVf[];
  /** The guest that the claim names. */
  readonly guest?: string;
}

/**
 * Gives VFs to a guest that runs, bound as the guest wants it.
 * @param vfTokenFile of this host
 * @throws VfleetError VFL-0001, VFL-0223, VFL-0224, VFL-0232, VFL-0233
 */
export async function planAttach(
  opened: HostSetting,
  request: RequestOf<"attach">,
  look: Look,
  vfTokenFile?: string,
): Promise<Draft> {
  const { host, state, vfs, guest: claimed } = await choose(opened, request, look);
  const { guest: named = claimed } = request;
  if (named === undefined) {
    throw new VfleetError("VFL-0001", {
      message: "to which guest?",
      remedy: "name one as vfleet guests lists it, as qemu:web-1",
    });
  }
  const guest = namedGuest(state, named);
  const attachment = attachmentFor(state, guest, request, vfTokenFile);
  const wish = (vf: VfState) => ({
    ...{ vfIndex: vf.vfIndex, guest, ...(attachment.managed ? {} : driverFor(vf, guest)) },
    ...(Object.keys(attachment).length > 0 ? { attachment } : {}),
  });
  const plan = await host.planning.plan(state, desiredOf(vfs, wish, "attach"));
  const keeping = keepingOf(host, undefined, noteSeen(host, guestName(guest)));
  return { host, state, plan, title: `${titleOf(vfs)} to ${guest}`, keeping };
}

/** Takes VFs back from whichever guests have them. @throws VfleetError VFL-0001, VFL-0232, VFL-0233 */
export async function planDetach(opened: HostSetting, request: RequestOf<"detach">, look: Look): Promise<Draft> {
  const { host, state, vfs } = await choose(opened, request, look);
  const plan = await host.planning.plan(
    state,
    desiredOf(vfs, ({ vfIndex }) => ({ vfIndex, guest: null }), "detach"),
  );
  return { host, state, plan, title: titleOf(vfs) };
}

/** A claim that lasts as long as its guest can end from now on: the guest is there. */
function noteSeen({ claims }: HostSetting, name: string): Kept | undefined {
  const isNews = (each: Allocation) => each.guest === name && each.lifetime === "guest" && each.guestSeen !== true;
  if (!claims.some(isNews)) return undefined;
  const seen = claims.map((each) => (isNews(each) ? { ...each, guestSeen: true } : each));
  return { allocations: { from: claims, to: seen } };
}

async function choose(
  host: HostSetting,
  { vf: name, claim, ...rest }: RequestOf<"attach"> | RequestOf<"detach">,
  look: Look,
): Promise<Chosen> {
  if ((name === undefined) === (claim === undefined)) {
    throw new VfleetError("VFL-0001", { message: "which VF?", remedy: "name one VF, or one claim" });
  }
  if (claim !== undefined) return chooseClaim(host, claim, look);
  // What a claim keeps for a guest is no use of it by another than that guest.
  const guest = "guest" in rest && rest.guest !== undefined ? guestName(rest.guest) : undefined;
  const planning = claimedApart(host, (each) => guest !== undefined && each.guest === guest && !each.left);
  const state = planning.stateOf(await look());
  return { host: { ...host, planning }, state, vfs: [vfNamed(state, name ?? "")] };
}

/** The VFs that a claim has, without those that it has left, found by what their PFs are known by: addresses may have moved since. */
async function chooseClaim(host: HostSetting, claim: string, look: Look): Promise<Chosen> {
  const own = host.claims.filter((each) => each.claim === claim && !each.left);
  const planning = claimedApart(host, (each) => each.claim === claim);
  const state = planning.stateOf(await look());
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
  return { host: { ...host, planning }, state, vfs, ...(guest === undefined ? {} : { guest }) };
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
function attachmentFor(
  state: HostState,
  guest: GuestAddress,
  { persistent = false, managed = false }: RequestOf<"attach">,
  vfTokenFile: string | undefined,
): Attachment {
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
