import { isUnread, type Kernel, type Observed, unread } from "../../kernel/port.ts";
import type { ChangeableKernel } from "../../kernel/port-change.ts";
import type { NvmePrimaryCapabilities, NvmeSecondary } from "../../kernel/port-nvme.ts";

/** What a PF's NVMe controller says of its secondary controllers. */
export interface NvmeView {
  readonly primary: Observed<NvmePrimaryCapabilities | null>;
  readonly secondaries: Observed<readonly NvmeSecondary[] | null>;
}

const NONE: NvmeView = { primary: null, secondaries: null };

/** @param controller nvme0; null where the function has none */
export async function observeNvme(
  kernel: Kernel | ChangeableKernel,
  controller: Observed<string | null>,
): Promise<NvmeView> {
  if (controller === null) return NONE;
  if (isUnread(controller)) return { primary: controller, secondaries: controller };
  const path = `/dev/${controller}`;
  if (!("nvme" in kernel)) {
    const missing = unread(path, "ENODATA", "the source does not hold it");
    return { primary: missing, secondaries: missing };
  }
  const primary = await kernel.nvme.primaryCapabilities(controller);
  // A controller without Virtualization Management refuses to identify so.
  if ("kind" in primary && primary.kind === "nvme-refused") return NONE;
  const secondaries = await kernel.nvme.secondaryControllers(controller);
  if (!isUnread(secondaries) && "kind" in secondaries) return { primary, secondaries: null };
  return { primary, secondaries };
}
