import { type Bdf, busKey, devfnOf, domainOf, formatBdf, routingIdOf } from "./bdf.ts";
import { PCI_HEADER_TYPE_BRIDGE, PCI_HEADER_TYPE_CARDBUS } from "./header.ts";
import { computeIommuGroups, type IommuGroup, type IommuGroups } from "./iommu-groups.ts";
import type { IsolationModel, PciDevice } from "./isolation-model.ts";
import { sriovOf, vfIds } from "./sriov-state.ts";
import { vfRoutingId } from "./vf-address.ts";

/** Where one VF would be. */
export interface VfGroup {
  readonly vfIndex: number;
  /** Null where its Routing ID would lie beyond bus 255. */
  readonly bdf: Bdf | null;
  /** Null without an address, and where another function has that address. */
  readonly group: IommuGroup | null;
  /** Nobody else is in its group; null where the group is in doubt. */
  readonly alone: boolean | null;
}

export interface VfGroupPrediction {
  /** The groups without any VF of the PF. */
  readonly without: IommuGroups;
  /** The groups with them; null where First VF Offset or VF Stride is not known (`why` says so). */
  readonly with: IommuGroups | null;
  readonly vfs: readonly VfGroup[];
  readonly why?: string;
}

/**
 * The IOMMU groups that VFs 0 to `numVfs` - 1 of a PF would get (Linux 6.12 `pci_iov_add_virtfn`, then
 * `pci_device_group`), with First VF Offset and VF Stride as they read now. VFs that the PF has are taken away first, as
 * the kernel wants it; those of other PFs stay. `numVfs` is bounded by TotalVFs.
 */
export function predictVfGroups(model: IsolationModel, pf: Bdf, numVfs: number): VfGroupPrediction {
  const node = model.topology.get(pf);
  const existing = new Set(node?.vfs.map(({ bdf }) => bdf));
  const bare = { ...model, devices: new Map([...model.devices].filter(([bdf]) => !existing.has(bdf))) };
  const without = computeIommuGroups(bare);
  const sriov = node && sriovOf(node.decoded);
  const physfn = bare.devices.get(pf);
  if (!node || !physfn || !sriov) return { without, with: null, vfs: [], why: `${pf} has no SR-IOV capability` };
  const { totalVfs, firstVfOffset, vfStride } = sriov;
  if (totalVfs === null || firstVfOffset === null || vfStride === null) {
    return { without, with: null, vfs: [], why: "its SR-IOV capability was not read" };
  }
  const count = Math.min(numVfs, totalVfs);
  // pci_iov_set_numvfs refuses the same with EIO (compute_max_vf_buses).
  if (count > 0 && (firstVfOffset === 0 || (count > 1 && vfStride === 0))) {
    return { without, with: null, vfs: [], why: "its First VF Offset or VF Stride reads 0" };
  }
  const bridges = bridgesByBus(bare);
  const { deviceId } = vfIds(node.decoded);
  const devices = new Map(bare.devices);
  const addresses: (Bdf | null)[] = [];
  for (let index = 0; index < count; index++) {
    const rid = vfRoutingId(routingIdOf(pf), firstVfOffset, vfStride, index);
    const bdf = rid === undefined ? null : formatBdf(domainOf(pf), rid);
    addresses.push(bdf);
    if (bdf === null || bare.devices.has(bdf)) continue;
    const bridge = bridges.get(busKey(bdf)) ?? physfn.bridge;
    devices.set(bdf, foreseenVf(physfn, bdf, bridge, deviceId));
  }
  const groups = computeIommuGroups({ ...bare, devices });
  const vfs = addresses.map((bdf, vfIndex): VfGroup => {
    const group = bdf === null || bare.devices.has(bdf) ? null : (groups.groupOf.get(bdf) ?? null);
    const alone = group === null || group.doubts.length > 0 ? null : group.members.length === 1;
    return { vfIndex, bdf, group, alone };
  });
  return { without, with: groups, vfs };
}

/** A VF that does not exist: its place, and what `pci_iov_add_virtfn` gives it from the PF. */
function foreseenVf(pf: PciDevice, bdf: Bdf, bridge: PciDevice | undefined, deviceId: number | null): PciDevice {
  return { ...pf, bdf, devfn: devfnOf(bdf), deviceId, isVf: true, multifunction: false, bridge, space: undefined };
}

/**
 * The bridge that each bus hangs from: by the bridges' secondary buses, and virtual buses by the VFs already on them
 * (`virtfn_add_bus` takes any bus of that number that is there).
 */
function bridgesByBus({ devices }: IsolationModel): Map<string, PciDevice> {
  const bridges = new Map<string, PciDevice>();
  for (const { bdf, bridge } of devices.values()) if (bridge) bridges.set(busKey(bdf), bridge);
  for (const device of devices.values()) {
    const layout = (device.space?.u8(0x0e) ?? 0) & 0x7f;
    const secondaryBus = device.space?.u8(0x19) ?? 0;
    if ((layout === PCI_HEADER_TYPE_BRIDGE || layout === PCI_HEADER_TYPE_CARDBUS) && secondaryBus !== 0) {
      bridges.set(busKey(device.bdf, secondaryBus), device);
    }
  }
  return bridges;
}
