import type { Bdf } from "../../pci/bdf.ts";
import type { ChangeableKernel } from "../port-change.ts";
import type { LinkChange, VfChange } from "../port-link.ts";
import type { VfInfo } from "../port-vf-info.ts";
import type { DeviceFolder, Place } from "./place.ts";

/**
 * Operations on a kernel with the answers that it gives, in order. What stands in a script holds for each Linux named, on
 * whatever machine has the hardware; what is the hardware's or the lab's own says so in its `source`.
 */
export interface ConformanceScript {
  readonly name: string;
  /** The hardware that the PF must be; each device kind of the lab has a machine of that name (src/lab/machines.ts). */
  readonly machine: string;
  /** The PF as it is there, its driver bound, without VFs. A script leaves it so. One that is no PCI device by its folder. */
  readonly pf: Bdf | DeviceFolder;
  /** Loaded before the first step; those that the PF's and the VFs' drivers are in. */
  readonly modules: readonly string[];
  readonly steps: readonly Step[];
}

/**
 * One operation. In its texts `$PF` and `$VF0`, `$VF1`... are the folders of those functions below /sys/bus/pci/devices,
 * `$pf` and `$vf0` their addresses, `$netdev` is the PF's network interface, `$net0` that of VF 0, `$nvme` and `$nvme0`
 * their NVMe controllers, `$group0` the number of VF 0's IOMMU group.
 */
export type Step = Operation & {
  /** The kernel's function, the specification's section, or that it is the hardware's own. */
  readonly source?: string;
  /**
   * Lines that the kernel logs meanwhile, in this order, without their time; others may stand between. An empty list:
   * nothing is logged. An expression is for the line with `$pf` and `$vf0` in the place of their addresses.
   */
  readonly log?: readonly (string | RegExp)[];
  /** All events of PCI devices meanwhile, in order: `add $vf0`, `bind $vf0 igbvf`, `change $pf`, `remove $vf0`. */
  readonly events?: readonly string[];
  /** By when it is so: what a driver does by timers and threads of its own is there some time after what caused it. */
  readonly withinMs?: number;
  /** The first Linux that answers so, and the first that does so no more, as `6.8`. */
  readonly since?: string;
  readonly before?: string;
};

/** `ok`, or the errno's name. */
type Answer = string;

type Operation =
  | { readonly write: string; readonly value: string; readonly expect: Answer }
  /** The content without its last newline, one that matches, or the errno's name as `{errno}`. */
  | { readonly read: string; readonly expect: string | RegExp | { readonly errno: string } }
  /** The last part of a symbolic link, null where there is none. */
  | { readonly link: string; readonly expect: string | null }
  /** The names in a folder that match, sorted. */
  | {
      readonly list: string;
      readonly matching?: RegExp;
      readonly expect: readonly string[] | { readonly errno: string };
    }
  | { readonly setVf: VfChange; readonly netdev?: string; readonly expect: Answer; readonly reason?: RegExp }
  | { readonly setLink: LinkChange; readonly netdev: string; readonly expect: Answer }
  /** An operation of another kind: what is done, in words, and its answer as text: `ok`, an errno's name, or a value. */
  | {
      readonly call: string;
      readonly run: (kernel: ChangeableKernel, place: Place) => Promise<string>;
      readonly expect: string | RegExp;
    }
  /** What rtnetlink tells of a VF; null where it knows none of that number. */
  | { readonly vfInfo: number; readonly expect: Partial<Omit<VfInfo, "vfIndex">> | null };
