import { isUnread, type Kernel, known, type Observed } from "../kernel/port.ts";
import { isAbsent, readText, sysfsPath } from "./observe.ts";
import type { PfAddress } from "./pf-address.ts";

/** What the drivers made of a function: its network, NVMe, RDMA and other devices, by name. */
export interface FunctionDevices {
  readonly net: Observed<readonly string[]>;
  readonly nvme: Observed<readonly string[]>;
  readonly rdma: Observed<readonly string[]>;
  readonly drm: Observed<readonly string[]>;
}

/** The base class; after it come the subclass and the programming interface. */
const NETWORK_CLASS = 0x02;
const RTF_UP = 0x0001;
const RTF_REJECT = 0x0200;
/** Deep enough for a VLAN on a bridge on a bond; a chain of uppers that is longer is none that Linux builds. */
const MAX_UPPER_DEPTH = 8;

/** @param classCode all three bytes */
export function isNetworkClass(classCode: number): boolean {
  return classCode >>> 16 === NETWORK_CLASS;
}

export async function readDevices(kernel: Kernel, bdf: PfAddress): Promise<FunctionDevices> {
  return {
    net: await readNetDevices(kernel, bdf),
    nvme: await readClassDevices(kernel, sysfsPath(bdf, "nvme")),
    rdma: await readClassDevices(kernel, sysfsPath(bdf, "infiniband")),
    drm: await readClassDevices(kernel, sysfsPath(bdf, "drm")),
  };
}

async function readNetDevices(kernel: Kernel, bdf: PfAddress): Promise<Observed<readonly string[]>> {
  const names = await readClassDevices(kernel, sysfsPath(bdf, "net"));
  if (isUnread(names) || names.length > 0) return names;
  // A virtio function's netdev hangs below its virtio device.
  const children = known(await kernel.list(sysfsPath(bdf))) ?? [];
  const virtio = children.find((name) => /^virtio\d+$/.test(name));
  return virtio ? readClassDevices(kernel, sysfsPath(bdf, `${virtio}/net`)) : names;
}

/** An absent folder means that no driver made such a device, where the source holds all there is. */
async function readClassDevices(kernel: Kernel, path: string): Promise<Observed<readonly string[]>> {
  const names = await kernel.list(path);
  return kernel.source.complete && isAbsent(names) ? [] : names;
}

/** Interfaces that hold an IPv4 or IPv6 default route. */
export async function readDefaultRoutes(kernel: Kernel): Promise<Observed<readonly string[]>> {
  const ipv4 = await readText(kernel, "/proc/net/route");
  const ipv6 = await readText(kernel, "/proc/net/ipv6_route");
  if (isUnread(ipv4)) return ipv4;
  // A kernel without IPv6 has no such file.
  if (isUnread(ipv6) && !(kernel.source.complete && isAbsent(ipv6))) return ipv6;
  return [...new Set([...ipv4DefaultInterfaces(ipv4), ...ipv6DefaultInterfaces(isUnread(ipv6) ? "" : ipv6)])];
}

/** /proc/net/route: Iface Destination Gateway Flags RefCnt Use Metric Mask ... (Linux `fib_route_seq_show`). */
function ipv4DefaultInterfaces(text: string): string[] {
  return text.split("\n").flatMap((line) => {
    const [name, destination, , flags, , , , mask] = line.trim().split(/\s+/);
    const isDefault = destination === "00000000" && mask === "00000000";
    return name && isDefault && usable(flags) ? [name] : [];
  });
}

/** /proc/net/ipv6_route: destination prefix source prefix next-hop metric refcnt use flags device (`rt6_info_route`). */
function ipv6DefaultInterfaces(text: string): string[] {
  return text.split("\n").flatMap((line) => {
    const fields = line.trim().split(/\s+/);
    const name = fields[9];
    const isDefault = fields[0] === "0".repeat(32) && fields[1] === "00";
    return name && name !== "lo" && isDefault && usable(fields[8]) ? [name] : [];
  });
}

function usable(flags: string | undefined): boolean {
  const value = Number.parseInt(flags ?? "", 16);
  return (value & RTF_UP) !== 0 && (value & RTF_REJECT) === 0;
}

/**
 * A network interface and all that are stacked on it: bonds, bridges, VLANs (`master` and `upper_*` links), nearest
 * first.
 */
export async function readUppers(kernel: Kernel, name: string): Promise<readonly string[]> {
  const found = [name];
  let level = [name];
  for (let depth = 0; depth < MAX_UPPER_DEPTH && level.length > 0; depth++) {
    const next: string[] = [];
    for (const lower of level) {
      const entries = known(await kernel.list(`/sys/class/net/${lower}`)) ?? [];
      for (const entry of entries) {
        const upper = /^upper_(.+)$/.exec(entry)?.[1];
        if (upper && !found.includes(upper)) {
          found.push(upper);
          next.push(upper);
        }
      }
    }
    level = next;
  }
  return found;
}

/** Of what stands for a VF, a PF or a subfunction in switchdev mode (`devlink_compat_phys_port_name_get`): `pf0vf3`, `c1pf0`. */
const REPRESENTOR = /^(?:c\d+)?pf\d+(?:(?:vf|sf)\d+)?$/;

/** Whether an interface stands for a function, as against being its own. */
export async function isRepresentor(kernel: Kernel, netdev: string): Promise<boolean> {
  // Most drivers have no such name, and answer EOPNOTSUPP.
  const port = await readText(kernel, `/sys/class/net/${netdev}/phys_port_name`);
  return !isUnread(port) && REPRESENTOR.test(port);
}
