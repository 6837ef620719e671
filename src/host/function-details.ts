import { isUnread, type Kernel, known, type Observed } from "../kernel/port.ts";
import { parseVfInfo, type VfInfo } from "../kernel/port-vf-info.ts";
import type { HostFunction, Inventory } from "./inventory.ts";
import { type FunctionDevices, readDevices, readUppers } from "./net-devices.ts";
import { isAbsent, readNumber, readText, sysfsPath } from "./observe.ts";
import { type Resource, readResources } from "./resources.ts";
import { withCounted } from "./vf-counters.ts";

/** What is read of one function only when it is asked for alone. */
export interface FunctionDetails {
  readonly devices: FunctionDevices;
  readonly netDevices: readonly NetDevice[];
  readonly groupMembers: Observed<readonly string[]>;
  /** Of a VF of a network PF; undefined for every other function. */
  readonly settings: Observed<VfInfo | null> | undefined;
  readonly resources: Observed<readonly Resource[]>;
  /** Attributes that are there, by their names in sysfs. */
  readonly attributes: ReadonlyArray<{ readonly name: string; readonly value: Observed<string> }>;
}

export interface NetDevice {
  readonly name: string;
  readonly address: Observed<string>;
  readonly operstate: Observed<string>;
  readonly mtu: Observed<number>;
  /** Null while there is no carrier. */
  readonly speedMbps: Observed<number | null>;
  /** What is stacked on it. */
  readonly uppers: readonly string[];
  /** The same in words. */
  readonly facts: readonly string[];
}

const ATTRIBUTES = [
  "driver_override",
  "reset_method",
  "power_state",
  "ari_enabled",
  "sriov_drivers_autoprobe",
  "sriov_vf_total_msix",
];

/** Reads the details of one function. */
export async function readFunctionDetails(inventory: Inventory, fn: HostFunction): Promise<FunctionDetails> {
  const { kernel } = inventory;
  const devices = await readDevices(kernel, fn.bdf);
  const netDevices: NetDevice[] = [];
  for (const name of known(devices.net) ?? []) netDevices.push(await readNetDevice(kernel, name));
  const attributes: { name: string; value: Observed<string> }[] = [];
  for (const name of ATTRIBUTES) {
    const value = await readText(kernel, sysfsPath(fn.bdf, name));
    // Not every function has every attribute; what is not there is no news.
    if (isAbsent(value) || (isUnread(value) && value.errno === "ENODATA")) continue;
    // An override that is not set reads "(null)".
    attributes.push({ name, value: value === "(null)" ? "none" : value });
  }
  return {
    devices,
    netDevices,
    groupMembers: await kernel.list(sysfsPath(fn.bdf, "iommu_group/devices")),
    settings: await readSettings(inventory, fn),
    resources: await readResources(kernel, fn.bdf),
    attributes,
  };
}

/** What the PF's interface says of this VF; null where it says nothing of it. */
async function readSettings(
  { kernel, functions }: Inventory,
  fn: HostFunction,
): Promise<Observed<VfInfo | null> | undefined> {
  const { vf } = fn.node;
  if (!vf) return undefined;
  const { net } = await readDevices(kernel, vf.physfn);
  const netdev = known(net)?.[0];
  if (netdev === undefined) return isUnread(net) ? net : undefined;
  const json = await kernel.ipLink(netdev);
  if (isUnread(json)) return json;
  const info = parseVfInfo(json)?.find(({ vfIndex }) => vfIndex === vf.index);
  return info === undefined ? null : withCounted(info, functions.get(vf.physfn)?.driver ?? null);
}

async function readNetDevice(kernel: Kernel, name: string): Promise<NetDevice> {
  const attribute = (file: string) => readText(kernel, `/sys/class/net/${name}/${file}`);
  const address = await attribute("address");
  const operstate = await attribute("operstate");
  const mtu = await readNumber(kernel, `/sys/class/net/${name}/mtu`);
  const speed = await readNumber(kernel, `/sys/class/net/${name}/speed`);
  // Without a carrier the driver gives -1 (SPEED_UNKNOWN), or the read EINVAL (`speed_show`).
  const down = isUnread(speed) ? speed.errno === "EINVAL" : speed < 0;
  const speedMbps = down ? null : speed;
  const uppers = (await readUppers(kernel, name)).slice(1);
  const facts = [
    ...(isUnread(address) ? [] : [address]),
    ...(isUnread(operstate) ? [] : [operstate]),
    ...(isUnread(mtu) ? [] : [`MTU ${mtu}`]),
    ...(speedMbps === null || isUnread(speedMbps) ? [] : [`${speedMbps} Mb/s`]),
    ...(uppers.length > 0 ? [`under ${uppers.join(", ")}`] : []),
  ];
  return { name, address, operstate, mtu, speedMbps, uppers, facts };
}
