import { isUnread, type Kernel, known, type Observed, unread } from "../../kernel/port.ts";
import { type Bdf, hex } from "../../pci/bdf.ts";
import { capabilityById } from "../../pci/capability-by-id.ts";
import { PCI_CAP_ID_EXP } from "../../pci/capability-ids.ts";
import { PCI_EXP_TYPE_RC_END } from "../../pci/device-port-type.ts";
import { bridgesAbove, type TopologyNode } from "../../pci/topology.ts";
import type { HostFunction, Inventory } from "../inventory.ts";
import { type IommuState, readIommuState } from "../iommu-state.ts";
import { type FunctionDevices, readDefaultRoutes, readDevices, readUppers } from "../net-devices.ts";
import { readNumber, readText, sysfsPath } from "../observe.ts";
import { type Resource, readResources, readVfBarResources } from "../resources.ts";

/** What VFs are wanted for: passed to a guest by VFIO, or used by this host's network or NVMe driver. */
export type VfUse = "vfio" | "netdev" | "nvme";

/** All that preflight's checks look at, read once; the checks themselves read nothing. */
export interface PreflightFacts {
  readonly inventory: Inventory;
  readonly pf: HostFunction;
  readonly use: VfUse | undefined;
  /** Bridges above the PF, the nearest first. */
  readonly bridges: readonly TopologyNode[];
  /** The address space of each VF BAR for all VFs, where the kernel assigned some. */
  readonly vfBarResources: Observed<readonly Resource[]>;
  /** Resources of VF 0, where there is one: they show the size of a VF's BARs. */
  readonly vf0Resources: Observed<readonly Resource[]> | undefined;
  readonly devices: FunctionDevices;
  /** For each of the PF's interfaces, it and what is stacked on it. */
  readonly stacked: readonly string[];
  readonly pfInterfacesUp: Observed<boolean>;
  readonly defaultRoutes: Observed<readonly string[]>;
  readonly iommu: IommuState;
  readonly commandLine: Observed<string>;
  readonly vfTotalMsix: Observed<number>;
  /** Of a PF on virtio-pci. */
  readonly virtio: Observed<VirtioState>;
  readonly driversAutoprobe: Observed<number>;
  readonly modules: Observed<ReadonlySet<string>>;
  /** vfio_pci's enable_sriov and vfio_iommu_type1's allow_unsafe_interrupts. */
  readonly enableSriov: Observed<boolean>;
  readonly allowUnsafeInterrupts: Observed<boolean>;
  /** Kernel log lines that name this PF, and those on root buses. */
  readonly log: Observed<readonly string[]>;
}

/** The virtio device that virtio-pci made of a PF. */
interface VirtioState {
  /** Its folder. */
  readonly path: string;
  readonly status: string;
  /** VIRTIO_CONFIG_S_DRIVER_OK: a driver has it, and is ready. */
  readonly driverOk: boolean;
  /** VIRTIO_F_SR_IOV is among the features that device and driver agreed on. */
  readonly takesVfs: boolean;
}

/** Virtio 1.3 §2.1 and §6. */
const VIRTIO_CONFIG_S_DRIVER_OK = 4;
const VIRTIO_F_SR_IOV = 37;

/** Facts of the host as a whole, which are the same for each of its PFs. */
export interface HostFacts {
  readonly iommu: IommuState;
  readonly commandLine: Observed<string>;
  readonly modules: Observed<ReadonlySet<string>>;
  readonly enableSriov: Observed<boolean>;
  readonly allowUnsafeInterrupts: Observed<boolean>;
  readonly defaultRoutes: Observed<readonly string[]>;
  readonly log: Observed<readonly string[]>;
}

export async function readHostFacts(kernel: Kernel): Promise<HostFacts> {
  return {
    iommu: await readIommuState(kernel),
    commandLine: await readText(kernel, "/proc/cmdline"),
    modules: await readModules(kernel),
    enableSriov: await readSwitch(kernel, "/sys/module/vfio_pci/parameters/enable_sriov"),
    allowUnsafeInterrupts: await readSwitch(kernel, "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts"),
    defaultRoutes: await readDefaultRoutes(kernel),
    log: await kernel.log(),
  };
}

export async function readPreflightFacts(
  inventory: Inventory,
  host: HostFacts,
  pf: HostFunction,
  use: VfUse | undefined,
): Promise<PreflightFacts> {
  const { kernel } = inventory;
  const { bdf } = pf;
  const devices = await readDevices(kernel, bdf);
  const interfaces = known(devices.net) ?? [];
  const stacked: string[] = [];
  for (const name of interfaces) stacked.push(...(await readUppers(kernel, name)));
  const vf0 = pf.node.vfs[0];
  return {
    ...host,
    inventory,
    pf,
    use,
    bridges: bridgesAbove(pf.node),
    vfBarResources: await readVfBarResources(kernel, bdf),
    vf0Resources: vf0 && (await readResources(kernel, vf0.bdf)),
    devices,
    stacked: [...new Set(stacked)],
    pfInterfacesUp: isUnread(devices.net) ? devices.net : await readInterfacesUp(kernel, devices.net, bdf),
    vfTotalMsix: await readNumber(kernel, sysfsPath(bdf, "sriov_vf_total_msix")),
    virtio: await readVirtioState(kernel, bdf),
    driversAutoprobe: await readNumber(kernel, sysfsPath(bdf, "sriov_drivers_autoprobe")),
    log: isUnread(host.log) ? host.log : host.log.filter((line) => concerns(line, bdf)),
  };
}

/** Is the PF part of the root complex, and so without a link? */
export function isIntegratedEndpoint({ pf }: PreflightFacts): boolean {
  return capabilityById(pf.decoded, PCI_CAP_ID_EXP)?.values.devicePortType === PCI_EXP_TYPE_RC_END;
}

function concerns(line: string, bdf: Bdf): boolean {
  return line.includes(bdf) || line.includes("root bus resource");
}

async function readVirtioState(kernel: Kernel, bdf: Bdf): Promise<Observed<VirtioState>> {
  const names = await kernel.list(sysfsPath(bdf));
  if (isUnread(names)) return names;
  const name = names.find((entry) => /^virtio\d+$/.test(entry));
  if (name === undefined) return unread(sysfsPath(bdf), "ENOENT", "it has no virtio device");
  const path = sysfsPath(bdf, name);
  const status = await readNumber(kernel, `${path}/status`);
  const features = await readText(kernel, `${path}/features`);
  if (isUnread(status)) return status;
  if (isUnread(features)) return features;
  return {
    path,
    status: `0x${hex(status, 2)}`,
    driverOk: (status & VIRTIO_CONFIG_S_DRIVER_OK) !== 0,
    // One character for each bit, the lowest first (`features_show` of drivers/virtio/virtio.c).
    takesVfs: features[VIRTIO_F_SR_IOV] === "1",
  };
}

async function readSwitch(kernel: Kernel, path: string): Promise<Observed<boolean>> {
  const text = await readText(kernel, path);
  return isUnread(text) ? text : /^[Yy1]/.test(text);
}

/** Names as /proc/modules has them, with `_` for `-`. */
async function readModules(kernel: Kernel): Promise<Observed<ReadonlySet<string>>> {
  const text = await readText(kernel, "/proc/modules");
  return isUnread(text) ? text : new Set(text.split("\n").flatMap((line) => line.split(" ")[0] || []));
}

/** IFF_UP of any of the PF's interfaces. One that is in another network namespace is not seen here, up or not. */
async function readInterfacesUp(kernel: Kernel, names: readonly string[], bdf: Bdf): Promise<Observed<boolean>> {
  if (names.length === 0) return unread(sysfsPath(bdf, "net"), "ENOENT", "the PF has no interface in this namespace");
  let last: Observed<boolean> = false;
  for (const name of names) {
    const flags = await readNumber(kernel, `/sys/class/net/${name}/flags`);
    if (!isUnread(flags) && (flags & 1) !== 0) return true;
    last = isUnread(flags) ? flags : last;
  }
  return last;
}
