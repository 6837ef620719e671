import { VfleetError } from "../errors/vfleet-error.ts";
import { isUnread, type Kernel, known, type Observed, unread } from "../kernel/port.ts";
import { configSpaceOf } from "../kernel/port-config.ts";
import { type Bdf, compareBdf, parseBdf } from "../pci/bdf.ts";
import { ConfigSpace, PCI_CFG_SPACE_EXP_SIZE, PCI_CFG_SPACE_SIZE } from "../pci/config-space.ts";
import { type DecodedFunction, decodeFunction } from "../pci/decode.ts";
import { type SriovValues, sriovOf, vfIds } from "../pci/sriov-state.ts";
import { buildTopology, type TopologyNode, type VfLinks } from "../pci/topology.ts";
import { atOnce, READS_AT_ONCE } from "./at-once.ts";
import { isAbsent, readLinkName, readNumber, readText, sysfsPath } from "./observe.ts";

/** One host as its kernel shows it. */
export interface Inventory {
  readonly kernel: Kernel;
  /** All PCI functions by address, in order. */
  readonly functions: ReadonlyMap<Bdf, HostFunction>;
}

/** One PCI function of a host. */
export interface HostFunction {
  readonly bdf: Bdf;
  readonly decoded: DecodedFunction;
  readonly node: TopologyNode;
  /** Whether the configuration space could be read at all. */
  readonly config: Observed<true>;
  /** Of a VF, whose own registers read FFFFh, the PF's Vendor ID and VF Device ID. */
  readonly vendorId: Observed<number>;
  readonly deviceId: Observed<number>;
  /** The bound driver's name, null where there is none. */
  readonly driver: Observed<string | null>;
  /** Null where the IOMMU does not cover the function. */
  readonly iommuGroup: Observed<number | null>;
  /** Null where the kernel knows of no node. */
  readonly numaNode: Observed<number | null>;
  /** PFs only. */
  readonly sriov: PfSriov | undefined;
}

/** What a PF can do, from its registers or, where they could not be read, from sysfs. */
interface PfSriov {
  /** The registers; undefined where configuration space was not readable that far. */
  readonly registers: SriovValues | undefined;
  /** TotalVFs of the capability. */
  readonly totalVfs: Observed<number>;
  /** `sriov_totalvfs`: TotalVFs, or less where the driver lowered it. */
  readonly driverLimit: Observed<number>;
  /** VFs that are enabled. */
  readonly numVfs: Observed<number>;
  readonly firstVfOffset: Observed<number>;
  readonly vfStride: Observed<number>;
}

const DEVICES = "/sys/bus/pci/devices";

/** What a look over all functions needs of a VF: its header and standard capabilities. */
const VF_CONFIG_BYTES = PCI_CFG_SPACE_SIZE;

/**
 * Reads all PCI functions of a host. Whatever could not be read is unread in place; only a host without a list of devices
 * throws (VFL-0012). Reading registers is slow (a millisecond a function), so of VFs, of which there may be thousands, the
 * extended configuration space is left out; {@link readAnew} brings it.
 */
export async function readInventory(kernel: Kernel): Promise<Inventory> {
  const names = await kernel.list(DEVICES);
  if (isUnread(names)) {
    throw new VfleetError("VFL-0012", {
      message: `${kernel.source.name}: no PCI devices can be listed: ${names.reason}`,
      details: { path: DEVICES, errno: names.errno },
    });
  }
  const addresses = names.flatMap((name) => parseBdf(name) ?? []).sort(compareBdf);
  const links = await readVfLinks(kernel, addresses);
  const registers = await atOnce(addresses, READS_AT_ONCE, (bdf) =>
    readRegisters(kernel, bdf, links?.has(bdf) ? VF_CONFIG_BYTES : PCI_CFG_SPACE_EXP_SIZE),
  );
  const configs = new Map(registers.map(({ config, decoded }) => [decoded.bdf, config]));
  const nodes = buildTopology(
    registers.map(({ decoded }) => decoded),
    links,
  );
  const functions = await atOnce([...nodes.values()], READS_AT_ONCE, (node) => {
    const config = configs.get(node.bdf) ?? unread(sysfsPath(node.bdf, "config"), "ENOENT");
    return readFunction(kernel, node, node.vf && nodes.get(node.vf.physfn), config);
  });
  return { kernel, functions: new Map(functions.map((each) => [each.bdf, each])) };
}

/** The function at an address that a user gave; throws VFL-0013 where the host has none. */
export function functionAt(inventory: Inventory, bdf: Bdf): HostFunction {
  const found = inventory.functions.get(bdf);
  if (found) return found;
  throw new VfleetError("VFL-0013", {
    message: `${inventory.kernel.source.name} has no function ${bdf}`,
    details: { bdf },
  });
}

/** One function as it is now, in the place that it had, with its whole configuration space, which of VFs is not read at first. */
export async function readAnew({ kernel, functions }: Inventory, { bdf, node }: HostFunction): Promise<HostFunction> {
  const { config, decoded } = await readRegisters(kernel, bdf, PCI_CFG_SPACE_EXP_SIZE);
  const pf = node.vf && functions.get(node.vf.physfn)?.node;
  return readFunction(kernel, { ...node, decoded }, pf, config);
}

async function readRegisters(
  kernel: Kernel,
  bdf: Bdf,
  limit: number,
): Promise<Pick<HostFunction, "config" | "decoded">> {
  const config = await configSpaceOf(kernel, bdf, limit);
  if (isUnread(config)) return { config, decoded: decodeFunction(bdf, new ConfigSpace(new Uint8Array(0))) };
  return { config: true, decoded: decodeFunction(bdf, config) };
}

/** The PF at an address that a user gave; throws VFL-0013, and VFL-0014 of a function that is none. */
export function pfAt(inventory: Inventory, bdf: Bdf): HostFunction {
  const fn = functionAt(inventory, bdf);
  if (fn.sriov) return fn;
  const { vf } = fn.node;
  throw new VfleetError("VFL-0014", {
    message: vf
      ? `${fn.bdf} is a VF, of the PF ${vf.physfn}`
      : `${fn.bdf} on ${inventory.kernel.source.name} has no SR-IOV capability that can be read`,
    ...(vf ? { remedy: `ask for its PF: vfleet preflight ${vf.physfn}` } : {}),
    details: { bdf: fn.bdf },
  });
}

/** All PFs: functions with an SR-IOV capability that offers VFs, in order. */
export function physicalFunctions(inventory: Inventory): HostFunction[] {
  return [...inventory.functions.values()].filter(({ sriov }) => sriov !== undefined);
}

/** The `physfn` and `virtfnN` links; undefined where the source holds none, so that registers must tell. */
async function readVfLinks(kernel: Kernel, addresses: readonly Bdf[]): Promise<VfLinks | undefined> {
  const targetOf = async (bdf: Bdf, link: string) => {
    const target = await readLinkName(kernel, sysfsPath(bdf, link));
    return isUnread(target) ? undefined : parseBdf(target);
  };
  const physfns = new Set(await atOnce(addresses, READS_AT_ONCE, (bdf) => targetOf(bdf, "physfn")));
  const links = new Map<Bdf, { physfn: Bdf; index: number }>();
  for (const physfn of physfns) {
    const entries = physfn === undefined ? [] : await kernel.list(sysfsPath(physfn));
    if (physfn === undefined || isUnread(entries)) continue;
    const names = entries.filter((entry) => /^virtfn\d+$/.test(entry));
    const vfs = await atOnce(names, READS_AT_ONCE, (name) => targetOf(physfn, name));
    vfs.forEach((vf, place) => {
      const index = Number(names[place]?.slice("virtfn".length));
      if (vf && vf !== physfn) links.set(vf, { physfn, index });
    });
  }
  return links.size > 0 || kernel.source.complete ? links : undefined;
}

async function readFunction(
  kernel: Kernel,
  node: TopologyNode,
  pf: TopologyNode | undefined,
  config: Observed<true>,
): Promise<HostFunction> {
  const { bdf, decoded } = node;
  const ids = pf ? vfIds(pf.decoded) : decoded;
  const [vendorId, deviceId, driver, iommuGroup, numaNode, sriov] = await Promise.all([
    idOf(kernel, bdf, "vendor", ids.vendorId),
    idOf(kernel, bdf, "device", ids.deviceId),
    readLinkName(kernel, sysfsPath(bdf, "driver")),
    readGroup(kernel, bdf),
    readNumaNode(kernel, bdf),
    node.vf ? undefined : readSriov(kernel, decoded),
  ]);
  return {
    ...{ bdf, decoded, node, config, vendorId, deviceId, iommuGroup, numaNode, sriov },
    driver: nullIfAbsent(kernel, driver),
  };
}

/** Linux keeps the IDs that it took a function for, a VF's among them; else the registers tell. */
async function idOf(kernel: Kernel, bdf: Bdf, attribute: string, register: number | null): Promise<Observed<number>> {
  const value = await readNumber(kernel, sysfsPath(bdf, attribute));
  return isUnread(value) && register !== null ? register : value;
}

/** On a host whose every fact is before us, what is absent is not there. */
function nullIfAbsent<T>(kernel: Kernel, value: Observed<T>): Observed<T | null> {
  return kernel.source.complete && isAbsent(value) ? null : value;
}

async function readGroup(kernel: Kernel, bdf: Bdf): Promise<Observed<number | null>> {
  const path = sysfsPath(bdf, "iommu_group");
  const name = nullIfAbsent(kernel, await readLinkName(kernel, path));
  if (name === null || isUnread(name)) return name;
  return /^\d+$/.test(name)
    ? Number(name)
    : unread(path, "EINVAL", `it points to ${JSON.stringify(name)}, which is no group`);
}

async function readNumaNode(kernel: Kernel, bdf: Bdf): Promise<Observed<number | null>> {
  const value = await readNumber(kernel, sysfsPath(bdf, "numa_node"));
  // NUMA_NO_NODE: one node, or firmware that does not say.
  return value === -1 ? null : value;
}

async function readSriov(kernel: Kernel, decoded: DecodedFunction): Promise<PfSriov | undefined> {
  const { bdf } = decoded;
  const registers = sriovOf(decoded);
  const driverLimit = await readNumber(kernel, sysfsPath(bdf, "sriov_totalvfs"));
  if (!registers && isUnread(driverLimit)) return undefined;
  if (registers) {
    const { totalVfs, vfEnable, numVfs, firstVfOffset, vfStride } = registers;
    const enabled = vfEnable === null || numVfs === null ? null : vfEnable ? numVfs : 0;
    return {
      registers,
      totalVfs: orUnread(bdf, totalVfs),
      driverLimit,
      // The register, not `sriov_numvfs`: its read waits for the device lock, which a numvfs write may hold for a minute.
      numVfs: enabled === null ? await readNumber(kernel, sysfsPath(bdf, "sriov_numvfs")) : enabled,
      firstVfOffset: orUnread(bdf, firstVfOffset),
      vfStride: orUnread(bdf, vfStride),
    };
  }
  return {
    registers,
    totalVfs: unread(sysfsPath(bdf, "config"), "EACCES", "the SR-IOV capability was not readable; run as root"),
    driverLimit,
    numVfs: await readNumber(kernel, sysfsPath(bdf, "sriov_numvfs")),
    firstVfOffset: await readNumber(kernel, sysfsPath(bdf, "sriov_offset")),
    vfStride: await readNumber(kernel, sysfsPath(bdf, "sriov_stride")),
  };
}

function orUnread(bdf: Bdf, value: number | null): Observed<number> {
  return value === null ? unread(sysfsPath(bdf, "config"), "ENODATA", "the SR-IOV capability was read in part") : value;
}

/** How many VFs a PF offers: what its driver allows, else what its hardware has; undefined where neither is known. */
export function offeredVfs({ sriov }: HostFunction): number | undefined {
  return sriov && (known(sriov.driverLimit) ?? known(sriov.totalVfs));
}

/** How many VFs a PF has; 0 also where that is not known. */
export function presentVfs({ sriov }: HostFunction): number {
  return (sriov && known(sriov.numVfs)) ?? 0;
}

/** The kernel's release, as 6.12.95-amd64. */
export async function kernelRelease(kernel: Kernel): Promise<Observed<string>> {
  const version = await readText(kernel, "/proc/version");
  if (isUnread(version)) return version;
  return /^Linux version (\S+)/.exec(version)?.[1] ?? unread("/proc/version", "EINVAL", "it names no release");
}
