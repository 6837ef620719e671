import { VfleetError } from "../../errors/vfleet-error.ts";
import type { ChangeRequest } from "../../fleet/changes/change-request.ts";
import type { LocalOptions } from "../../fleet/changes/plan-change.ts";
import { changeVf } from "../provision/change-vf.ts";
import { openAccess } from "../provision/open-access.ts";
import { type RunOptions, runChange } from "../provision/run-change.ts";

interface ChooseOptions extends RunOptions {
  readonly claim?: string;
}

export interface AttachOptions extends ChooseOptions, LocalOptions {
  readonly persistent?: boolean;
  readonly managed?: boolean;
}

/** VFs that words name, as requests do. */
type Target = { readonly vf: string } | { readonly claim: string };

/** `vfleet attach VF GUEST`: gives a VF to a guest that runs, bound as the guest wants it. */
export async function attach(words: readonly string[], options: AttachOptions): Promise<number> {
  const { persistent, managed, vfTokenFile } = options;
  const local = vfTokenFile === undefined ? {} : { vfTokenFile };
  return changeTarget(words, options, local, (target, [guest, ...more]) => {
    if (more.length > 0) {
      throw new VfleetError("VFL-0001", {
        message: `${more.join(" ")} is too much`,
        remedy: "name one as vfleet guests lists it, as qemu:web-1",
      });
    }
    return {
      kind: "attach",
      ...target,
      ...(guest !== undefined && { guest }),
      ...(persistent && { persistent }),
      ...(managed && { managed }),
    };
  });
}

/** `vfleet detach VF`: takes a VF back from whichever guest has it. */
export async function detach(words: readonly string[], options: ChooseOptions): Promise<number> {
  return changeTarget(words, options, {}, (target, rest) => {
    if (rest.length > 0) throw new VfleetError("VFL-0001", { message: `${rest.join(" ")} is too much` });
    return { kind: "detach", ...target };
  });
}

async function changeTarget(
  words: readonly string[],
  options: ChooseOptions,
  local: LocalOptions,
  requestFor: (target: Target, rest: readonly string[]) => ChangeRequest,
): Promise<number> {
  const { claim } = options;
  if (claim !== undefined) {
    const request = requestFor({ claim }, words);
    const host = await openAccess(options);
    return runChange(host, await host.plan(request, local), options);
  }
  if (words.length === 0) {
    throw new VfleetError("VFL-0001", { message: "which VF?", remedy: "name one (01:10.2, or eth0 vf 3), or --claim" });
  }
  return changeVf(words, options, (vf, rest) => requestFor({ vf }, rest), local);
}
