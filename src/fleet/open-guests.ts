import type { Guests } from "../host/guest-port.ts";
import { modelFile } from "../kernel/model/remote/state-folder.ts";
import type { Kernel } from "../kernel/port.ts";
import type { ChangeableKernel } from "../kernel/port-change.ts";

/** All that VFs can be given to on a host; undefined of a picture of one. Each kind of host loads what it has alone. */
export async function openGuests(kernel: Kernel | ChangeableKernel): Promise<Guests | undefined> {
  const { kind, name } = kernel.source;
  if (kind === "linux") {
    const { linuxGuests } = await import("../guests/linux-guests.ts");
    return linuxGuests(kernel);
  }
  const file = modelFile(name);
  if (file === undefined) return undefined;
  const { modelledGuests } = await import("../guests/model/model-guests.ts");
  // It runs already: the kernel is its.
  return modelledGuests(file);
}
