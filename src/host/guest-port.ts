import type { Observed, Unread } from "../kernel/port.ts";
import type { Outcome, Waiting, Within } from "../kernel/port-outcome.ts";
import type { VfInfo } from "../kernel/port-vf-info.ts";
import type { Bdf } from "../pci/bdf.ts";
import { ZERO_MAC } from "./desired/mac-addresses.ts";
import type { LinkCounters } from "./link-counters.ts";
import type { Evidence } from "./preflight/check.ts";

/** What VFs are given to: a QEMU by its monitor, a domain of libvirt, a network namespace, a guest of the model. */
type GuestKind = "qemu" | "libvirt" | "netns" | "model";

/** As a person writes it and records keep it: `qemu:web-1`, `libvirt:web-1`, `netns:blue`. */
export type GuestAddress = `${GuestKind}:${string}`;

/** What a guest is called without its kind, which a person may leave out. */
export function guestName(address: string): string {
  return address.replace(/^[a-z]+:/, "");
}

/** Virtual machines get VFs by VFIO, network namespaces by their interfaces. */
export function takesByVfio(guest: GuestAddress): boolean {
  return !guest.startsWith("netns:");
}

/** Where a guest has a VF: plugged in, in the definition that it starts with (libvirt's persistent one), or both. */
export type GuestPlace = "live" | "definition" | "both";

/** How a guest has a VF, or is to have it. */
export interface Attachment {
  /** `live` where left out: all but libvirt's domains know no other. */
  readonly place?: GuestPlace;
  /** libvirt binds it to vfio-pci, and back when the guest gives it back; else vfleet has bound it. */
  readonly managed?: true;
  /**
   * A file with the UUID that the PF's user has set (`vf_token`), which the kernel asks for where the PF is on vfio-pci. The UUID
   * is a secret: this path is all that plans and records have of it.
   */
  readonly vfTokenFile?: string;
}

/** Whether what a guest has is all that is wanted. */
export function covers({ place: has = "live" }: Attachment, { place: wanted = "live" }: Attachment): boolean {
  return has === "both" || has === wanted;
}

/** A guest as it was seen. */
export interface SeenGuest {
  readonly address: GuestAddress;
  /** The name that a claim calls it by. */
  readonly name: string;
  readonly uuid: string | null;
  /** Of the process that runs it; null where it is none, or does not run. */
  readonly pid: number | null;
  readonly running: boolean;
  /** Functions of this host that it has now, or is defined with. */
  readonly devices: readonly GuestDevice[];
  /**
   * The NUMA node that its memory is bound to; null where it is bound to none, or to several. Left out where nobody asked.
   */
  readonly numaNode?: Observed<number | null>;
  /** Why no VF can be given to it or taken back, as a monitor that another program speaks to; null where one can. */
  readonly unreachable: string | null;
}

export interface GuestDevice extends Pick<Attachment, "place" | "managed"> {
  readonly bdf: Bdf;
  /** Its name in the guest's monitor or definition; null where it has none, or there is no such thing. */
  readonly deviceId: string | null;
  /** Whether vfleet gave it: what it has given it may take back for a while, where a policy says `drain`. */
  readonly byVfleet: boolean;
  /** What the guest's own driver has counted; left out where the guest does not tell. */
  readonly counters?: LinkCounters;
}

/** A VF that is to be given away, with what an adapter must know of it. */
export interface VfForGuest {
  readonly bdf: Bdf;
  /** null where none is bound. */
  readonly driver: string | null;
  readonly iommuGroup: number | null;
  /** Of the host's interfaces; null where it has none here. */
  readonly netdev: string | null;
  /** Whether it is a network controller, by its class. */
  readonly isNetwork: boolean;
  /** Administered by the PF; null where that is unset, or it is no NIC. */
  readonly mac: string | null;
  /** null where the PF sets none. */
  readonly vlan: VlanTag | null;
  /** The kernel gives the VF to nobody without the token of the PF's user (`vfio_pci_validate_vf_token`). */
  readonly pfOnVfio: boolean;
  readonly attachment: Attachment;
}

/** The tag that a PF puts on what a VF sends. */
interface VlanTag {
  readonly id: number;
  /** 0 to 7. */
  readonly qos: number;
  /** `802.1Q` or `802.1ad`, in the kernel's words. */
  readonly protocol: string;
}

/** What of a VF's settings at its PF a guest's definition repeats. @param info undefined where the PF shows none */
export function settingsForGuest(info: VfInfo | null | undefined): Pick<VfForGuest, "mac" | "vlan"> {
  const { mac = null, vlan = null, qos = null, vlanProtocol = null } = info ?? {};
  return {
    mac: mac === ZERO_MAC ? null : mac,
    // A priority without a VLAN is in a tag, too.
    vlan: vlan || qos ? { id: vlan ?? 0, qos: qos ?? 0, protocol: vlanProtocol ?? "802.1Q" } : null,
  };
}

/** Why a guest can't have a VF. Data, since it is seen before anything is done. */
export interface GuestObstacle {
  /** Of the catalogue. */
  readonly code: string;
  /** The answer in one line. */
  readonly summary: string;
  readonly evidence: readonly Evidence[];
  readonly remedy: string;
}

/** One kind of guest. Nothing here writes to the host's PFs and VFs: they are bound and configured before. */
export interface GuestPort {
  readonly kind: GuestKind;
  /** All guests that there are now. Empty where none is, unread where that can't be said. */
  guests(): Promise<Observed<readonly SeenGuest[]>>;
  /**
   * What stands in the way of `attach`. Reads only.
   * @param plugged how many more devices the guest will have by then, than now
   */
  obstacles(guest: GuestAddress, vf: VfForGuest, plugged?: number): Promise<readonly GuestObstacle[]>;
  /** Ends when the guest has it, as its monitor says; that the guest's driver is bound is not waited for. */
  attach(guest: GuestAddress, vf: VfForGuest, waiting?: Waiting): Promise<Within<Outcome>>;
  /** Ends when the guest has let go of it (DEVICE_DELETED), and the host's kernel has it back. Done where it had none. */
  detach(guest: GuestAddress, vf: Bdf, waiting?: Waiting): Promise<Within<Outcome>>;
}

/** The guests of a host, of all kinds. */
export interface SeenGuests {
  readonly guests: readonly SeenGuest[];
  /** Kinds of guests that could not be looked for. */
  readonly gaps: readonly Unread[];
}

/** All kinds of guests at once: each call goes to the kind that the guest's address names. */
export interface Guests extends Pick<GuestPort, "obstacles" | "attach" | "detach"> {
  look(): Promise<SeenGuests>;
}

/** Whose a VF is: whoever has it plugged in, else who is defined with it. @returns undefined where no guest that was seen has it */
export function holderOf({ guests }: SeenGuests, bdf: Bdf | null): SeenGuest | undefined {
  if (bdf === null) return undefined;
  const holders = guests.filter((guest) => deviceOf(guest, bdf) !== undefined);
  return holders.find((guest) => deviceOf(guest, bdf)?.place !== "definition") ?? holders[0];
}

/** @returns undefined where the guest has it nowhere */
export function deviceOf({ devices }: SeenGuest, bdf: Bdf | null): GuestDevice | undefined {
  return devices.find((device) => device.bdf === bdf);
}
