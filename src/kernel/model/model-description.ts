import type { FirmwareOptions } from "../../hardware/firmware.ts";
import type { MachineDescription } from "../../hardware/machine-description.ts";
import type { GuestDescription, HostIds } from "./linux.ts";

/** A machine with Linux on it, as data. */
export interface ModelDescription {
  readonly machine: MachineDescription;
  /** VT-d; none where left out. It is used where the command line has `intel_iommu=on`. */
  readonly iommu?: { readonly interruptRemapping: boolean };
  readonly firmware?: FirmwareOptions;
  /** What the boot loader gave to the kernel. */
  readonly commandLine: string;
  /** Loaded when the kernel has booted, in this order. */
  readonly modules?: readonly string[];
  /** Virtual machines that run from the start. */
  readonly guests?: readonly GuestDescription[];
  /** The same for all that leave it out. */
  readonly host?: HostIds;
}
