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
import { readPolicyFile } from "../state/read-policy-file.ts";
import { type HostSetting, observeAll } from "./host-setting.ts";

/** What is wanted of a host, and the plan toward it. */
export interface Wishes {
  readonly host: HostSetting;
  readonly files: readonly PolicyFile[];
  readonly documents: PolicyDocuments;
  readonly state: HostState;
  readonly resolved: Resolved;
  readonly plan: Plan;
}

/**
 * Reads what is wanted: the files that were named, else the folder where it is kept. Nothing is asked of the host before all
 * of it was understood.
 * @throws VfleetError VFL-0016 where a file is wrong, VFL-0232 where nothing is wanted
 */
async function readWishes(
  { folders }: Pick<HostSetting, "folders">,
  paths: readonly string[] | undefined,
): Promise<Pick<Wishes, "files" | "documents">> {
  const files =
    paths === undefined ? await readDesiredFolder(folders.config) : await Promise.all(paths.map(readPolicyFile));
  return wishesIn(files, paths === undefined ? folders.config : paths.join(", "));
}

/** @param where the files are from, for a person */
function wishesIn(files: readonly PolicyFile[], where: string): Pick<Wishes, "files" | "documents"> {
  const documents = readPolicies(files);
  if (documents.policies.length === 0 && documents.claims.length === 0) {
    throw new VfleetError("VFL-0232", { message: `${where}: no policies`, details: { path: where } });
  }
  return { files, documents };
}

/** The plan toward what is wanted. */
export async function planWishes(host: HostSetting, paths: readonly string[] | undefined): Promise<Wishes> {
  return planDocuments(host, await readWishes(host, paths));
}

/** The plan toward what texts want. @throws VfleetError VFL-0016, VFL-0232 */
export async function planTexts(host: HostSetting, files: readonly PolicyFile[]): Promise<Wishes> {
  return planDocuments(host, wishesIn(files, files.map(({ label }) => label).join(", ")));
}

async function planDocuments(
  host: HostSetting,
  { files, documents }: Pick<Wishes, "files" | "documents">,
): Promise<Wishes> {
  const { kernel, claims } = host;
  const { state: seen, inventory } = await observeAll(host);
  const random = (count: number) => getRandomValues(new Uint8Array(count));
  const resolved = resolveDesired({ documents, state: seen, claims, random, now: new Date() });
  const { desired, refusals } = resolved;
  // A claim that is not asked for here, or has ended, has its VFs until they are released.
  const state = withClaims(seen, claims);
  const preflights = await runPreflights(kernel, state, desired, inventory);
  const plan = planHost({ state, desired, refusals, preflights });
  return {
    host,
    files,
    documents,
    state,
    resolved,
    plan,
  };
}
