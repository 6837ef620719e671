import { isUnread, type Kernel, known, type Observed, unread } from "../../kernel/port.ts";
import {
  type CaptureEntry,
  type CaptureManifest,
  ipLinkPath,
  MANIFEST_FORMAT,
  MANIFEST_NAME,
} from "../../kernel/port-capture.ts";
import { vfInfoJson } from "../../kernel/port-vf-info.ts";
import { atOnce, READS_AT_ONCE } from "../at-once.ts";
import { anonymise } from "./anonymise.ts";
import * as list from "./capture-list.ts";
import { CaptureReader } from "./capture-reader.ts";
import { withoutKernelAddresses } from "./kernel-addresses.ts";

export interface CaptureOptions {
  readonly vfleetVersion: string;
  readonly time: Date;
  /** Leave out serial numbers, addresses, host names; false when left out. */
  readonly anonymise?: boolean;
}

const DEVICES = "/sys/bus/pci/devices";
const DRIVERS = "/sys/bus/pci/drivers";
const GROUPS = "/sys/kernel/iommu_groups";

/**
 * Gathers what vfleet reads of a host, and what a person needs to understand it. Nothing on the host changes, and only
 * what capture-list.ts names is read. The entries come sorted by path; folders that hold something have no entry.
 */
export async function* gatherHost(kernel: Kernel, options: CaptureOptions): AsyncGenerator<CaptureEntry, void, void> {
  const reader = new CaptureReader(kernel);
  const drivers = await gatherFunctions(reader);
  await gatherBus(reader);
  await gatherIommu(reader);
  await gatherNetwork(reader);
  const modules = await gatherModules(reader, drivers);
  await Promise.all(list.HOST_FILES.map((path) => reader.file(path)));
  const tables = known(await kernel.list("/sys/firmware/acpi/tables")) ?? [];
  for (const name of list.ACPI_TABLES) if (tables.includes(name)) reader.presence(`/sys/firmware/acpi/tables/${name}`);
  if (!isUnread(await kernel.list("/sys/firmware/efi"))) reader.folder("/sys/firmware/efi");
  await gatherVfSettings(reader);
  await gatherLog(reader);

  const hostname = await readText(kernel, "/proc/sys/kernel/hostname");
  const domain = await readText(kernel, "/proc/sys/kernel/domainname");
  const bare = withoutKernelAddresses(reader.entries());
  const names = [hostname, domain].filter((name) => name !== undefined);
  const gathered = { entries: bare, unread: reader.unread, presenceOnly: reader.presenceOnly };
  const { entries, unread, presenceOnly } = options.anonymise ? anonymise(gathered, names) : gathered;
  const manifest: CaptureManifest = {
    format: MANIFEST_FORMAT,
    vfleetVersion: options.vfleetVersion,
    kernelRelease: /^Linux version (\S+)/.exec((await readText(kernel, "/proc/version")) ?? "")?.[1] ?? null,
    machine: (await readText(kernel, "/proc/sys/kernel/arch")) ?? null,
    time: options.time.toISOString(),
    anonymised: options.anonymise ?? false,
    complete: kernel.source.complete,
    scopes: [...list.SCOPES, ...modules].sort(),
    unread,
    presenceOnly,
  };
  const text = `${JSON.stringify(manifest, undefined, 2)}\n`;
  yield* sorted([...entries, { path: `/${MANIFEST_NAME}`, kind: "file", content: new TextEncoder().encode(text) }]);
}

/** @returns the names of the drivers that have a function. */
async function gatherFunctions(reader: CaptureReader): Promise<Set<string>> {
  const drivers = new Set<string>();
  const addresses = await reader.names(DEVICES);
  await atOnce(addresses, READS_AT_ONCE, (address) => gatherFunction(reader, `${DEVICES}/${address}`, drivers));
  return drivers;
}

async function gatherFunction(reader: CaptureReader, path: string, drivers: Set<string>): Promise<void> {
  const folder = await reader.followed(path);
  reader.folder(folder);
  const names = await reader.names(folder);
  const links = names.filter((name) => list.FUNCTION_LINKS.test(name)).map((name) => reader.link(`${folder}/${name}`));
  const virtio = names.filter((name) => /^virtio\d+$/.test(name));
  const classes = [
    ...list.CLASS_FOLDERS.filter((name) => names.includes(name)),
    ...virtio.map((name) => `${name}/net`),
  ];
  for (const name of list.FUNCTION_PRESENCE) if (names.includes(name)) reader.presence(`${folder}/${name}`);
  await Promise.all([
    ...links,
    ...list.FUNCTION_FILES.map((name) => reader.file(`${folder}/${name}`)),
    ...classes.map((name) => gatherClassFolder(reader, `${folder}/${name}`, name.slice(name.lastIndexOf("/") + 1))),
    reader.namesOnly(`${folder}/msi_irqs`),
    gatherFirmwareNode(reader, folder),
  ]);
  for (const name of virtio) {
    reader.folder(`${folder}/${name}`);
    await Promise.all(list.VIRTIO_FILES.map((file) => reader.file(`${folder}/${name}/${file}`)));
  }
  const driver = known(await reader.kernel.readLink(`${folder}/driver`));
  if (driver !== undefined) drivers.add(driver.slice(driver.lastIndexOf("/") + 1));
}

async function gatherClassFolder(reader: CaptureReader, folder: string, kind: string): Promise<void> {
  for (const name of await reader.names(folder)) {
    const device = `${folder}/${name}`;
    reader.folder(device);
    if (kind === "net") await gatherInterface(reader, device);
    if (kind === "nvme") {
      await Promise.all(list.NVME_FILES.map((file) => reader.file(`${device}/${file}`)));
      const inside = await reader.names(device);
      for (const namespace of inside.filter((entry) => list.NVME_NAMESPACE.test(entry))) {
        reader.folder(`${device}/${namespace}`);
      }
    }
  }
}

async function gatherFirmwareNode(reader: CaptureReader, folder: string): Promise<void> {
  const node = await reader.followed(`${folder}/firmware_node`);
  if (node !== `${folder}/firmware_node`) await reader.file(`${node}/path`);
}

async function gatherInterface(reader: CaptureReader, folder: string): Promise<void> {
  if (reader.has(`${folder}/address`)) return;
  const names = await reader.names(folder);
  await Promise.all([
    ...list.NET_FILES.map((name) => reader.file(`${folder}/${name}`)),
    ...names.filter((name) => list.NET_LINKS.test(name)).map((name) => reader.link(`${folder}/${name}`)),
    ...list.NET_NAME_FOLDERS.map((name) => reader.namesOnly(`${folder}/${name}`)),
  ]);
}

/** Slots, and drivers with the devices that each has. */
async function gatherBus(reader: CaptureReader): Promise<void> {
  for (const slot of await reader.names("/sys/bus/pci/slots")) {
    await reader.file(`/sys/bus/pci/slots/${slot}/address`);
  }
  for (const driver of await reader.names(DRIVERS)) {
    const folder = `${DRIVERS}/${driver}`;
    reader.folder(folder);
    const devices = (await reader.names(folder)).filter((name) => /^[0-9a-f]{4,8}:[0-9a-f]{2}:/.test(name));
    await Promise.all([...devices, "module"].map((name) => reader.link(`${folder}/${name}`)));
  }
}

async function gatherIommu(reader: CaptureReader): Promise<void> {
  reader.folderIf(GROUPS, await reader.kernel.list(GROUPS));
  await atOnce(await reader.names(GROUPS), READS_AT_ONCE, async (group) => {
    const folder = `${GROUPS}/${group}`;
    const devices = await reader.names(`${folder}/devices`);
    reader.folder(folder);
    await Promise.all([
      ...list.IOMMU_GROUP_FILES.map((name) => reader.file(`${folder}/${name}`)),
      ...devices.map((name) => reader.link(`${folder}/devices/${name}`)),
    ]);
  });
  const units = "/sys/class/iommu";
  reader.folderIf(units, await reader.kernel.list(units));
  for (const unit of await reader.names(units)) {
    const folder = await reader.followed(`${units}/${unit}`);
    reader.folder(folder);
    const devices = await reader.names(`${folder}/devices`);
    await Promise.all([
      ...list.IOMMU_UNIT_FILES.map((name) => reader.file(`${folder}/${name}`)),
      ...devices.map((name) => reader.link(`${folder}/devices/${name}`)),
    ]);
  }
}

/** All interfaces: those that are no PCI function's are stacked on one that is, or carry a route. */
async function gatherNetwork(reader: CaptureReader): Promise<void> {
  const folder = "/sys/class/net";
  const names = await reader.names(folder);
  await atOnce(names, READS_AT_ONCE, async (name) => {
    const real = await reader.followed(`${folder}/${name}`);
    // Not a link: bonding_masters, which is a file.
    if (real !== `${folder}/${name}`) await gatherInterface(reader, real);
  });
}

/** @returns the folders of the modules that were looked for. */
async function gatherModules(reader: CaptureReader, drivers: ReadonlySet<string>): Promise<string[]> {
  const modules = new Set(list.MODULES);
  for (const driver of drivers) {
    const module = known(await reader.kernel.readLink(`${DRIVERS}/${driver}/module`));
    if (module !== undefined) modules.add(module.slice(module.lastIndexOf("/") + 1));
  }
  for (const module of modules) {
    const folder = `/sys/module/${module}`;
    reader.folderIf(folder, await reader.kernel.list(folder));
    await reader.file(`${folder}/version`);
    const parameters = await reader.names(`${folder}/parameters`);
    await Promise.all(parameters.map((name) => reader.file(`${folder}/parameters/${name}`)));
  }
  return [...modules].map((module) => `/sys/module/${module}`);
}

/** Lines on what vfleet is about, and those that name a PF or VF. */
/** Settings of VFs, which only their PFs' interfaces report. */
async function gatherVfSettings(reader: CaptureReader): Promise<void> {
  const pfs = reader.paths().flatMap((path) => /^(.*)\/sriov_totalvfs$/.exec(path)?.[1] ?? []);
  for (const pf of pfs) {
    for (const netdev of await reader.names(`${pf}/net`)) {
      const path = ipLinkPath(netdev);
      const json = await reader.kernel.ipLink(netdev);
      const kept = isUnread(json) ? json : (vfInfoJson(json) ?? unread(path, "EINVAL"));
      if (isUnread(kept)) reader.notRead(path, kept);
      else reader.text(path, kept);
    }
  }
}

async function gatherLog(reader: CaptureReader): Promise<void> {
  const path = "/kernel.log";
  const lines = await reader.kernel.log();
  if (isUnread(lines)) {
    reader.notRead(path, lines);
    return;
  }
  const functions = new Set(
    reader.paths().flatMap((entry) => /\/([0-9a-f:]+\.[0-7])\/(?:sriov_totalvfs|physfn)$/.exec(entry)?.[1] ?? []),
  );
  const kept = lines.filter((line) => list.isRelevantLogLine(line, functions));
  reader.text(path, kept.map((line) => `${line}\n`).join(""));
}

async function readText(kernel: Kernel, path: string): Promise<string | undefined> {
  const bytes: Observed<Uint8Array> = await kernel.read(path);
  return isUnread(bytes) ? undefined : new TextDecoder().decode(bytes).trim();
}

function sorted(entries: readonly CaptureEntry[]): CaptureEntry[] {
  return [...entries].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}
