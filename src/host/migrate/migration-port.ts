import type { Bdf } from "../../pci/bdf.ts";
import type { OperationFailure } from "../apply/operation.ts";
import type { GuestAddress } from "../guest-port.ts";
import type { Evidence } from "../preflight/check.ts";
import type { HostState } from "../state/host-state.ts";
import type { MigrationMethod, MigrationPhase, PlannedMove } from "./planned-move.ts";
import type { TrafficWatch } from "./traffic-watch.ts";

/** What is to move whereto. */
export interface MigrationWish {
  readonly guest: GuestAddress;
  /** As the user wrote it: for QEMU the guest that waits (`qemu:web-dst`), for the model another machine (`model:FILE`). */
  readonly destination: string;
  readonly method: MigrationMethod | "auto";
  /** The destination's VF; null: a free one is picked. */
  readonly vf: Bdf | null;
  /** Where the destination listens; only QEMU has such. */
  readonly uri: string;
  /** The guest's address: packets are sent to it while it moves. null: nobody sends. */
  readonly probe: string | null;
}

/** One thing that was asked about a move before it. */
export interface MigrationCheck {
  readonly check:
    | "guest"
    | "destination"
    | "machine"
    | "driver"
    | "firmware"
    | "vf"
    | "settings"
    | "standby"
    | "network";
  /** The method that it is asked for; null: for each. */
  readonly method: MigrationMethod | null;
  /** `unknown`: it could not be observed, and does not stand in the way by itself. */
  readonly result: "ok" | "refused" | "unknown";
  readonly summary: string;
  readonly evidence: readonly Evidence[];
  /** Empty where nothing is to be done. */
  readonly remedy: string;
}

/** Whether a guest can be moved, and how. Plain data. */
export interface MigrationVerdict {
  readonly checks: readonly MigrationCheck[];
  /** What is done; null where no method is left. */
  readonly move: PlannedMove | null;
}

/** How the port and the operation speak to each other while a guest moves. */
export interface MigrationCourse {
  /**
   * The move is in this phase now: returns when that is on the disk.
   * @param downtimeMs what was measured of the time in which no processor of the guest ran, with `moved`
   */
  phase(phase: MigrationPhase, evidence: string, downtimeMs?: number): Promise<void>;
  /** Does `steps[place]`, unless it was done; written down. @throws VfleetError what it failed of */
  step(place: number): Promise<void>;
  /** Takes all steps back that were begun, in reverse; the guest is where it was by then. @throws VfleetError */
  takeBack(why: string): Promise<void>;
  /** The move is to end, and be taken back where that is possible yet. */
  readonly signal: AbortSignal;
  /** For the guest's memory to move. */
  readonly timeoutMs: number;
}

/** What came of a move. Whatever it is, the port has ended what it had begun. */
export type MigrationEnd =
  /** @param withoutVf why the guest has no VF at the destination, though it runs there; null where it has */
  | { readonly kind: "moved"; readonly withoutVf: OperationFailure | null }
  | { readonly kind: "rolledBack"; readonly why: OperationFailure }
  /** Nobody knows where the guest runs, or it runs where it was and its host could not be put in order. */
  | { readonly kind: "lost"; readonly why: OperationFailure };

/** How guests of one kind move. */
export interface MigrationPort {
  /** Reads only. */
  verdict(wish: MigrationWish, state: HostState): Promise<MigrationVerdict>;
  /**
   * Begins to watch traffic to the guest; nothing is changed.
   * @returns null where there is none to watch
   * @throws VfleetError VFL-0416, VFL-0417 where it is wanted, and cannot be watched
   */
  watchTraffic(move: PlannedMove, probe: string | null): Promise<TrafficWatch | null>;
  /** Moves the guest. Until it runs at the destination any failure leaves it where it was; from then on it stays there. */
  migrate(move: PlannedMove, course: MigrationCourse): Promise<MigrationEnd>;
  /**
   * Ends a move whose process has died, by what both ends tell: forward where the guest runs at the destination, back where it
   * is at the source.
   */
  recover(move: PlannedMove, course: MigrationCourse): Promise<MigrationEnd>;
}
