import { isUnread, type Kernel, known, type Observed, unread } from "../../kernel/port.ts";
import type { ChangeableKernel } from "../../kernel/port-change.ts";
import type { DeviceUsers } from "../../kernel/port-users.ts";
import { parseVfInfo, type VfInfo } from "../../kernel/port-vf-info.ts";
import type { Bdf } from "../../pci/bdf.ts";
import { capabilityById } from "../../pci/capability-by-id.ts";
import { PCI_CAP_ID_MSIX } from "../../pci/capability-ids.ts";
import { PCI_HEADER_TYPE_BRIDGE } from "../../pci/header.ts";
import { vfIds } from "../../pci/sriov-state.ts";
import { type HostFunction, type Inventory, physicalFunctions, readInventory } from "../inventory.ts";
import { type LinkCounters, readLinkCounters } from "../link-counters.ts";
import { readDefaultRoutes, readDevices, readUppers } from "../net-devices.ts";
import { isAbsent, readDriverOverride, readNumber, readText, sysfsPath } from "../observe.ts";
import { devlinkHandle, type PfAddress } from "../pf-address.ts";
import { withCounted } from "../vf-counters.ts";
import { readBootId, readHostId, readModules, readVfioAliases, type VfioAlias, vfioVariantOf } from "./host-names.ts";
import type { GroupMember, HostState, NetdevState, PfState, VfState } from "./host-state.ts";
import { observeNetdevs } from "./observe-netdevs.ts";
import { observeNetdevsim } from "./observe-netdevsim.ts";
import { type NvmeView, observeNvme } from "./observe-nvme.ts";
import { pfIdentities } from "./pf-identity.ts";

/** How often a host is read again whose VFs came or went meanwhile. */
const TRIES = 3;

/** What is the same for all PFs of one look. */
interface Look {
  readonly kernel: Kernel | ChangeableKernel;
  readonly inventory: Inventory;
  readonly groups: ReadonlyMap<number, readonly HostFunction[]>;
  readonly users: ReadonlyMap<Bdf, DeviceUsers>;
  readonly vfioAliases: Observed<readonly VfioAlias[]>;
  readonly defaultRoutes: Observed<readonly string[]>;
  readonly linkCounters: Observed<ReadonlyMap<string, LinkCounters>>;
  /** By devlink device; undefined where devlink could not be asked. */
  readonly devlinkDevices: Observed<ReadonlySet<string>>;
}

/**
 * Reads what a plan is made from. Writes nothing. A kernel that takes no changes, as a captured host, tells neither users nor
 * devlink nor NVMe controllers: those are unread.
 * @throws VfleetError VFL-0012 where PCI devices cannot be listed
 */
export async function observeHost(kernel: Kernel | ChangeableKernel): Promise<HostState> {
  return (await observeWithInventory(kernel)).state;
}

/** As {@link observeHost}, with the registers that were read for it. */
export async function observeWithInventory(kernel: Kernel | ChangeableKernel): Promise<Observation> {
  let last = await lookOnce(kernel);
  for (let tries = 1; tries < TRIES && !last.state.pfs.every(isWhole); tries++) last = await lookOnce(kernel);
  // Somebody makes and takes VFs all the while: what was seen of them belongs to no one time.
  const pfs = last.state.pfs.map((pf) => (isWhole(pf) ? pf : inMotion(pf)));
  return { ...last, state: { ...last.state, pfs } };
}

interface Observation {
  readonly state: HostState;
  readonly inventory: Inventory;
}

/** As many VFs were found as the PF has: none came or went while it was read. */
function isWhole({ numVfs, vfs }: PfState): boolean {
  return isUnread(numVfs) || numVfs === vfs.length;
}

function inMotion(pf: PfState): PfState {
  const reason = "its VFs came or went while they were read";
  return { ...pf, numVfs: unread(sysfsPath(pf.bdf, "sriov_numvfs"), "EAGAIN", reason), vfs: [] };
}

async function lookOnce(kernel: Kernel | ChangeableKernel): Promise<Observation> {
  const inventory = await readInventory(kernel);
  const pfs = physicalFunctions(inventory);
  // Programs tell of users and devlink: they run side by side.
  const [users, vfioAliases, defaultRoutes, linkCounters, devlinkDevices] = await Promise.all([
    readUsers(kernel, pfs),
    readVfioAliases(kernel),
    readDefaultRoutes(kernel),
    readLinkCounters(kernel),
    readDevlinkDevices(kernel),
  ]);
  const groups = groupsOf(inventory);
  const look: Look = { kernel, inventory, groups, users, vfioAliases, defaultRoutes, linkCounters, devlinkDevices };
  const identities = pfIdentities(pfs);
  const states = await Promise.all(
    pfs.map(async (pf) => {
      const identity = identities.get(pf.bdf);
      if (identity === undefined) throw new RangeError(`${pf.bdf} has no identity`);
      return { ...(await observePf(look, pf)), identity };
    }),
  );
  const simulated = await observeNetdevsim(kernel, {
    readNetdevs: (pf) => observeNetdevs(kernel, pf, linkCounters),
    readSettings: (netdevs) => readSettings(kernel, netdevs, "netdevsim"),
    readEswitchMode: (pf) => readEswitchMode(look, pf),
  });
  const state: HostState = {
    hostId: await readHostId(kernel),
    bootId: await readBootId(kernel),
    modules: await readModules(kernel),
    pfs: [...states, ...simulated],
  };
  return { state, inventory };
}

async function observePf(look: Look, pf: HostFunction): Promise<Omit<PfState, "identity">> {
  const { kernel, inventory } = look;
  const { bdf, vendorId, deviceId, driver, numaNode, sriov, node } = pf;
  const devices = await readDevices(kernel, bdf);
  const netdevs = await observeNetdevs(kernel, bdf, look.linkCounters);
  const controller = first(devices.nvme);
  const nvme = await observeNvme(kernel, controller);
  const settings = await readSettings(kernel, netdevs, driver);
  const absent = unread(sysfsPath(bdf), "ENODATA", "it has no SR-IOV capability");
  const vfs = await Promise.all(
    node.vfs.flatMap((vf) => {
      const fn = inventory.functions.get(vf.bdf);
      return fn === undefined ? [] : [observeVf(look, fn, vf.vf?.index ?? 0, settings, nvme)];
    }),
  );
  return {
    bdf,
    vendorId,
    deviceId,
    classCode: await readNumber(kernel, sysfsPath(bdf, "class")),
    driver,
    numaNode,
    netdevs,
    nvmeController: controller,
    totalVfs: sriov?.totalVfs ?? absent,
    driverLimit: sriov?.driverLimit ?? absent,
    numVfs: sriov?.numVfs ?? absent,
    driversAutoprobe: mapped(
      await readNumber(kernel, sysfsPath(bdf, "sriov_drivers_autoprobe")),
      (value) => value !== 0,
    ),
    vfTotalMsix: nullIfAbsent(kernel, await readNumber(kernel, sysfsPath(bdf, "sriov_vf_total_msix"))),
    eswitchMode: await readEswitchMode(look, bdf),
    nvme: nvme.primary,
    vfioVariant: await readVariant(look, pf),
    carriesDefaultRoute: await readCarriesDefaultRoute(look, netdevs),
    users: usersOf(look, bdf),
    vfs,
  };
}

async function observeVf(
  look: Look,
  fn: HostFunction,
  vfIndex: number,
  settings: Observed<readonly VfInfo[] | null>,
  nvme: NvmeView,
): Promise<VfState> {
  const { kernel } = look;
  const { bdf, driver, iommuGroup } = fn;
  const [override, netdevs, methods] = await Promise.all([
    readDriverOverride(kernel, bdf),
    observeNetdevs(kernel, bdf, look.linkCounters),
    readText(kernel, sysfsPath(bdf, "reset_method")),
  ]);
  return {
    vfIndex,
    bdf,
    driver,
    driverOverride: override,
    netdevs,
    iommuGroup,
    groupOthers: othersOf(look, fn),
    settings: mapped(settings, (list) => list?.find((each) => each.vfIndex === vfIndex) ?? null),
    msixCount: msixCountOf(fn),
    nvme: mapped(nvme.secondaries, (list) => {
      const secondary = list?.find(({ vfNumber }) => vfNumber === vfIndex + 1);
      if (secondary === undefined) return null;
      const { controllerId, online, vq, vi } = secondary;
      return { controllerId, online, vq, vi };
    }),
    resetMethods:
      isAbsent(methods) && kernel.source.complete ? [] : mapped(methods, (text) => text.split(" ").filter(Boolean)),
    users: usersOf(look, bdf),
  };
}

function groupsOf({ functions }: Inventory): ReadonlyMap<number, readonly HostFunction[]> {
  const groups = new Map<number, HostFunction[]>();
  for (const fn of functions.values()) {
    const group = known(fn.iommuGroup);
    if (group === undefined || group === null) continue;
    const members = groups.get(group);
    if (members) members.push(fn);
    else groups.set(group, [fn]);
  }
  return groups;
}

/** A bridge needs no VFIO driver: pcieport manages no DMA of its own (`driver_managed_dma`). */
function othersOf({ groups }: Look, { bdf, iommuGroup }: HostFunction): Observed<readonly GroupMember[]> {
  if (isUnread(iommuGroup)) return iommuGroup;
  const members = iommuGroup === null ? [] : (groups.get(iommuGroup) ?? []);
  return members
    .filter((fn) => fn.bdf !== bdf && fn.decoded.headerType !== PCI_HEADER_TYPE_BRIDGE)
    .map((fn) => ({ bdf: fn.bdf, driver: fn.driver }));
}

async function readUsers(
  kernel: Kernel | ChangeableKernel,
  pfs: readonly HostFunction[],
): Promise<ReadonlyMap<Bdf, DeviceUsers>> {
  if (!("usersOf" in kernel)) return new Map();
  return kernel.usersOf(pfs.flatMap(({ bdf, node }) => [bdf, ...node.vfs.map((vf) => vf.bdf)]));
}

/** One that nobody was asked about is not known to be free. */
function usersOf({ users }: Look, bdf: Bdf): DeviceUsers {
  const reason = "the source does not tell who uses its devices";
  return users.get(bdf) ?? { users: [], idle: [], notLookedAt: [{ way: "openFiles", errno: "ENODATA", reason }] };
}

/** Of all VFs at once, by the PF's interface; null where it has none, or its driver tells nothing of VFs. */
async function readSettings(
  kernel: Kernel,
  netdevs: Observed<readonly NetdevState[]>,
  driver: Observed<string | null>,
): Promise<Observed<readonly VfInfo[] | null>> {
  if (isUnread(netdevs)) return netdevs;
  const [netdev] = netdevs;
  if (netdev === undefined) return null;
  const json = await kernel.ipLink(netdev.name);
  if (isUnread(json)) return json;
  const path = `ip link show dev ${netdev.name}`;
  const list = parseVfInfo(json)?.map((info) => withCounted(info, driver));
  return list ?? unread(path, "EINVAL", "ip printed something else than a network interface");
}

async function readDevlinkDevices(kernel: Kernel | ChangeableKernel): Promise<Observed<ReadonlySet<string>>> {
  if (!("devlink" in kernel)) return unread("devlink", "ENODATA", "the source does not hold it");
  const devices = await kernel.devlink.devices();
  return isUnread(devices) ? devices : new Set(devices);
}

async function readEswitchMode({ kernel, devlinkDevices }: Look, pf: PfAddress): Promise<Observed<string | null>> {
  if (isUnread(devlinkDevices)) return devlinkDevices;
  const device = devlinkHandle(pf);
  if (!devlinkDevices.has(device) || !("devlink" in kernel)) return null;
  const eswitch = await kernel.devlink.eswitch(device);
  // `devlink_nl_eswitch_get_doit` of a driver that has none.
  if (isUnread(eswitch)) return eswitch.errno === "EOPNOTSUPP" ? null : eswitch;
  return eswitch.mode;
}

async function readVariant(
  { vfioAliases, kernel }: Look,
  { bdf, decoded, vendorId }: HostFunction,
): Promise<Observed<string | null>> {
  if (isUnread(vfioAliases)) return vfioAliases;
  const deviceId = vfIds(decoded).deviceId ?? known(await readNumber(kernel, sysfsPath(bdf, "sriov_vf_device")));
  const classCode = await readNumber(kernel, sysfsPath(bdf, "class"));
  if (isUnread(vendorId)) return vendorId;
  if (isUnread(classCode)) return classCode;
  if (deviceId === undefined)
    return unread(sysfsPath(bdf, "sriov_vf_device"), "ENODATA", "the VF Device ID was not read");
  return vfioVariantOf(vfioAliases, { vendorId, deviceId, classCode });
}

async function readCarriesDefaultRoute(
  { kernel, defaultRoutes }: Look,
  netdevs: Observed<readonly NetdevState[]>,
): Promise<Observed<boolean>> {
  if (isUnread(netdevs)) return netdevs;
  if (netdevs.length === 0) return false;
  if (isUnread(defaultRoutes)) return defaultRoutes;
  for (const { name } of netdevs) {
    for (const stacked of await readUppers(kernel, name)) if (defaultRoutes.includes(stacked)) return true;
  }
  return false;
}

/** Of a VF's own capability (PCIe 6.0 §7.7.2); null where it has none. */
function msixCountOf({ bdf, decoded, config }: HostFunction): Observed<number | null> {
  if (isUnread(config)) return config;
  const capability = capabilityById(decoded, PCI_CAP_ID_MSIX);
  if (capability !== undefined) {
    const size = capability.values.tableSize;
    return typeof size === "number" ? size : unread(sysfsPath(bdf, "config"), "ENODATA", "MSI-X was read in part");
  }
  // Without root, the kernel gives the header alone.
  const whole = decoded.space.u8(0xff) !== null;
  return whole ? null : unread(sysfsPath(bdf, "config"), "EACCES", "capabilities were not readable; run as root");
}

function first(names: Observed<readonly string[]>): Observed<string | null> {
  return isUnread(names) ? names : (names[0] ?? null);
}

function mapped<T, U>(value: Observed<T>, map: (value: T) => U): Observed<U> {
  return isUnread(value) ? value : map(value);
}

function nullIfAbsent<T>({ source }: Kernel, value: Observed<T>): Observed<T | null> {
  return source.complete && isAbsent(value) ? null : value;
}
