import { isUnread, known } from "../../../kernel/port.ts";
import { ConfigSpace } from "../../../pci/config-space.ts";
import { isNetworkClass, readDevices } from "../../net-devices.ts";
import { readNumber, readText, sysfsPath } from "../../observe.ts";
import { isSimulated } from "../../pf-address.ts";
import type { StepOf } from "../../plan/step.ts";
import { driverOf, vfAddress } from "../find-devices.ts";
import { notDone, writeWaiting } from "../kernel-write.ts";
import { poll } from "../patience.ts";
import { BEFORE, done, type Executor, fail, notReadable, type StepContext, UNREADABLE } from "../step-outcome.ts";

export const SET_NUM_VFS: Executor<"setNumVfs"> = {
  async run({ pf, from, to }, context) {
    const path = sysfsPath(pf, "sriov_numvfs");
    const failed = await notDone(
      context.kernel.write(path, String(to), writeWaiting(context, Math.max(from, to))),
      context,
    );
    if (failed) return failed;
    const shown = await readNumber(context.kernel, path);
    if (isUnread(shown)) return notReadable(shown);
    if (shown === to) return done(`${path} reads ${shown}`);
    // The write succeeds whatever the driver enables (`sriov_numvfs_store` only warns).
    return fail("VFL-0302", `${pf}: ${to} VFs were asked for, and ${shown} are enabled`, {
      target: path,
      value: String(to),
    });
  },

  async look({ pf, from, to }, { kernel }) {
    const shown = await readNumber(kernel, sysfsPath(pf, "sriov_numvfs"));
    if (isUnread(shown)) return UNREADABLE;
    if (shown === to) return { kind: "after", evidence: `sriov_numvfs reads ${shown}` };
    return shown === from ? BEFORE : { kind: "other", evidence: `sriov_numvfs reads ${shown}` };
  },
};

/** These hand a function out, and make no interface of it. */
const NO_NETDEV = /vfio|pciback|uio|^pci-stub$/;

export const AWAIT_VFS: Executor<"awaitVfs"> = {
  async run(step, context) {
    const { patience } = context;
    const limitMs = patience.appearMs + patience.perVfMs * step.count;
    const missing = await poll(
      context,
      limitMs,
      () => firstMissing(step, context),
      (each) => each === undefined,
    );
    if (missing !== undefined) return fail("VFL-0303", missing, { target: sysfsPath(step.pf) });
    const silent = await firstSilent(step, context);
    if (silent === undefined) return done(`${step.count} VFs are there, with their drivers' devices`);
    const message = `VF ${silent.vfIndex} (${silent.bdf}) does not answer: its registers read all ones`;
    return fail("VFL-0341", message, { target: sysfsPath(silent.bdf, "config") });
  },

  // It writes nothing, so it is always done.
  look: async () => BEFORE,
};

/** What is not there yet, of the VFs by their order. */
async function firstMissing({ pf, count }: StepOf<"awaitVfs">, context: StepContext): Promise<string | undefined> {
  const { kernel } = context;
  // They are in their driver alone, from the write on.
  if (isSimulated(pf)) return undefined;
  for (let vfIndex = 0; vfIndex < count; vfIndex++) {
    const vf = `${pf} VF ${vfIndex}`;
    const bdf = await vfAddress(context, pf, vfIndex);
    if (isUnread(bdf)) return `${vf} has no node: ${bdf.path}: ${bdf.reason}`;
    const driver = await driverOf(context, bdf);
    if (isUnread(driver)) return `${vf} (${bdf}) is not in sysfs yet: ${driver.reason}`;
    if (driver === null || NO_NETDEV.test(driver)) continue;
    const classCode = await readText(kernel, sysfsPath(bdf, "class"));
    if (isUnread(classCode) || !isNetworkClass(Number(classCode))) continue;
    const { net } = await readDevices(kernel, bdf);
    if (known(net)?.length === 0) return `${vf} (${bdf}) has the driver ${driver}, and no interface of it`;
  }
  return undefined;
}

const PCI_COMMAND = 0x04;
const HEADER_BYTES = 0x40;

/**
 * The kernel reads VF 0's header alone and takes the others to be alike (`pci_read_vf_config_common`), so a VF that does not
 * answer is a function like any other to it. Command and Status are never all ones, as Vendor ID is of every VF (PCIe 6.0
 * §9.3.4.1.1): Status has reserved bits.
 */
async function firstSilent({ pf, count }: StepOf<"awaitVfs">, context: StepContext) {
  if (isSimulated(pf)) return undefined;
  for (let vfIndex = 0; vfIndex < count; vfIndex++) {
    const bdf = await vfAddress(context, pf, vfIndex);
    if (isUnread(bdf)) continue;
    const header = await context.kernel.read(sysfsPath(bdf, "config"), HEADER_BYTES);
    if (!isUnread(header) && new ConfigSpace(header).u32(PCI_COMMAND) === 0xffff_ffff) return { vfIndex, bdf };
  }
  return undefined;
}

export const SET_DRIVERS_AUTOPROBE: Executor<"setDriversAutoprobe"> = {
  async run({ pf, to }, context) {
    const path = sysfsPath(pf, "sriov_drivers_autoprobe");
    const failed = await notDone(context.kernel.write(path, to ? "1" : "0", writeWaiting(context)), context);
    if (failed) return failed;
    const shown = await readNumber(context.kernel, path);
    if (isUnread(shown)) return notReadable(shown);
    if ((shown === 1) === to) return done(`${path} reads ${shown}`);
    return fail("VFL-0310", `${path} reads ${shown} after ${to ? 1 : 0} was written`, { target: path });
  },

  async look({ pf, to }, { kernel }) {
    const shown = await readNumber(kernel, sysfsPath(pf, "sriov_drivers_autoprobe"));
    if (isUnread(shown)) return UNREADABLE;
    return (shown === 1) === to ? { kind: "after", evidence: `sriov_drivers_autoprobe reads ${shown}` } : BEFORE;
  },
};
