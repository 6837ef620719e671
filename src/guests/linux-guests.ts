import type { Guests, SeenGuest } from "../host/guest-port.ts";
import { readText } from "../host/observe.ts";
import { isUnread, type Kernel, type Observed, unread } from "../kernel/port.ts";
import { allGuests } from "./all-guests.ts";
import { netnsGuests } from "./container/netns-guests.ts";
import { libvirtGuests } from "./libvirt/libvirt-guests.ts";
import { qemuGuests } from "./qemu/qemu-guests.ts";

/** All that VFs can be given to on this host. */
export function linuxGuests(kernel: Kernel): Guests {
  const all = allGuests([qemuGuests(kernel), libvirtGuests(kernel), netnsGuests(kernel)]);
  return {
    ...all,
    async look() {
      const { guests, gaps } = await all.look();
      return { gaps, guests: await Promise.all(guests.map((guest) => withNode(kernel, guest))) };
    },
  };
}

async function withNode(kernel: Kernel, guest: SeenGuest): Promise<SeenGuest> {
  return guest.pid === null ? guest : { ...guest, numaNode: await numaNodeOf(kernel, guest.pid) };
}

/**
 * The node that a process's memory is bound to (`Mems_allowed_list`, cpuset(7)); null where it may be on several. Where its pages
 * are by chance is not asked: the kernel moves them.
 */
async function numaNodeOf(kernel: Kernel, pid: number): Promise<Observed<number | null>> {
  const path = `/proc/${pid}/status`;
  const status = await readText(kernel, path);
  if (isUnread(status)) return status;
  const list = /^Mems_allowed_list:\s*(\S+)$/m.exec(status)?.[1];
  if (list === undefined) return unread(path, "ENODATA", "it has no Mems_allowed_list");
  return /^\d+$/.test(list) ? Number(list) : null;
}
