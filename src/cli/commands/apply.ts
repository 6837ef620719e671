import { readPolicyFiles } from "../../state/read-policy-file.ts";
import { openAccess } from "../provision/open-access.ts";
import { type RunOptions, runChange } from "../provision/run-change.ts";

export interface ApplyOptions extends RunOptions {
  readonly file?: readonly string[];
  readonly persist?: boolean;
}

/** `vfleet apply`: makes the host what is wanted, or leaves it as it was. */
export async function apply(options: ApplyOptions): Promise<number> {
  const host = await openAccess(options);
  const files = await readPolicyFiles(options.file);
  const change = await host.plan({
    kind: "apply",
    ...(files && { files: [...files], persist: options.persist === true }),
  });
  return runChange(host, change, options);
}
