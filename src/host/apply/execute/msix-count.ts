import { isUnread, type Observed, unread } from "../../../kernel/port.ts";
import { configSpaceOf } from "../../../kernel/port-config.ts";
import type { Bdf } from "../../../pci/bdf.ts";
import { sysfsPath } from "../../observe.ts";
import { vfAddress } from "../find-devices.ts";
import { notDone, writeWaiting } from "../kernel-write.ts";
import { msixFlags } from "../msix-flags.ts";
import { BEFORE, done, type Executor, fail, notReadable, type StepContext, UNREADABLE } from "../step-outcome.ts";

const PCI_MSIX_FLAGS_QSIZE = 0x07ff;
const STANDARD_BYTES = 256;

export const SET_MSIX_COUNT: Executor<"setMsixCount"> = {
  async run({ pf, vfIndex, to }, context) {
    const bdf = await vfAddress(context, pf, vfIndex);
    if (isUnread(bdf)) return notReadable(bdf);
    const path = sysfsPath(bdf, "sriov_vf_msix_count");
    const failed = await notDone(context.kernel.write(path, String(to), writeWaiting(context)), context);
    if (failed) return failed;
    // The attribute can only be written; what came of it is in the VF's MSI-X Capability.
    const shown = await tableSizeOf(bdf, context);
    if (isUnread(shown)) return notReadable(shown);
    if (shown === to) return done(`the MSI-X table of ${bdf} has ${shown} entries`);
    return fail("VFL-0310", `the MSI-X table of ${bdf} has ${shown} entries after ${to} were set`, { target: path });
  },

  async look({ pf, vfIndex, from, to }, context) {
    const bdf = await vfAddress(context, pf, vfIndex);
    const shown = isUnread(bdf) ? bdf : await tableSizeOf(bdf, context);
    if (isUnread(shown)) return UNREADABLE;
    if (shown === to) return { kind: "after", evidence: `the MSI-X table has ${shown} entries` };
    return shown === from ? BEFORE : { kind: "other", evidence: `the MSI-X table has ${shown} entries` };
  },
};

async function tableSizeOf(bdf: Bdf, { kernel }: StepContext): Promise<Observed<number>> {
  const space = await configSpaceOf(kernel, bdf, STANDARD_BYTES);
  if (isUnread(space)) return space;
  const flags = msixFlags(space);
  if (flags !== undefined) return (flags & PCI_MSIX_FLAGS_QSIZE) + 1;
  return unread(sysfsPath(bdf, "config"), "ENODATA", "its MSI-X Capability was not found");
}
