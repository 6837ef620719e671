import type { VfleetError } from "../errors/vfleet-error.ts";
import type { Operation } from "../host/apply/operation.ts";
import type { RecoverRequest } from "../host/apply/recover.ts";
import type { EndedClaim } from "../host/desired/claim-lifetime.ts";
import type { PolicyFile } from "../host/desired/read-documents.ts";
import type { MigrationVerdict } from "../host/migrate/migration-port.ts";
import type { Plan } from "../host/plan/plan.ts";
import type { HostState } from "../host/state/host-state.ts";
import type { Kernel } from "../kernel/port.ts";
import type { ChangeRequest } from "./changes/change-request.ts";
import type { Doing } from "./changes/do-change.ts";
import type { LocalOptions } from "./changes/plan-change.ts";
import type { changeVerdict, PlannedChange } from "./changes/planned-change.ts";

/** A host as commands work at it: opened by this process, or behind a server. */
export interface HostAccess {
  /** As a command line names it: `linux`, `model:FILE`. */
  readonly source: string;
  /** To read it as `vfleet scan` does. */
  kernel(): Promise<Kernel>;
  /** Reads it now; the plan that follows may be made from that. */
  look(): Promise<HostState>;
  /** @param local what the host itself is needed for @throws VfleetError of a request that is wrong */
  plan(request: ChangeRequest, local?: LocalOptions): Promise<ShownChange>;
  /** How it stands to what files want; where they are left out, to what is kept as wanted. */
  status(files: readonly PolicyFile[] | undefined): Promise<HostStatus>;
  operations(): Promise<OperationRecords>;
  operation(number: number): Promise<Operation | undefined>;
  /** Ends what was cut off. */
  recover(how: Pick<RecoverRequest, "stuck" | "onEvent">): Promise<OperationRecords>;
}

/** A change with its plan. */
export interface ShownChange extends Pick<PlannedChange, "state" | "plan" | "title" | "ended" | "keeps"> {
  readonly verdict: ReturnType<typeof changeVerdict>;
  /** null of all but a move. */
  readonly migration: MigrationVerdict | null;
  /** As `doChange`. */
  perform(doing?: Doing): Promise<Operation | undefined>;
}

/** Operations as they are written down. */
export interface OperationRecords {
  readonly operations: readonly Operation[];
  /** Of records that are left out. */
  readonly damaged: readonly VfleetError[];
}

/** What is there, what is wanted, and what was not ended. Plain data, but for `damaged`. */
export interface HostStatus extends Pick<OperationRecords, "damaged"> {
  readonly unfinished: readonly Operation[];
  readonly ended: readonly EndedClaim[];
  /** null where nothing is wanted. */
  readonly plan: Plan | null;
  readonly state: HostState;
}
