import { acsEnabled, acsPath, REQ_ACS_FLAGS } from "./acs-path.ts";
import { type Bdf, busKey, compareBdf, domainOf } from "./bdf.ts";
import { dmaAliases, requesterIdsAt } from "./dma-alias.ts";
import type { IsolationModel, PciDevice } from "./isolation-model.ts";

/** Something that is not known and on which the members of a group depend. */
interface GroupDoubt {
  /** The function of which it is not known. */
  readonly bdf: Bdf;
  readonly why: string;
}

/** Functions that the IOMMU cannot tell apart, or that reach one another without it. */
export interface IommuGroup {
  /** In the order of discovery, from 0; not the kernel's number, which follows its IOMMU drivers. */
  readonly index: number;
  readonly members: readonly Bdf[];
  /** Where there are some, the members may be others: what was not read counted as not isolated. */
  readonly doubts: readonly GroupDoubt[];
}

export interface IommuGroups {
  readonly groups: readonly IommuGroup[];
  readonly groupOf: ReadonlyMap<Bdf, IommuGroup>;
}

/** Intel VMD's domains begin here on x86 (`vmd_find_free_domain`). */
const FIRST_VMD_DOMAIN = 0x10000;
const ABOVE_UNKNOWN = "the bridge above it, if there is one, is not among the functions";

/**
 * The IOMMU groups of a machine, as Linux 6.12 forms them (`pci_device_group`; {@link IsolationModel} says more) with an IOMMU that translates for every
 * function. What was not read counts as not isolated, and the group says so. O(n) for buses without DMA alias quirks.
 */
export function computeIommuGroups(model: IsolationModel): IommuGroups {
  const grouping = new Grouping(model);
  for (const device of model.devices.values()) grouping.add(device);
  return grouping.result();
}

interface Building {
  index: number;
  members: Bdf[];
  doubts: GroupDoubt[];
}

/** One run of `pci_device_group` over the devices, in order. */
class Grouping {
  readonly #model: IsolationModel;
  readonly #groups: Building[] = [];
  readonly #groupOf = new Map<Bdf, Building>();
  readonly #onBus = new Map<string, PciDevice[]>();
  /** Buses on which a function has DMA aliases; the aliases are looked for on these alone. */
  readonly #aliases = new Map<PciDevice, ReadonlySet<number>>();
  readonly #aliasedBuses = new Set<string>();
  readonly #pathOf = new Map<PciDevice, boolean | null>();
  readonly #isolated = new Map<PciDevice, boolean | null>();
  /** Of the device that is being added. */
  #doubts: GroupDoubt[] = [];

  constructor(model: IsolationModel) {
    this.#model = model;
    for (const device of model.devices.values()) {
      const key = busKey(device.bdf);
      const bus = this.#onBus.get(key);
      if (bus) bus.push(device);
      else this.#onBus.set(key, [device]);
      const aliases = dmaAliases(device);
      if (aliases?.length === 0) continue;
      this.#aliases.set(device, new Set(aliases ?? []));
      this.#aliasedBuses.add(key);
    }
  }

  add(device: PciDevice): void {
    this.#doubts = [];
    const group = this.#groupFor(device);
    group.members.push(device.bdf);
    for (const doubt of this.#doubts) {
      if (!group.doubts.some(({ bdf, why }) => bdf === doubt.bdf && why === doubt.why)) group.doubts.push(doubt);
    }
    this.#groupOf.set(device.bdf, group);
  }

  result(): IommuGroups {
    for (const { members } of this.#groups) members.sort(compareBdf);
    return { groups: this.#groups, groupOf: this.#groupOf };
  }

  /** `pci_device_group` */
  #groupFor(device: PciDevice): Building {
    if (domainOf(device.bdf) >= FIRST_VMD_DOMAIN) {
      this.#doubt(
        device,
        "behind Intel VMD a function has the group of its VMD device, and nothing here tells which it is",
      );
    }
    let at = device;
    for (let bridge = device.bridge; bridge; bridge = bridge.bridge) {
      const requesterIds = requesterIdsAt(bridge);
      if (requesterIds === "translates") break;
      if (requesterIds === "passes") continue;
      if (requesterIds === null) this.#doubt(bridge, "its PCI Express capability was not read");
      at = bridge;
      const group = this.#groupOf.get(bridge.bdf);
      if (group) return group;
    }
    if (!at.bridge && at.onRootBus === null) this.#doubt(at, ABOVE_UNKNOWN);
    for (let bridge = at.bridge; bridge; bridge = bridge.bridge) {
      if (this.#pathEnabled(bridge)) break;
      at = bridge;
      const group = this.#groupOf.get(bridge.bdf);
      if (group) return group;
    }
    const visited = new Set<number>();
    return this.#aliasGroup(at, visited) ?? this.#functionAliasGroup(at, visited) ?? this.#newGroup();
  }

  /** `get_pci_alias_group` */
  #aliasGroup(device: PciDevice, visited: Set<number>): Building | undefined {
    if (visited.has(device.devfn)) return undefined;
    visited.add(device.devfn);
    const group = this.#groupOf.get(device.bdf);
    if (group) return group;
    const key = busKey(device.bdf);
    if (!this.#aliasedBuses.has(key)) return undefined;
    for (const other of this.#onBus.get(key) ?? []) {
      if (other === device || !this.#areDmaAliases(device, other)) continue;
      const found = this.#aliasGroup(other, visited) ?? this.#functionAliasGroup(other, visited);
      if (found) return found;
    }
    return undefined;
  }

  /** `get_pci_function_alias_group` */
  #functionAliasGroup(device: PciDevice, visited: Set<number>): Building | undefined {
    if (device.multifunction === false || this.#isIsolated(device)) return undefined;
    for (const other of this.#onBus.get(busKey(device.bdf)) ?? []) {
      if (other === device || other.devfn >> 3 !== device.devfn >> 3 || this.#isIsolated(other)) continue;
      const group = this.#aliasGroup(other, visited);
      if (group) return group;
    }
    return undefined;
  }

  /** `pci_devs_are_dma_aliases` */
  #areDmaAliases(a: PciDevice, b: PciDevice): boolean {
    return this.#hasAlias(a, b.devfn) || this.#hasAlias(b, a.devfn);
  }

  #hasAlias(device: PciDevice, devfn: number): boolean {
    const aliases = this.#aliases.get(device);
    if (aliases?.size === 0) this.#doubt(device, "configuration space does not tell its DMA aliases");
    return aliases?.has(devfn) ?? false;
  }

  /** `pci_acs_enabled`, where what is not known counts as not isolated. */
  #isIsolated(device: PciDevice): boolean {
    let enabled = this.#isolated.get(device);
    if (enabled === undefined) {
      enabled = acsEnabled(this.#model, device, REQ_ACS_FLAGS).enabled;
      this.#isolated.set(device, enabled);
    }
    if (enabled === null) this.#doubt(device, acsEnabled(this.#model, device, REQ_ACS_FLAGS).why);
    return enabled === true;
  }

  /** `pci_acs_path_enabled` to the root, where what is not known counts as not isolated. */
  #pathEnabled(bridge: PciDevice): boolean {
    let enabled = this.#pathOf.get(bridge);
    if (enabled === undefined) {
      enabled = acsPath(this.#model, bridge, REQ_ACS_FLAGS).enabled;
      this.#pathOf.set(bridge, enabled);
    }
    if (enabled === null) {
      const { hops, complete } = acsPath(this.#model, bridge, REQ_ACS_FLAGS);
      for (const hop of hops) if (hop.enabled === null) this.#doubt(hop, hop.why);
      const top = hops.at(-1);
      if (!complete && top) this.#doubt(top, ABOVE_UNKNOWN);
    }
    return enabled === true;
  }

  #newGroup(): Building {
    const group: Building = { index: this.#groups.length, members: [], doubts: [] };
    this.#groups.push(group);
    return group;
  }

  #doubt({ bdf }: { readonly bdf: Bdf }, why: string): void {
    this.#doubts.push({ bdf, why });
  }
}
