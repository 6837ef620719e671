import type { VfleetError } from "../../errors/vfleet-error.ts";
import type { Allocation } from "../desired/allocation.ts";
import type { DesiredPf } from "../desired/desired-pf.ts";
import type { MigrationPhase, PlannedMove } from "../migrate/planned-move.ts";
import type { SeenTraffic } from "../migrate/traffic-watch.ts";
import type { PfAddress } from "../pf-address.ts";
import type { Step } from "../plan/step.ts";

/** What is written down of an operation before its first step. */
export interface OperationHeader {
  readonly format: 1;
  /** From 1, by host. */
  readonly number: number;
  /** The command: `apply`, `set`, `bind`, `reset`, `release`, `migrate`. */
  readonly kind: string;
  /** Its subject for a person, as `policies tenant-net, storage`. */
  readonly title: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly pid: number;
  /** null where it was not readable. */
  readonly bootId: string | null;
  readonly pfs: readonly OperationPf[];
  /** Toward which the steps go. */
  readonly desired: readonly DesiredPf[];
  /** What was there, in the same words: undoing is a plan toward it. */
  readonly before: readonly DesiredPf[];
  readonly steps: readonly Step[];
  /** Left out where nothing is kept, and in records from before that was written down. */
  readonly keeps?: Kept;
  /** Of one that moves a guest: how it goes on, and back, is its own matter. */
  readonly migration?: PlannedMove;
}

/**
 * What is written down beside the host once an operation is done, as it was and as it will be: plain data, so that whoever recovers
 * the operation can write it, too.
 */
export interface Kept {
  /** Which VFs claims have. */
  readonly allocations?: { readonly from: readonly Allocation[]; readonly to: readonly Allocation[] };
  /** Documents of what is desired, by the names of their files; null where there was none. */
  readonly documents?: readonly { readonly name: string; readonly from: string | null; readonly to: string }[];
}

/** Writes what operations keep, for whoever recovers them. */
export interface KeptPort {
  /**
   * All of it that is not written yet, or nothing.
   * @throws VfleetError VFL-0307; VFL-0308 where somebody else has changed it since
   */
  keep(kept: Kept): Promise<void>;
  /** What of it was written is as it was again. @throws VfleetError VFL-0307 */
  takeBack(kept: Kept): Promise<void>;
  /** Whether any of it was written. */
  isBegun(kept: Kept): Promise<boolean>;
}

export interface OperationPf {
  readonly bdf: PfAddress;
  /** `PfIdentity.key`: at recovery the PF is looked for by it. */
  readonly key: string;
  /** Vendor and device ID, as 8086:10c9; left out where they were not read. A slot may have another card by then. */
  readonly device?: string;
}

/** What happens to an operation, in the order in which it is written down. Steps by their place in `steps` of their plan. */
export type OperationEvent = { readonly at: string } & (
  | { readonly event: "stepBegun"; readonly step: number }
  | {
      readonly event: "stepDone";
      readonly step: number;
      readonly tookMs: number;
      /** What was read back, for a person. */
      readonly evidence: string;
      /** Kernel log lines meanwhile. */
      readonly log: readonly string[];
    }
  | { readonly event: "stepFailed"; readonly step: number; readonly failure: OperationFailure }
  /** The operation goes back: these steps take the place of `steps` from here on. */
  | { readonly event: "undoBegun"; readonly why: string; readonly steps: readonly Step[] }
  /** Of a guest that moves: it has come to this. */
  | {
      readonly event: "phase";
      readonly phase: MigrationPhase;
      readonly evidence: string;
      /** While no processor of the guest ran. */
      readonly downtimeMs?: number;
    }
  /** Of a guest that was sent to while it moved. */
  | ({ readonly event: "traffic" } & SeenTraffic)
  /** A process that had died is followed by this one. */
  | { readonly event: "resumed"; readonly pid: number; readonly found: string }
  | { readonly event: "ended"; readonly state: EndState; readonly failure?: OperationFailure }
);

/**
 * settled: as wished, verified. undone: as before, verified. stuck: neither, and vfleet stopped: see its failure. overtaken: what
 * came since it was cut off stands in its place, a newer operation or a reboot; what there is to say of that has VFL-0313.
 */
type EndState = "settled" | "undone" | "stuck" | "overtaken";
export type OperationState = "applying" | "undoing" | EndState;

export interface OperationFailure {
  /** Of the catalogue. */
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
  readonly errno: string | null;
  /** What was written to, and the value tried. */
  readonly target: string | null;
  readonly value: string | null;
  readonly log: readonly string[];
}

/** An operation as its records tell it. */
export interface Operation extends OperationHeader {
  readonly state: OperationState;
  readonly events: readonly OperationEvent[];
  /** What stopped it or made it go back. */
  readonly failure: OperationFailure | null;
  readonly endedAt: string | null;
}

/** Where operations are written down; each call returns when what it wrote would survive a power loss. */
export interface OperationStore {
  /** Takes the next number. */
  create(header: Omit<OperationHeader, "number" | "format">): Promise<OperationWriter>;
  /** For one that was not ended, to go on with it. */
  resume(number: number): Promise<OperationWriter>;
  /**
   * All, the oldest first.
   * @param onDamage is told of records that are damaged, which are left out; without it the first of them is thrown
   */
  list(onDamage?: (damage: VfleetError) => void): Promise<readonly Operation[]>;
  read(number: number): Promise<Operation | undefined>;
  /** Of all that there are, in order. */
  numbers(): Promise<readonly number[]>;
}

export interface OperationWriter {
  readonly header: OperationHeader;
  append(event: OperationEvent): Promise<void>;
  close(): Promise<void>;
}

/** What is kept of what is desired, and of who has which VFs: one at a time writes it. */
export const DESIRED = "desired";

/** One operation at a time for a PF. A lock ends with its process. */
export interface PfLocks {
  /** @throws VfleetError VFL-0306 where another process has one of them, with its pid where that is known */
  acquire(locks: readonly (PfAddress | typeof DESIRED)[]): Promise<{ release(): void }>;
}
