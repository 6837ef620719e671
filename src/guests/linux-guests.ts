import type { Guests } from "../host/guest-port.ts";
import type { Kernel } from "../kernel/port.ts";
import { allGuests } from "./all-guests.ts";
import { netnsGuests } from "./container/netns-guests.ts";
import { libvirtGuests } from "./libvirt/libvirt-guests.ts";
import { qemuGuests } from "./qemu/qemu-guests.ts";

/** All that VFs can be given to on this host. */
export function linuxGuests(kernel: Kernel): Guests {
  return allGuests([qemuGuests(kernel), libvirtGuests(kernel), netnsGuests(kernel)]);
}
