import { VfleetError } from "../../errors/vfleet-error.ts";
import { systemPrograms } from "../../kernel/linux/program.ts";
import { isPending } from "../../kernel/port-outcome.ts";

/** Where frames for a guest go while it does without its VF: by a PF into a bridge, and out of that to a tap. */
export interface StandbyPath {
  readonly mac: string;
  /** The PF's interface, in the tap's bridge; null: the host's network brings frames to the tap by another way. */
  readonly pf: string | null;
  readonly tap: string | null;
}

const BRIDGE_MS = 10_000;

/**
 * Brings frames for the guest to its tap. The card gives the PF only what it has a filter for, promiscuous or not: the guest's
 * address is made one of the PF's own. The bridge has learnt it at the card, from the VF's own frames: it is told better, as of what it
 * learns by itself. A static entry would stay for good where the guest's next VF is heard: such a frame takes it along to the PF
 * (`br_fdb_update`), and it is no more at the tap when the path is removed.
 */
export async function layStandbyPath({ mac, pf, tap }: StandbyPath): Promise<void> {
  if (pf === null || tap === null) return;
  await bridge(["fdb", "add", mac, "dev", pf, "self"], /File exists/);
  await bridge(["fdb", "replace", mac, "dev", tap, "master", "dynamic"]);
}

/** Done also where it was not there. */
export async function removeStandbyPath({ mac, pf, tap }: StandbyPath): Promise<void> {
  if (pf === null || tap === null) return;
  await bridge(["fdb", "del", mac, "dev", pf, "self"], /No such/);
  // With its tap the entry has gone, too; and where the guest was heard elsewhere, it is there, as it should be.
  await bridge(["fdb", "del", mac, "dev", tap, "master"], /No such|Cannot find device/);
}

/** @param fine what it may answer, since then it is so already */
async function bridge(args: readonly string[], fine?: RegExp): Promise<void> {
  const what = `bridge ${args.join(" ")}`;
  const limit = { deadlineMs: BRIDGE_MS };
  const answer = await systemPrograms().change(what, ["bridge", ...args], "", limit, (end) => {
    if ("notStarted" in end) {
      return { why: end.notStarted === "ENOENT" ? "there is no bridge(8): install iproute2" : end.reason };
    }
    if (end.exitCode === 0 || fine?.test(end.stderr)) return { why: null };
    return { why: end.stderr.trim() || String(end.exitCode) };
  });
  const why = isPending(answer) ? "the kernel has not answered in time" : answer.why;
  if (why !== null) throw new VfleetError("VFL-0301", { message: `${what}: ${why}` });
}
