import type { RequestOf } from "../../fleet/changes/change-request.ts";
import { planChange } from "../../fleet/changes/plan-change.ts";
import { observeAll, openHost } from "../../fleet/host-setting.ts";
import { readPolicyFiles } from "../../state/read-policy-file.ts";
import { print, toJson } from "../output.ts";
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
  const host = await openHost(options);
  const files = await readPolicyFiles(file);
  const seen = await observeAll(host);
  const request: RequestOf<"release"> = {
    kind: "release",
    pfs: names.map((name) => namedPf(seen.state, name).bdf),
    ...{ all, policy, claim, ended },
    ...(files && { files: [...files] }),
  };
  const change = await planChange(host, request, async () => seen);
  if (!ended || change.title !== "") return runChange(change, options);
  if (options.json) print(`${toJson({ source: host.kernel.source.name, plan: null, operation: null })}\n`);
  else print("No claim has ended.\n");
  return 0;
}
