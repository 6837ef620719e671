import { planChange } from "../../fleet/changes/plan-change.ts";
import { openHost } from "../../fleet/host-setting.ts";
import { readPolicyFiles } from "../../state/read-policy-file.ts";
import { type RunOptions, runChange } from "../provision/run-change.ts";

export interface ApplyOptions extends RunOptions {
  readonly file?: readonly string[];
  readonly persist?: boolean;
}

/** `vfleet apply`: makes the host what is wanted, or leaves it as it was. */
export async function apply(options: ApplyOptions): Promise<number> {
  const host = await openHost(options);
  const files = await readPolicyFiles(options.file);
  const change = await planChange(host, {
    kind: "apply",
    ...(files && { files: [...files], persist: options.persist === true }),
  });
  return runChange(change, options);
}
