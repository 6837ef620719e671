import { known } from "../../kernel/port.ts";
import type { DesiredPf } from "../desired/desired-pf.ts";
import type { PfAddress } from "../pf-address.ts";
import type { Step, StepKind } from "../plan/step.ts";
import type { HostState } from "../state/host-state.ts";
import type { Operation, OperationFailure } from "./operation.ts";
import type { PfPlaces } from "./recorded-pfs.ts";

/** What can be put back on a PF whoever has made its VFs. */
const BESIDE_VFS: ReadonlySet<StepKind> = new Set([
  "loadModule",
  "setPfUp",
  "setPfMtu",
  "setDriversAutoprobe",
  "awaitVfs",
]);

/** VFs of a PF that somebody else has made. */
export interface OthersVfs {
  readonly numVfs: number;
  /** Whether the operation had changed the PF's VFs before that: they cannot be made anew beside the others. */
  readonly hadChanged: boolean;
}

/**
 * PFs on which the operation has found a number of VFs that somebody else had set, and which is there yet: going back must not
 * take those VFs away. By the addresses that they have now.
 * @param places of the PFs of its records; there where they were, where left out
 */
export function othersVfs(
  operation: Operation,
  { pfs }: HostState,
  places?: PfPlaces,
): ReadonlyMap<PfAddress, OthersVfs> {
  const left = new Map(operation.before.map(({ pf, numVfs }) => [pf, numVfs]));
  const found = new Set<PfAddress>();
  const changed = new Set<PfAddress>();
  for (const { event, step } of stepsThere(operation)) {
    if (!("pf" in step)) continue;
    const { pf } = step;
    if (event.event === "stepDone" && !BESIDE_VFS.has(step.kind)) changed.add(pf);
    if (step.kind !== "setNumVfs") continue;
    if (event.event === "stepDone") left.set(pf, step.to);
    else if (event.event === "stepFailed" && isOthers(event.failure)) found.add(pf);
  }
  return new Map(
    [...found].flatMap((pf) => {
      const place = places === undefined ? pf : places.get(pf);
      const now = pfs.find(({ bdf }) => bdf === place);
      const numVfs = now && known(now.numVfs);
      // They may have taken them away again; or it was a user of the operation's own VFs that the step found.
      if (now === undefined || numVfs === undefined || numVfs === left.get(pf)) return [];
      return [[now.bdf, { numVfs, hadChanged: changed.has(pf) }] as const];
    }),
  );
}

/** What of it can be put back where the VFs are somebody else's. */
export function besideVfs({ numVfs: _, eswitchMode: __, ...rest }: DesiredPf): DesiredPf {
  return { ...rest, vfs: [] };
}

/** Of the way there. */
function* stepsThere({ events, steps }: Operation) {
  for (const event of events) {
    if (event.event === "undoBegun") return;
    const step: Step | undefined = "step" in event ? steps[event.step] : undefined;
    if (step) yield { event, step };
  }
}

/** The step's look has found it, or the kernel as it was written: it goes from one number to another by way of none only. */
function isOthers({ code, errno }: OperationFailure): boolean {
  return code === "VFL-0308" || errno === "EBUSY";
}
