import type { Kernel } from "../../kernel/port.ts";
import { MemoryTree } from "../../kernel/snapshot/memory-tree.ts";
import { treeKernel } from "../../kernel/snapshot/tree-kernel.ts";
import { type Bdf, bdf, domainOf, formatBdf, routingIdOf } from "../../pci/bdf.ts";
import { PCI_EXP_TYPE_ROOT_PORT } from "../../pci/device-port-type.ts";
import { type ConfigOptions, configSpace } from "../../pci/testing/config-builder.ts";
import { vfRoutingId } from "../../pci/vf-address.ts";
import { functionAt, type HostFunction, type Inventory, readInventory } from "../inventory.ts";
import { readHostFacts, readPreflightFacts, type VfUse } from "../preflight/facts.ts";
import { judge, type Preflight } from "../preflight/preflight.ts";

/** A link's Link Capabilities and Status: speeds as codes (1: 2.5 GT/s, 4: 16 GT/s), widths in lanes. */
interface TestLink {
  readonly speed: number;
  readonly width: number;
  readonly maxSpeed?: number;
  readonly maxWidth?: number;
}

/** One VF BAR; of 64 bits and prefetchable unless `type` says otherwise. */
interface TestVfBar {
  readonly index: number;
  /** 0: the kernel found no place for it. */
  readonly address: bigint;
  readonly vfSizeBytes?: bigint;
  /** The register's lowest four bits. */
  readonly type?: number;
}

export interface TestPf {
  readonly vendorId?: number;
  readonly deviceId?: number;
  readonly vfDeviceId?: number;
  readonly totalVfs?: number;
  readonly initialVfs?: number;
  /** `sriov_totalvfs`, where the driver lowered it; null where the kernel takes the function for no PF. */
  readonly driverLimit?: number | null;
  /** VFs that exist: NumVFs and VF Enable; their functions are {@link vfFunctions}. */
  readonly numVfs?: number;
  readonly firstVfOffset?: number;
  readonly vfStride?: number;
  readonly ariCapableHierarchy?: boolean;
  readonly vfMigrationCapable?: boolean;
  readonly dependencyLink?: number;
  readonly pageSizes?: number;
  readonly vfBars?: readonly TestVfBar[];
  readonly ari?: boolean;
  readonly portType?: number;
  readonly link?: TestLink | null;
  /** Null: without the capability. */
  readonly msix?: { readonly vectors: number; readonly enable: boolean } | null;
  readonly multiFunction?: boolean;
  readonly readBytes?: number;
  readonly driver?: string | null;
  /** Null: the IOMMU does not cover it. */
  readonly iommuGroup?: number | null;
  /** The PF's interfaces, and whether each is up. */
  readonly net?: Readonly<Record<string, boolean>>;
  readonly files?: Readonly<Record<string, string>>;
}

export interface TestFunction {
  readonly config: ConfigOptions;
  readonly driver?: string | null;
  /** Null: the IOMMU does not cover it. */
  readonly iommuGroup?: number | null;
  readonly net?: Readonly<Record<string, boolean>>;
  /** Attributes by their names; a value of undefined takes one of the usual ones away. */
  readonly files?: Readonly<Record<string, string | undefined>>;
  readonly links?: Readonly<Record<string, string>>;
}

export interface TestHost {
  readonly functions: Readonly<Record<string, TestFunction>>;
  /** Files of the host besides the functions' own, over the usual ones of a complete one; undefined takes one away. */
  readonly files?: Readonly<Record<string, string | undefined>>;
  readonly log?: readonly string[];
  /** False: a source like a dump, in which absence means nothing. */
  readonly complete?: boolean;
  /** False: no IOMMU is on. */
  readonly iommu?: boolean;
}

const ACS_ON = { capability: 0x1d, control: 0x1d };
const ACS_OFF = { capability: 0x1d, control: 0 };
const EXPRESS = 0x40;
const MSIX = 0x80;

/** A host with Intel's IOMMU and interrupt remapping on, VFIO loaded and its default route on another interface. */
const USUAL_FILES: Readonly<Record<string, string>> = {
  "/proc/cmdline": "BOOT_IMAGE=/vmlinuz root=/dev/sda1 intel_iommu=on quiet\n",
  "/proc/modules":
    "vfio_pci 16384 0 - Live 0x0\nigbvf 57344 0 - Live 0x0\niavf 57344 0 - Live 0x0\nigb 57344 0 - Live 0x0\n",
  "/proc/interrupts": " 24: 0 IR-PCI-MSIX-0000:01:00.0 0-edge eno1\n",
  "/proc/net/route":
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\neno9\t00000000\t0102A8C0\t0003\t0\t0\t0\t00000000\n",
  "/proc/net/ipv6_route": "",
  "/sys/module/vfio_pci/parameters/enable_sriov": "N\n",
  "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts": "N\n",
};

/** A PF: Intel's 82576 with 8 VFs at 128/2 on igb, all well, where nothing else is said. */
export function pf(address: string, options: TestPf = {}): TestFunction {
  const { totalVfs = 8, firstVfOffset = 128, vfStride = 2, numVfs = 0 } = options;
  const { driverLimit = totalVfs, driver = "igb" } = options;
  const vfBars = options.vfBars ?? usualVfBars(address, totalVfs);
  const msix = options.msix === undefined ? { vectors: 10, enable: true } : options.msix;
  const link = options.link === undefined ? { speed: 1, width: 4 } : options.link;
  const devfn = routingIdOf(bdf(address)) & 0xff;
  const extended: NonNullable<ConfigOptions["extended"]>[number][] =
    options.ari === false ? [] : [{ id: 0x0e, dwords: [0] }];
  extended.push({ id: 0x10, dwords: sriovDwords(options, vfBars, devfn) });
  return {
    config: {
      vendorId: options.vendorId ?? 0x8086,
      deviceId: options.deviceId ?? 0x10c9,
      portType: options.portType ?? 0,
      multiFunction: options.multiFunction ?? false,
      extended,
      patch: [...(link ? linkPatch(link) : []), ...(msix ? msixPatch(msix) : [])],
      ...(options.readBytes === undefined ? {} : { readBytes: options.readBytes }),
    },
    driver,
    ...(options.iommuGroup === undefined ? {} : { iommuGroup: options.iommuGroup }),
    ...(options.net ? { net: options.net } : {}),
    files: {
      ...(driverLimit === null
        ? {}
        : {
            sriov_totalvfs: `${driverLimit}\n`,
            sriov_numvfs: `${numVfs}\n`,
            sriov_offset: `${firstVfOffset}\n`,
            sriov_stride: `${vfStride}\n`,
            sriov_vf_total_msix: "0\n",
            sriov_drivers_autoprobe: "1\n",
          }),
      resource: resourceFile(vfBars, totalVfs),
      ...options.files,
    },
  };
}

/** A root port whose windows pass on all that {@link pf} uses, with ARI forwarding and ACS on. */
export function rootPort(
  secondary: number,
  options: { subordinate?: number; ari?: boolean; acs?: boolean | null; link?: TestLink; portType?: number } = {},
): TestFunction {
  const { subordinate = secondary, ari = true, acs = true, portType = PCI_EXP_TYPE_ROOT_PORT } = options;
  return {
    config: {
      vendorId: 0x8086,
      deviceId: 0x2030,
      portType,
      bridge: { secondary, subordinate },
      ...(acs === null ? {} : { acs: acs ? ACS_ON : ACS_OFF }),
      patch: [
        // Memory e0000000-efffffff, prefetchable 380000000000-38ffffffffff.
        [0x20, [0x00, 0xe0, 0xf0, 0xef, 0x01, 0x00, 0xf1, 0xff, 0x00, 0x38, 0, 0, 0xff, 0x38, 0, 0]],
        ...linkPatch(options.link ?? { speed: 1, width: 4, maxSpeed: 4, maxWidth: 16 }),
        [EXPRESS + 0x24, [ari ? 0x20 : 0]],
        [EXPRESS + 0x28, [ari ? 0x20 : 0]],
      ],
    },
    driver: "pcieport",
  };
}

/** VFs that exist, with the PF's `virtfnN` and their `physfn` links, to be put beside the PF. */
export function vfFunctions(
  address: string,
  options: TestPf & { readonly vfDriver?: string | null },
): Readonly<Record<string, TestFunction>> {
  const { numVfs = 0, firstVfOffset = 128, vfStride = 2, vfDriver = "igbvf" } = options;
  const functions: Record<string, TestFunction> = {};
  const virtfns: Record<string, string> = {};
  for (let index = 0; index < numVfs; index++) {
    const rid = vfRoutingId(routingIdOf(bdf(address)), firstVfOffset, vfStride, index);
    if (rid === undefined) continue;
    const vf = formatBdf(domainOf(bdf(address)), rid);
    virtfns[`virtfn${index}`] = `../${vf}`;
    functions[vf] = {
      config: { vendorId: 0xffff, deviceId: 0xffff, portType: 0, extended: [{ id: 0x0e, dwords: [0] }] },
      driver: vfDriver,
      links: { physfn: `../${address}` },
      files: { vendor: "0x8086\n", device: "0x10ca\n" },
    };
  }
  return { ...functions, [address]: { ...pf(address, options), links: virtfns } };
}

/** A root port 0000:00:01.0 above the PF 0000:01:00.0. */
export function hostWithPf(options: TestPf = {}, host: Partial<TestHost> = {}): TestHost {
  const address = "0000:01:00.0";
  const functions = options.numVfs ? vfFunctions(address, options) : { [address]: pf(address, options) };
  return { ...host, functions: { "0000:00:01.0": rootPort(1), ...functions, ...host.functions } };
}

/** The host as a kernel shows it. Every function is in an IOMMU group of its own, unless it names one. */
export function testKernel({ functions, files = {}, log = [], complete = true, iommu = true }: TestHost): Kernel {
  const tree = new MemoryTree();
  tree.addFolder("/sys/bus/pci/devices");
  for (const [path, content] of Object.entries({ ...(complete ? USUAL_FILES : {}), ...files })) {
    if (content !== undefined) tree.addFile(path, content);
  }
  if (complete) tree.addFolder("/sys/kernel/iommu_groups");
  if (complete) tree.addFolder("/sys/class/iommu");
  if (iommu && complete) tree.addFile("/sys/class/iommu/dmar0/uevent", "");
  for (const [index, [address, fn]] of Object.entries(functions).entries()) {
    const group = fn.iommuGroup === undefined && iommu && complete ? index : fn.iommuGroup;
    addFunction(tree, bdf(address), fn, group ?? undefined);
  }
  if (log.length > 0) tree.addFile("/kernel.log", log.join("\n"));
  return treeKernel(tree, { kind: "snapshot", name: "snapshot:test", complete });
}

/** The inventory of a host and one of its functions. */
export async function readHost(
  host: TestHost,
  address = "0000:01:00.0",
): Promise<{ inventory: Inventory; pf: HostFunction }> {
  const inventory = await readInventory(testKernel(host));
  return { inventory, pf: functionAt(inventory, bdf(address)) };
}

export async function preflightOf(
  host: TestHost,
  request: { readonly vfs?: number; readonly use?: VfUse; readonly pf?: string } = {},
): Promise<Preflight> {
  const { inventory, pf } = await readHost(host, request.pf);
  const facts = await readPreflightFacts(inventory, await readHostFacts(inventory.kernel), pf, request.use);
  return judge(facts, request.vfs);
}

function addFunction(tree: MemoryTree, address: Bdf, fn: TestFunction, group: number | undefined): void {
  const folder = `/sys/bus/pci/devices/${address}`;
  const { bytes, end } = configSpace(fn.config);
  tree.addFile(`${folder}/config`, bytes.subarray(0, end));
  for (const [name, content] of Object.entries(fn.files ?? {})) {
    if (content !== undefined) tree.addFile(`${folder}/${name}`, content);
  }
  for (const [name, target] of Object.entries(fn.links ?? {})) tree.addLink(`${folder}/${name}`, target);
  if (fn.driver) tree.addLink(`${folder}/driver`, `../../drivers/${fn.driver}`);
  for (const [name, up] of Object.entries(fn.net ?? {})) {
    const flags = up ? "0x1003\n" : "0x1002\n";
    tree.addFile(`${folder}/net/${name}/flags`, flags);
    tree.addFile(`/sys/class/net/${name}/flags`, flags);
  }
  if (group !== undefined) {
    tree.addLink(`${folder}/iommu_group`, `../../../../kernel/iommu_groups/${group}`);
    tree.addLink(`/sys/kernel/iommu_groups/${group}/devices/${address}`, `../../../../bus/pci/devices/${address}`);
  }
}

/** Two BARs of 16 KiB a VF below 380000000000h, for each address apart from others. */
function usualVfBars(address: string, totalVfs: number): TestVfBar[] {
  const start = 0x3800_0000_0000n + BigInt(routingIdOf(bdf(address))) * 0x100_0000n;
  const size = 0x4000n;
  return [
    { index: 0, address: start },
    { index: 3, address: start + size * BigInt(totalVfs) },
  ];
}

/** The SR-IOV capability after its header (PCIe 6.0 §9.3.3). */
function sriovDwords(options: TestPf, vfBars: readonly TestVfBar[], devfn: number): number[] {
  const { totalVfs = 8, initialVfs = totalVfs, numVfs = 0, firstVfOffset = 128, vfStride = 2 } = options;
  const { ariCapableHierarchy = true, dependencyLink = devfn, pageSizes = 0x553 } = options;
  const control = (numVfs > 0 ? 0x09 : 0) | (ariCapableHierarchy ? 0x10 : 0);
  const bars = new Array<number>(6).fill(0);
  for (const { index, address, type = 0xc } of vfBars) {
    bars[index] = Number((address & 0xffff_fff0n) | BigInt(type));
    if (type & 4) bars[index + 1] = Number(address >> 32n);
  }
  return [
    options.vfMigrationCapable ? 1 : 0,
    control,
    initialVfs | (totalVfs << 16),
    numVfs | (dependencyLink << 16),
    firstVfOffset | (vfStride << 16),
    (options.vfDeviceId ?? 0x10ca) << 16,
    pageSizes,
    1,
    ...bars,
    0,
  ];
}

/** Thirteen lines, as `resource_show` writes them for a PF: the VF BARs are lines 8 to 13. */
function resourceFile(vfBars: readonly TestVfBar[], totalVfs: number): string {
  const lines = Array.from({ length: 13 }, () => resourceLine(0n, 0n, 0n));
  lines[0] = resourceLine(0xe000_0000n, 0xe001_ffffn, 0x40200n);
  for (const { index, address, vfSizeBytes = 0x4000n } of vfBars) {
    if (address !== 0n)
      lines[7 + index] = resourceLine(address, address + vfSizeBytes * BigInt(totalVfs) - 1n, 0x14220cn);
  }
  return lines.join("");
}

function resourceLine(...values: readonly bigint[]): string {
  return `${values.map((value) => `0x${value.toString(16).padStart(16, "0")}`).join(" ")}\n`;
}

function linkPatch({ speed, width, maxSpeed = speed, maxWidth = width }: TestLink): [number, number[]][] {
  const capabilities = maxSpeed | (maxWidth << 4);
  const status = speed | (width << 4);
  return [
    [EXPRESS + 0x0c, [capabilities & 0xff, capabilities >>> 8]],
    [EXPRESS + 0x12, [status & 0xff, status >>> 8]],
  ];
}

function msixPatch({ vectors, enable }: { vectors: number; enable: boolean }): [number, number[]][] {
  const control = (vectors - 1) | (enable ? 0x8000 : 0);
  return [
    [EXPRESS + 1, [MSIX]],
    [MSIX, [0x11, 0, control & 0xff, control >>> 8]],
  ];
}
