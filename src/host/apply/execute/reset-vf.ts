import { isUnread, known, type Observed, unread } from "../../../kernel/port.ts";
import { configSpaceOf } from "../../../kernel/port-config.ts";
import type { Bdf } from "../../../pci/bdf.ts";
import { readText, sysfsPath } from "../../observe.ts";
import { vfAddress } from "../find-devices.ts";
import { notDone, writeWaiting } from "../kernel-write.ts";
import { msixFlags } from "../msix-flags.ts";
import { poll } from "../patience.ts";
import { done, type Executor, fail, notReadable, type StepContext, UNREADABLE } from "../step-outcome.ts";

const PCI_COMMAND = 0x04;
const PCI_COMMAND_MASTER = 0x0004;
const PCI_CLASS_REVISION = 0x08;
const PCI_MSIX_FLAGS_ENABLE = 0x8000;
const STANDARD_BYTES = 256;
/** What a read gives that nobody answered. A VF's Vendor ID says nothing: it reads so by itself (PCIe 6.0 §9.3.4.1.1). */
const NO_ANSWER = 0xffff_ffff;

export const RESET_VF: Executor<"resetVf"> = {
  async run({ pf, vfIndex }, context) {
    const { kernel, patience } = context;
    const bdf = await vfAddress(context, pf, vfIndex);
    if (isUnread(bdf)) return notReadable(bdf);
    const methods = known(await readText(kernel, sysfsPath(bdf, "reset_method")));
    const before = await registersOf(bdf, context);
    const failed = await notDone(kernel.write(sysfsPath(bdf, "reset"), "1", writeWaiting(context)), context);
    if (failed) return failed;
    const after = await poll(
      context,
      patience.settleMs,
      () => registersOf(bdf, context),
      (text) => !isUnread(text),
    );
    if (isUnread(after)) {
      return fail("VFL-0303", `${pf} VF ${vfIndex} (${bdf}) does not answer after its reset: ${after.reason}`, {
        target: after.path,
      });
    }
    // The kernel tries the methods in this order (`__pci_reset_function_locked`).
    const method = methods === undefined ? "a method that the kernel does not tell" : (methods.split(" ")[0] ?? "");
    const was = isUnread(before) ? `not readable (${before.reason})` : before;
    return done(`${bdf} was reset by ${method}; before: ${was}; after: ${after}`);
  },

  // It leaves no trace that would tell whether it was done.
  look: async () => UNREADABLE,
};

/** What a tenant may have left in the registers, for a person. */
async function registersOf(bdf: Bdf, { kernel }: StepContext): Promise<Observed<string>> {
  const space = await configSpaceOf(kernel, bdf, STANDARD_BYTES);
  if (isUnread(space)) return space;
  const command = space.u16(PCI_COMMAND);
  const path = sysfsPath(bdf, "config");
  if (command === undefined) return unread(path, "ENODATA");
  if (space.u32(PCI_CLASS_REVISION) === NO_ANSWER) return unread(path, "EIO", "it reads all ones");
  const flags = msixFlags(space);
  const onOff = (value: number) => (value === 0 ? "off" : "on");
  const vectors = flags === undefined ? "" : `, MSI-X ${onOff(flags & PCI_MSIX_FLAGS_ENABLE)}`;
  return `Command 0x${command.toString(16).padStart(4, "0")} (Bus Master ${onOff(command & PCI_COMMAND_MASTER)})${vectors}`;
}
