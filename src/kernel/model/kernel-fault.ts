import { type Fault, injectFault } from "../../hardware/fault.ts";
import { formatBdf, type RoutingId } from "../../pci/bdf.ts";
import { isErrno } from "./kernel-error.ts";
import type { Linux } from "./linux.ts";
import type { PciDev } from "./pci-dev.ts";

/** What can go wrong in the kernel where VFs of a PF, a function by its name, are made. Each lasts until its `recovery`. */
export type KernelFault =
  /** The driver refuses: its `sriov_configure` has this errno, as where its firmware has refused a command. */
  | { readonly kind: "sriov refusal"; readonly function: string; readonly errno: string }
  /** The driver enables so many at the most, and says so by what `sriov_configure` returns. */
  | { readonly kind: "sriov limit"; readonly function: string; readonly numVfs: number }
  /** The driver waits for its firmware, and whoever changes the number of VFs for the driver. */
  | { readonly kind: "sriov stall"; readonly function: string }
  /** There is no memory for this VF (`pci_alloc_dev` in `pci_iov_scan_device`). */
  | { readonly kind: "no memory"; readonly function: string; readonly vf: number };

/** Puts a fault upon the hardware, or the kernel. @throws RangeError where there is no such function, or it cannot have this fault */
export function putFault(linux: Linux, fault: Fault | KernelFault): void {
  switch (fault.kind) {
    case "sriov refusal":
      if (!isErrno(fault.errno)) throw new RangeError(`${fault.errno} is no errno that a driver has here`);
      pfOf(linux, fault).iovFaults.refusal = fault.errno;
      return;
    case "sriov limit":
      pfOf(linux, fault).iovFaults.limit = fault.numVfs;
      return;
    case "sriov stall":
      pfOf(linux, fault).iovFaults.stall();
      return;
    case "no memory":
      pfOf(linux, fault).iovFaults.withoutMemory = fault.vf;
      return;
    case "recovery":
      injectFault(linux.machine, fault);
      if (fault.vf === undefined) devOf(linux, fault.function)?.iovFaults.recover();
      return;
    default:
      injectFault(linux.machine, fault);
  }
}

function pfOf(linux: Linux, fault: KernelFault): PciDev {
  const dev = devOf(linux, fault.function);
  if (dev?.sriov === undefined) throw new RangeError(`${fault.function} is no PF that the kernel knows`);
  return dev;
}

function devOf(linux: Linux, name: string): PciDev | undefined {
  const fn = linux.machine.functions.get(name);
  return fn && linux.devices.get(formatBdf(0, fn.routingId as RoutingId));
}
