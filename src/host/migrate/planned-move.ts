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

/** A VF that the guest has, and the one that it is to have. */
export interface MovedPair {
  readonly source: MovedVf;
  /** null where it is on a host of its own, which the port sees to. */
  readonly destination: MovedVf | null;
  /** What the port alone reads, as interfaces. */
  readonly details: MoveDetails;
}

type MoveDetails = Readonly<Record<string, string | number | null>>;

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
  /** All that the guest has of this host. */
  readonly vfs: readonly MovedPair[];
  /**
   * What is changed of this host's VFs, in this order; the port says when, by `MigrationCourse.step`. `undoSteps[i]` takes
   * `steps[i]` back.
   */
  readonly steps: readonly Step[];
  readonly undoSteps: readonly Step[];
  /** What the port alone reads, as process IDs. */
  readonly details: MoveDetails;
}

/** As moves of one VF were written down at first. */
type MoveOfOne = Omit<PlannedMove, "vfs"> & { readonly sourceVf: MovedVf; readonly destinationVf: MovedVf | null };

/** A move as it was written down, by this version or one before. */
export function writtenMove(written: PlannedMove | MoveOfOne): PlannedMove {
  if ("vfs" in written) return written;
  const { sourceVf: source, destinationVf: destination, ...move } = written;
  return { ...move, vfs: [{ source, destination, details: move.details }] };
}

/**
 * prepared: destination listens, and the standby has its way. unplugging: the guest is to let go of its VF. moving: its memory
 * moves. moved: it runs at the destination. plugged: it has its VF there. rollingBack, rolledBack: it stays where it was.
 */
export type MigrationPhase = "prepared" | "unplugging" | "moving" | "moved" | "plugged" | "rollingBack" | "rolledBack";
