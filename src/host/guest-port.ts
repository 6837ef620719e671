import type { Observed, Unread } from "../kernel/port.ts";
import type { Outcome, Waiting } from "../kernel/port-outcome.ts";
import type { Bdf } from "../pci/bdf.ts";
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
  /** Why no VF can be given to it or taken back, as a monitor that another program speaks to; null where one can. */
  readonly unreachable: string | null;
}

export interface GuestDevice {
  readonly bdf: Bdf;
  /** Its name in the guest's monitor or definition; null where it has none, or there is no such thing. */
  readonly deviceId: string | null;
  /** Whether vfleet gave it: what it has given it may take back for a while, where a policy says `drain`. */
  readonly byVfleet: boolean;
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
  readonly vlan: number | null;
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
  /** What stands in the way of `attach`. Reads only. */
  obstacles(guest: GuestAddress, vf: VfForGuest): Promise<readonly GuestObstacle[]>;
  /** Ends when the guest has it, as its monitor says; that the guest's driver is bound is not waited for. */
  attach(guest: GuestAddress, vf: VfForGuest, waiting?: Waiting): Promise<Outcome>;
  /** Ends when the guest has let go of it (DEVICE_DELETED), and the host's kernel has it back. Done where it had none. */
  detach(guest: GuestAddress, vf: Bdf, waiting?: Waiting): Promise<Outcome>;
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

/** @returns undefined where no guest that was seen has it */
export function holderOf({ guests }: SeenGuests, bdf: Bdf | null): SeenGuest | undefined {
  return bdf === null ? undefined : guests.find(({ devices }) => devices.some((device) => device.bdf === bdf));
}
