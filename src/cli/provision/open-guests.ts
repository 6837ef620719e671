import { allGuests } from "../../guests/all-guests.ts";
import { qemuGuests } from "../../guests/qemu/qemu-guests.ts";
import type { Guests } from "../../host/guest-port.ts";
import type { Kernel } from "../../kernel/port.ts";
import type { ChangeableKernel } from "../../kernel/port-change.ts";

/** All that VFs can be given to on a host; undefined of a picture of one. */
export function openGuests(kernel: Kernel | ChangeableKernel): Guests | undefined {
  if (!("write" in kernel)) return undefined;
  return allGuests(kernel.source.kind === "linux" ? [qemuGuests(kernel)] : []);
}
