import type { Bdf } from "../../pci/bdf.ts";
import { ConfigSpace } from "../../pci/config-space.ts";
import { decodeFunction } from "../../pci/decode.ts";
import { computeIommuGroups } from "../../pci/iommu-groups.ts";
import { type IsolationModel, isolationModel, type PciDevice } from "../../pci/isolation-model.ts";
import { buildTopology } from "../../pci/topology.ts";
import { showConfig } from "./config-attribute.ts";
import { type IommuGroups, type Linux, logOf } from "./linux.ts";
import type { KernelIommuGroup, PciDev } from "./pci-dev.ts";

const ALL_BYTES = 4096;
/** `intel_iommu_get_resv_regions` */
const MSI_REGION = "0x00000000fee00000 0x00000000feefffff msi\n";
const ISA_REGION = "0x0000000000000000 0x0000000000ffffff direct-relaxable\n";
const CLASS_ISA_BRIDGE = 0x0601;

/** Who is in which group: `pci_device_group`, as functions come and go. */
export class KernelGroups implements IommuGroups {
  readonly #byId = new Map<number, KernelIommuGroup>();
  /** No number below it is free. */
  #lowestFree = 0;
  /** Without VFs; made anew where another function has come or gone. */
  #model: IsolationModel | undefined;

  get all(): readonly KernelIommuGroup[] {
    return [...this.#byId.values()];
  }

  /** `iommu_probe_device`; while the IOMMU is not up yet nothing is done. */
  add(linux: Linux, dev: PciDev): void {
    if (!dev.isVf) this.#model = undefined;
    if (!linux.options.iommu || !linux.iommuIsUp) return;
    const group = this.#groupOf(linux, dev) ?? this.#newGroup(linux);
    group.devices.add(dev);
    dev.iommuGroup = group;
    linux.dma.addDevice(dev, group);
    if (dev.folder !== undefined) {
      dev.folder.link("iommu_group", group.folder);
      dev.folder.link("iommu", linux.sys.folders("devices/virtual/iommu/dmar0"));
      group.folder.folder("devices").link(dev.bdf, dev.folder);
      linux.sys.folders("devices/virtual/iommu/dmar0/devices").link(dev.bdf, dev.folder);
    }
    logOf(linux, dev, `Adding to iommu group ${group.id}`);
  }

  /** `iommu_release_device`: an empty group is gone, and its number free. */
  remove(linux: Linux, dev: PciDev): void {
    if (!dev.isVf) this.#model = undefined;
    const { iommuGroup: group } = dev;
    if (group === undefined) return;
    dev.iommuGroup = undefined;
    group.devices.delete(dev);
    linux.dma.removeDevice(dev, group);
    group.folder.folder("devices").removeChild(dev.bdf);
    linux.sys.folders("devices/virtual/iommu/dmar0/devices").removeChild(dev.bdf);
    if (group.devices.size > 0) return;
    group.folder.remove();
    this.#byId.delete(group.id);
    this.#lowestFree = Math.min(this.#lowestFree, group.id);
  }

  /** The group of those that it cannot be told from, where one of them has a group. */
  #groupOf(linux: Linux, dev: PciDev): KernelIommuGroup | undefined {
    this.#model ??= modelOf(linux);
    const model = dev.isVf ? withVf(this.#model, dev) : this.#model;
    const members = computeIommuGroups(model).groupOf.get(dev.bdf)?.members ?? [];
    for (const member of members) {
      const group = linux.devices.get(member)?.iommuGroup;
      if (group !== undefined) return group;
    }
    return undefined;
  }

  /** `ida_alloc`: the lowest number that is free. */
  #newGroup({ sys, options }: Linux): KernelIommuGroup {
    let id = this.#lowestFree;
    while (this.#byId.has(id)) id++;
    this.#lowestFree = id + 1;
    const folder = sys.folders("kernel/iommu_groups").folder(String(id));
    const group: KernelIommuGroup = { id, folder, devices: new Set() };
    folder.folder("devices");
    folder.file("type", { mode: 0o644, show: () => (options.passThrough ? "identity\n" : "DMA-FQ\n") });
    folder.file("reserved_regions", { mode: 0o444, show: () => reservedRegions(group) });
    this.#byId.set(id, group);
    return group;
  }
}

function reservedRegions({ devices }: KernelIommuGroup): string {
  const isa = [...devices].some(({ classCode }) => classCode >>> 8 === CLASS_ISA_BRIDGE);
  return `${isa ? ISA_REGION : ""}${MSI_REGION}`;
}

/** All functions but VFs, as src/pci knows them. ACS is as it is set: the kernel has enabled it before. */
function modelOf({ devices }: Linux): IsolationModel {
  const decoded = [...devices.values()]
    .filter(({ isVf }) => !isVf)
    .map((dev) => decodeFunction(dev.bdf, new ConfigSpace(showConfig(dev, ALL_BYTES))));
  return isolationModel(buildTopology(decoded, new Map()), { acs: "asConfigured", ivrs: false });
}

function withVf(model: IsolationModel, vf: PciDev): IsolationModel {
  const { bdf, devfn, device, physfn, bus } = vf;
  const pf = physfn && model.devices.get(physfn.bdf);
  if (pf === undefined) return model;
  const bridge = bus.self === undefined ? pf.bridge : (model.devices.get(bus.self.bdf) ?? pf.bridge);
  const own: PciDevice = {
    ...pf,
    bdf,
    devfn,
    deviceId: device,
    isVf: true,
    multifunction: false,
    bridge,
    space: undefined,
  };
  return { ...model, devices: new Map<Bdf, PciDevice>([...model.devices, [bdf, own]]) };
}
