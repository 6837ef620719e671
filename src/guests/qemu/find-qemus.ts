import { parseQemuOptions, type QemuOptions } from "../../kernel/linux/users/qemu-options.ts";
import { isUnread, type Kernel, known, type Observed } from "../../kernel/port.ts";
import { type Bdf, parseBdf } from "../../pci/bdf.ts";

/** A QEMU that runs on the host. */
export interface RunningQemu extends QemuOptions {
  readonly pid: number;
}

/** A QEMU with a hundred devices has some 20 kB of arguments. */
const COMMAND_LINE_LIMIT_BYTES = 256 * 1024;
const GROUP = /^\/dev\/vfio\/(\d+)$/;
const CDEV = /^\/dev\/vfio\/devices\/(vfio\d+)$/;

/** All of them, by their processes. Unread where processes cannot be listed. */
export async function findQemus(kernel: Kernel): Promise<Observed<readonly RunningQemu[]>> {
  const names = await kernel.list("/proc");
  if (isUnread(names)) return names;
  const pids = names.filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(pids.map((pid) => qemuOf(kernel, pid)));
  return found.filter((each) => each !== undefined).sort((a, b) => a.pid - b.pid);
}

/** Undefined of any other process, and of one that has ended. */
async function qemuOf(kernel: Kernel, pid: number): Promise<RunningQemu | undefined> {
  const bytes = await kernel.read(`/proc/${pid}/cmdline`, COMMAND_LINE_LIMIT_BYTES);
  if (isUnread(bytes)) return undefined;
  const [program = "", ...args] = new TextDecoder().decode(bytes).split("\0");
  if (!/(?:^|\/)(?:qemu-system-[^/]+|qemu-kvm|kvm)$/.test(program)) return undefined;
  return { pid, ...parseQemuOptions(args) };
}

/** Functions that the process has open by VFIO, by its file descriptors; unread where they may not be looked at. */
export async function openedFunctions(kernel: Kernel, pid: number): Promise<Observed<readonly Bdf[]>> {
  const fds = await kernel.list(`/proc/${pid}/fd`);
  if (isUnread(fds)) return fds;
  const paths = new Set<string>();
  for (const fd of fds) {
    const path = known(await kernel.readLink(`/proc/${pid}/fd/${fd}`));
    if (path?.startsWith("/dev/vfio/")) paths.add(path);
  }
  const functions: Bdf[] = [];
  for (const path of paths) {
    const group = GROUP.exec(path)?.[1];
    const cdev = CDEV.exec(path)?.[1];
    if (group !== undefined) {
      const members = known(await kernel.list(`/sys/kernel/iommu_groups/${group}/devices`)) ?? [];
      functions.push(...members.flatMap((name) => parseBdf(name) ?? []));
    } else if (cdev !== undefined) {
      const device = known(await kernel.readLink(`/sys/class/vfio-dev/${cdev}/device`));
      const bdf = parseBdf(device?.split("/").at(-1) ?? "");
      if (bdf !== undefined) functions.push(bdf);
    }
  }
  return functions;
}
