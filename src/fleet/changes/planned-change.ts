import { isDeepStrictEqual } from "node:util";
import { VfleetError } from "../../errors/vfleet-error.ts";
import type { Keeping } from "../../host/apply/apply-plan.ts";
import type { Kept } from "../../host/apply/operation.ts";
import type { EndedClaim } from "../../host/desired/claim-lifetime.ts";
import type { PolicyFile } from "../../host/desired/read-documents.ts";
import type { MigrationPort, MigrationVerdict, MigrationWish } from "../../host/migrate/migration-port.ts";
import { type Plan, verdictOf } from "../../host/plan/plan.ts";
import type { HostState } from "../../host/state/host-state.ts";
import { readAllocations, readDesiredFolder } from "../../state/desired-folder.ts";
import { openKept } from "../../state/kept.ts";
import type { HostSetting, SeenHost } from "../host-setting.ts";

/** A change that somebody wants, as a plan, and what is kept when it was done. */
export interface PlannedChange {
  /** The host, with the claims that the plan reckons with. */
  readonly host: HostSetting;
  /** What the plan was made from. */
  readonly state: HostState;
  /** Guests were asked, too. Empty where a guest moves. */
  readonly plan: Plan;
  /** As the operation's record has them. */
  readonly kind: string;
  readonly title: string;
  /** As of `ApplyRequest`. */
  readonly replan?: (state: HostState) => Plan | Promise<Plan>;
  readonly keeping: Keeping;
  /** Claims whose time is over. */
  readonly ended: readonly EndedClaim[];
  /** Files that are written once it was done. */
  readonly keeps: readonly string[];
  /** How a guest moves; null of all other changes. */
  readonly migration: PlannedMigration | null;
}

export interface PlannedMigration {
  readonly port: MigrationPort;
  readonly wish: MigrationWish;
  readonly verdict: MigrationVerdict;
  readonly timeoutMs: number;
}

/** What one kind of change says of itself; the rest is alike. */
export type Draft = Pick<PlannedChange, "host" | "state" | "plan" | "title"> & Partial<PlannedChange>;

/** Reads the host, the first time that it is asked for. */
export type Look = () => Promise<SeenHost>;

export const NO_STEPS: Plan = { desired: [], pfs: [], refusals: [] };

/** What comes of a change, in one word. */
export function changeVerdict({ plan, migration }: Pick<PlannedChange, "plan" | "migration">) {
  if (migration !== null) return migration.verdict.move === null ? "refused" : "changes";
  return verdictOf(plan);
}

/**
 * What is kept once a change was done, where all is as the plan was made from it: what others have kept meanwhile would be lost, or
 * contradict it.
 * @param documents of the folder of what is desired; left out where the plan was not made from them
 */
export function keepingOf({ folders, claims }: HostSetting, documents?: readonly PolicyFile[], keeps?: Kept): Keeping {
  return {
    async check() {
      if (!isDeepStrictEqual(await readAllocations(folders.state), claims)) throw moved("claims have other VFs");
      if (documents !== undefined && !isDeepStrictEqual(await readDesiredFolder(folders.config), documents)) {
        throw moved("other documents are kept");
      }
    },
    ...(keeps && { keeps, keep: () => openKept(folders).keep(keeps) }),
  };
}

export function moved(why: string): VfleetError {
  return new VfleetError("VFL-0308", { message: `the host has changed since the plan: ${why}` });
}
