import type { RequestOf } from "../../fleet/changes/change-request.ts";
import { readPolicyFiles } from "../../state/read-policy-file.ts";
import { print, toJson } from "../output.ts";
import { openAccess } from "../provision/open-access.ts";
import { type RunOptions, runChange } from "../provision/run-change.ts";
import { namedPf } from "../provision/vf-address.ts";

export interface ReleaseOptions extends RunOptions {
  readonly all?: true;
  readonly policy?: string;
  readonly claim?: string;
  readonly ended?: true;
  readonly file?: readonly string[];
}

/** `vfleet release`: back to no VFs, on PFs that are named, on those of a policy, or on all; or the VFs of claims. */
export async function release(names: readonly string[], options: ReleaseOptions): Promise<number> {
  const { all, policy, claim, ended, file } = options;
  const host = await openAccess(options);
  const files = await readPolicyFiles(file);
  const state = await host.look();
  const request: RequestOf<"release"> = {
    kind: "release",
    pfs: names.map((name) => namedPf(state, name).bdf),
    ...{ all, policy, claim, ended },
    ...(files && { files: [...files] }),
  };
  const change = await host.plan(request);
  if (!ended || change.title !== "") return runChange(host, change, options);
  if (options.json) print(`${toJson({ source: host.source, plan: null, operation: null })}\n`);
  else print("No claim has ended.\n");
  return 0;
}
