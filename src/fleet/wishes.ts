import { getRandomValues } from "node:crypto";
import { VfleetError } from "../errors/vfleet-error.ts";
import type { PolicyDocuments, PolicyFile } from "../host/desired/read-documents.ts";
import { readPolicies } from "../host/desired/read-documents.ts";
import { type Resolved, resolveDesired } from "../host/desired/resolve-desired.ts";
import type { Plan } from "../host/plan/plan.ts";
import { planHost } from "../host/plan/plan-host.ts";
import { runPreflights } from "../host/plan/run-preflights.ts";
import { withClaims } from "../host/state/claim-users.ts";
import type { HostState } from "../host/state/host-state.ts";
import { readDesiredFolder } from "../state/desired-folder.ts";
import { type HostSetting, observeAll, type SeenHost } from "./host-setting.ts";

/** What is wanted of a host, and the plan toward it. */
export interface Wishes {
  readonly documents: PolicyDocuments;
  readonly state: HostState;
  readonly resolved: Resolved;
  readonly plan: Plan;
}

/**
 * The plan toward what files want; where they are left out, toward what is kept. Nothing is asked of the host before all of it was
 * understood.
 * @param look reads the host
 * @throws VfleetError VFL-0016 where a file is wrong, VFL-0232 where nothing is wanted
 */
export async function planWishes(
  host: HostSetting,
  files: readonly PolicyFile[] | undefined,
  look: () => Promise<SeenHost> = () => observeAll(host),
): Promise<Wishes> {
  const { kernel, claims, folders } = host;
  const documents = readPolicies(files ?? (await readDesiredFolder(folders.config)));
  if (documents.policies.length === 0 && documents.claims.length === 0) {
    const path = files?.map(({ label }) => label).join(", ") ?? folders.config;
    throw new VfleetError("VFL-0232", { message: `${path}: no policies`, details: { path } });
  }
  const { state: seen, inventory } = await look();
  const random = (count: number) => getRandomValues(new Uint8Array(count));
  const resolved = resolveDesired({ documents, state: seen, claims, random, now: new Date() });
  const { desired, refusals } = resolved;
  // A claim that is not asked for here, or has ended, has its VFs until they are released.
  const state = withClaims(seen, claims);
  const preflights = await runPreflights(kernel, state, desired, inventory);
  const plan = planHost({ state, desired, refusals, preflights });
  return { documents, state, resolved, plan };
}
