import type { Bdf } from "../../pci/bdf.ts";
import type { GuestAddress } from "../guest-port.ts";
import type { PfAddress } from "../pf-address.ts";
import type { Step } from "../plan/step.ts";

/**
 * `vfio`: the VF's state moves with the guest, by the variant drivers of both ends. `failover`: the guest gives its VF up, goes by
 * virtio meanwhile, and gets another VF at the destination.
 */
export type MigrationMethod = "vfio" | "failover";

/** A VF of this host in a move. */
export interface MovedVf {
  readonly pf: PfAddress;
  readonly vfIndex: number;
  readonly bdf: Bdf;
}

/**
 * All that must be known to make a move, to take it back, and to end it after a crash: it is written down before anything is
 * done. Made anew of an unchanged host it is the same, but for `uri`.
 */
export interface PlannedMove {
  readonly method: MigrationMethod;
  readonly guest: GuestAddress;
  readonly destination: string;
  readonly uri: string;
  /** The PFs of this host whose VFs it changes: they are locked. */
  readonly pfs: readonly PfAddress[];
  readonly sourceVf: MovedVf;
  /** null where it is on a host of its own, which the port sees to. */
  readonly destinationVf: MovedVf | null;
  /**
   * What is changed of this host's VFs, in this order; the port says when, by `MigrationCourse.step`. `undoSteps[i]` takes
   * `steps[i]` back.
   */
  readonly steps: readonly Step[];
  readonly undoSteps: readonly Step[];
  /** What the port alone reads, as process IDs and interfaces. */
  readonly details: Readonly<Record<string, string | number | null>>;
}

/**
 * prepared: destination listens, and the standby has its way. unplugging: the guest is to let go of its VF. moving: its memory
 * moves. moved: it runs at the destination. plugged: it has its VF there. rollingBack, rolledBack: it stays where it was.
 */
export type MigrationPhase = "prepared" | "unplugging" | "moving" | "moved" | "plugged" | "rollingBack" | "rolledBack";
