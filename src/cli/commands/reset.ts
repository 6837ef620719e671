import { VfleetError } from "../../errors/vfleet-error.ts";
import { changeVf } from "../provision/change-vf.ts";
import type { RunOptions } from "../provision/run-change.ts";

/** `vfleet reset VF`: a VF as new, for the next tenant: Function Level Reset, and its settings scrubbed. */
export async function reset(words: readonly string[], options: RunOptions): Promise<number> {
  return changeVf(words, options, (vf, rest) => {
    if (rest.length > 0) throw new VfleetError("VFL-0001", { message: `${rest.join(" ")} is too much` });
    return { kind: "reset", vf };
  });
}
