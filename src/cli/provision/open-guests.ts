import { allGuests } from "../../guests/all-guests.ts";
import { netnsGuests } from "../../guests/container/netns-guests.ts";
import { libvirtGuests } from "../../guests/libvirt/libvirt-guests.ts";
import { modelGuests } from "../../guests/model/model-guests.ts";
import { qemuGuests } from "../../guests/qemu/qemu-guests.ts";
import type { Guests } from "../../host/guest-port.ts";
import { openMachine } from "../../kernel/model/remote/modelled-machine.ts";
import type { Kernel } from "../../kernel/port.ts";
import type { ChangeableKernel } from "../../kernel/port-change.ts";

const MODEL = "model:";

/** All that VFs can be given to on a host; undefined of a picture of one. */
export function openGuests(kernel: Kernel | ChangeableKernel): Guests | undefined {
  const { kind, name } = kernel.source;
  if (kind === "linux") return allGuests([qemuGuests(kernel), libvirtGuests(kernel), netnsGuests(kernel)]);
  if (kind !== "model") return undefined;
  // It runs already: the kernel is its.
  return allGuests([modelGuests(async () => (await openMachine(name.slice(MODEL.length))).guests)]);
}
