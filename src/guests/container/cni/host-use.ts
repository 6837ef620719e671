import { closeSync, openSync, readFileSync, readlinkSync } from "node:fs";
import { basename } from "node:path";
import { CniError } from "./cni-error.ts";
import type { Device } from "./device.ts";
import { showLink } from "./ip-command.ts";
import { sysfsMaster } from "./sysfs-link.ts";

/**
 * That a runtime names a VF does not mean that nobody has it: allocation is somebody else's, and may be wrong. An address alone is no
 * use: on many hosts every interface that comes up is given one.
 * @throws CniError where the host itself, or a program such as a guest's QEMU, uses what is to be given
 */
export function requireUnusedByHost({ deviceId, link }: Device): void {
  if (link !== null) requireUnusedLink(link.name);
  else if (deviceId !== null) requireUnopened(deviceId);
}

function requireUnusedLink(name: string): void {
  const shown = sysfsMaster(name);
  const master = shown === undefined ? showLink("link", name).link?.master : shown;
  const found = master
    ? `a port of ${master}`
    : carriesDefaultRoute(name)
      ? "the way of the host's default route"
      : null;
  if (found === null) return;
  throw new CniError("tryAgainLater", `${name} is in use by the host: it is ${found}`, "end that use first");
}

/** Of this process's own namespace, IPv4 and IPv6 (proc_pid_net(5)). */
function carriesDefaultRoute(name: string): boolean {
  const rows = (file: string) => linesOf(file).map((line) => line.trim().split(/\s+/));
  const v4 = rows("/proc/self/net/route").some(
    ([device, destination, , , , , , mask]) => device === name && destination === ZERO && mask === ZERO,
  );
  return (
    v4 ||
    rows("/proc/self/net/ipv6_route").some((row) => row[0] === ZERO.repeat(4) && row[1] === "00" && row.at(-1) === name)
  );
}

const ZERO = "00000000";

function linesOf(file: string): readonly string[] {
  try {
    return readFileSync(file, "utf8").split("\n");
  } catch {
    // A kernel without IPv6 has no such file.
    return [];
  }
}

function requireUnopened(deviceId: string): void {
  let group: string;
  try {
    group = basename(readlinkSync(`/sys/bus/pci/devices/${deviceId}/iommu_group`));
  } catch {
    return;
  }
  if (!isOpen(`/dev/vfio/${group}`)) return;
  const why = `/dev/vfio/${group} is open in another program, such as a guest's QEMU`;
  throw new CniError("tryAgainLater", `${deviceId} is in use`, why);
}

/** VFIO lets one program open a group (`vfio_group_fops_open`); one that has the device by iommufd counts, too. */
function isOpen(group: string): boolean {
  try {
    closeSync(openSync(group, "r+"));
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EBUSY";
  }
}
