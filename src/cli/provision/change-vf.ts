import type { ChangeRequest } from "../../fleet/changes/change-request.ts";
import type { LocalOptions } from "../../fleet/changes/plan-change.ts";
import { vfName } from "../../fleet/vf-name.ts";
import { openAccess } from "./open-access.ts";
import { type RunOptions, runChange } from "./run-change.ts";
import { namedVf } from "./vf-address.ts";

/**
 * Runs a command about one VF, which its first words name.
 * @param requestFor says what is asked for, by the name of the VF and the words that are left
 */
export async function changeVf(
  words: readonly string[],
  options: RunOptions,
  requestFor: (vf: string, rest: readonly string[]) => ChangeRequest,
  local: LocalOptions = {},
): Promise<number> {
  const host = await openAccess(options);
  const { pf, vf, rest } = namedVf(await host.look(), words);
  const request = requestFor(vfName(pf.bdf, vf.vfIndex), rest);
  return runChange(host, await host.plan(request, local), options);
}
