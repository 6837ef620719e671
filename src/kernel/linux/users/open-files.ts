import { readFileSync, statSync } from "node:fs";
import type { OpenDeviceFile, ProcessFact, UseGap } from "../../port-use-facts.ts";
import type { MountEntry } from "./mount-namespaces.ts";
import { hasEnded, type OpenFile } from "./scan-processes.ts";
import type { SysfsOwners } from "./sysfs-owners.ts";

/**
 * File systems that answer `stat` by themselves. Behind others (FUSE, network, overlays of such) may be a process that
 * never answers, and any user can mount one. Device files live on these.
 */
const ANSWERING = new Set(["devtmpfs", "tmpfs", "ramfs", "ext2", "ext3", "ext4", "xfs", "btrfs"]);

/**
 * Of files that may be devices, those that are: told by the device's number, which is the same whatever the file is called
 * in the process's mount namespace.
 * @param mounts of all mount namespaces, by the mount's number.
 */
export function findOpenDevices(
  prefix: string,
  files: readonly OpenFile[],
  mounts: ReadonlyMap<number, MountEntry>,
  owners: SysfsOwners,
  identify: (pid: number) => ProcessFact,
): { readonly openFiles: readonly OpenDeviceFile[]; readonly gaps: readonly UseGap[] } {
  const openFiles: OpenDeviceFile[] = [];
  const gaps: UseGap[] = [];
  const devices = new Map<string, string | undefined>();
  // QEMU closes none of its files of VFIO; who has a device by inheritance or a socket may have only that.
  const holdsNamedVfio = new Set<number>();
  const unnamedVfio = new Set<number>();

  function add({ pid, fd, target: path }: OpenFile, device: string, block = false): void {
    openFiles.push({
      process: identify(pid),
      path,
      fd,
      device,
      functions: owners.ownersOf(device),
      block: block ? device.slice(device.lastIndexOf("/") + 1) : undefined,
    });
    if (/\/vfio(?:-dev)?\/[^/]+$/.test(device)) holdsNamedVfio.add(pid);
  }

  function deviceOfNumber(link: string): string | undefined {
    if (!devices.has(link)) devices.set(link, owners.deviceOf(link));
    return devices.get(link);
  }

  function look(file: OpenFile): void {
    if (file.target.startsWith("/sys/")) {
      add(file, file.target.slice("/sys".length, file.target.lastIndexOf("/")));
      return;
    }
    const info = readFileSync(`${prefix}/proc/${file.pid}/fdinfo/${file.fd}`, "utf8");
    if (file.target.startsWith("anon_inode:")) {
      // Since Linux 6.18 (vfio_device_show_fdinfo).
      const path = /^vfio-device-syspath:\s*\/sys(\S+)$/m.exec(info)?.[1];
      if (path === undefined) unnamedVfio.add(file.pid);
      else add(file, path);
      return;
    }
    const mount = mounts.get(Number(/^mnt_id:\s*(\d+)$/m.exec(info)?.[1]));
    if (mount?.options.includes("nodev")) return;
    if (mount === undefined || !ANSWERING.has(mount.type)) {
      if (file.target.startsWith("/dev/")) gaps.push(unfollowed(file, mount));
      return;
    }
    const stats = statSync(`${prefix}/proc/${file.pid}/fd/${file.fd}`);
    if (!stats.isCharacterDevice() && !stats.isBlockDevice()) return;
    const block = stats.isBlockDevice();
    const device = deviceOfNumber(`/sys/dev/${block ? "block" : "char"}/${deviceNumber(stats.rdev)}`);
    if (device !== undefined) add(file, device, block);
  }

  for (const file of files) {
    try {
      look(file);
    } catch (error) {
      if (!hasEnded(error)) gaps.push(failed(file, error));
    }
  }
  for (const pid of unnamedVfio) if (!holdsNamedVfio.has(pid)) gaps.push(unnamed(identify(pid)));
  return { openFiles, gaps };
}

/** As glibc packs it: `gnu_dev_major` takes bits 8-19 and 44-63, `gnu_dev_minor` 0-7 and 20-43. */
export function deviceNumber(rdev: number): string {
  const packed = BigInt(rdev);
  const major = ((packed >> 8n) & 0xfffn) | ((packed >> 32n) & ~0xfffn);
  const minor = (packed & 0xffn) | ((packed >> 12n) & 0xffffff00n);
  return `${major}:${minor}`;
}

function failed({ pid, fd, target }: OpenFile, error: unknown): UseGap {
  const { code = "EIO" } = error as NodeJS.ErrnoException;
  return {
    way: "openFiles",
    errno: code,
    reason: `file ${fd} of process ${pid}, ${target}, cannot be looked at: ${code}`,
  };
}

function unfollowed({ pid, fd, target }: OpenFile, mount: MountEntry | undefined): UseGap {
  const where = mount === undefined ? "on a mount that was not seen" : `on ${mount.type}, which may not answer`;
  return {
    way: "openFiles",
    errno: "ENODATA",
    reason: `file ${fd} of process ${pid}, ${target}, is ${where}; its device is not known`,
  };
}

function unnamed({ pid, command }: ProcessFact): UseGap {
  const name = command === undefined ? "" : ` (${command})`;
  return {
    way: "openFiles",
    errno: "ENODATA",
    reason: `process ${pid}${name} has a device of VFIO open, and this kernel does not tell which`,
  };
}
