import type { NvmeDriver } from "../../../hardware/guests/nvme-driver.ts";
import { NVME_CNS } from "../../../hardware/nvme/opcodes.ts";
import { devpathOf, type Linux } from "../linux.ts";
import type { Folder } from "../sysfs-tree.ts";

/** BLOCK_EXT_MAJOR, whose minors are given out as disks come. */
const BLOCK_MAJOR = 259;
const SECTOR_SHIFT = 9;
const OACS_NAMESPACE_MANAGEMENT = 0x8;
const NMIC_SHARED = 0x1;

/** What of a controller its namespaces need (`struct nvme_ctrl`). */
export interface NamespaceHost {
  /** Its folder in sysfs, by whose name it is called. */
  readonly folder: Folder;
  readonly instance: number;
  readonly hardware: NvmeDriver;
}

/** A namespace as the subsystem has it, whichever controllers lead to it (`struct nvme_ns_head`). */
interface Head {
  readonly id: number;
  /** Numbers in names are not ids: they are given out as namespaces are found (`head->instance`). */
  readonly instance: number;
  readonly paths: Set<NamespaceHost>;
  readonly sectors: number;
  readonly blockBytes: number;
}

/** `struct nvme_subsystem`; it has the number of the controller that it was found by. */
interface Subsystem {
  readonly nqn: string;
  readonly instance: number;
  readonly folder: Folder;
  readonly controllers: Set<NamespaceHost>;
  readonly heads: Map<string, Head>;
}

const SUBSYSTEMS = new WeakMap<Linux, Map<string, Subsystem>>();
const MINORS = new WeakMap<Linux, Set<number>>();

/** The numbers of subsystems, which no controller gets that is not the first of its subsystem (`nvme_free_ctrl`). */
export function isSubsystemNumber(linux: Linux, instance: number): boolean {
  return [...(SUBSYSTEMS.get(linux)?.values() ?? [])].some((each) => each.instance === instance);
}

/**
 * `nvme_init_subsystem` and `nvme_scan_ns_list`: a block device for each namespace that is attached to the controller. With
 * multipathing (`nvme_mpath_set_disk_name`) it is the subsystem's, and what leads to it a hidden one of the controller.
 */
export function addNamespaces(linux: Linux, host: NamespaceHost): void {
  const identity = host.hardware.identify(NVME_CNS.controller);
  if (typeof identity === "number") return;
  const subsystem = joined(linux, host, textAt(identity, 768, 256));
  const manages = (new DataView(identity.buffer).getUint16(256, true) & OACS_NAMESPACE_MANAGEMENT) !== 0;
  for (const id of host.hardware.namespaces()) addNamespace(linux, host, subsystem, id, manages);
}

/** `nvme_remove_namespaces`, `nvme_put_subsystem`: a namespace goes with the last controller that leads to it. */
export function removeNamespaces(linux: Linux, host: NamespaceHost): void {
  const known = SUBSYSTEMS.get(linux);
  for (const subsystem of known?.values() ?? []) {
    if (!subsystem.controllers.delete(host)) continue;
    for (const [key, head] of subsystem.heads) {
      if (!head.paths.delete(host)) continue;
      removeDisk(linux, pathName(subsystem, host, head));
      if (head.paths.size > 0) continue;
      removeDisk(linux, headName(subsystem, head));
      subsystem.heads.delete(key);
    }
    const { folder } = subsystem;
    folder.removeChild(host.folder.name);
    if (subsystem.controllers.size > 0) continue;
    known?.delete(subsystem.nqn);
    folder.remove();
    linux.sys.folders("class/nvme-subsystem").removeChild(folder.name);
  }
}

function joined(linux: Linux, host: NamespaceHost, nqn: string): Subsystem {
  const known = SUBSYSTEMS.get(linux) ?? new Map<string, Subsystem>();
  SUBSYSTEMS.set(linux, known);
  const subsystem = known.get(nqn) ?? newSubsystem(linux, host.instance, nqn);
  known.set(nqn, subsystem);
  subsystem.controllers.add(host);
  subsystem.folder.link(host.folder.name, host.folder);
  return subsystem;
}

function newSubsystem({ sys }: Linux, instance: number, nqn: string): Subsystem {
  const folder = sys.folders("devices/virtual/nvme-subsystem").folder(`nvme-subsys${instance}`);
  sys.folders("class/nvme-subsystem").link(folder.name, folder);
  folder.shows("subsysnqn", () => nqn);
  return { nqn, instance, folder, controllers: new Set(), heads: new Map() };
}

function addNamespace(linux: Linux, host: NamespaceHost, subsystem: Subsystem, id: number, manages: boolean): void {
  const data = host.hardware.identify(NVME_CNS.namespace, id);
  if (typeof data === "number") return;
  const view = new DataView(data.buffer);
  const shared = (view.getUint8(30) & NMIC_SHARED) !== 0;
  // nvme_is_unique_nsid: else two controllers may call different namespaces by one id.
  const unique = shared || manages;
  const key = unique ? String(id) : `${id} of ${host.instance}`;
  const format = view.getUint8(26) & 0xf;
  const shift = view.getUint8(128 + 4 * format + 2) || SECTOR_SHIFT;
  const sectors = Number(view.getBigUint64(0, true)) * 2 ** (shift - SECTOR_SHIFT);
  const instances = [...subsystem.heads.values()].map(({ instance }) => instance);
  let instance = 1;
  while (instances.includes(instance)) instance++;
  const known = subsystem.heads.get(key);
  const head = known ?? { id, instance, paths: new Set(), sectors, blockBytes: 2 ** shift };
  subsystem.heads.set(key, head);
  head.paths.add(host);
  if (!unique) {
    addDisk(linux, host.folder, headName(subsystem, head), head);
    return;
  }
  addDisk(linux, host.folder, pathName(subsystem, host, head), head, true);
  if (known === undefined) addDisk(linux, subsystem.folder, headName(subsystem, head), head);
}

function headName(subsystem: Subsystem, { instance }: Head): string {
  return `nvme${subsystem.instance}n${instance}`;
}

function pathName(subsystem: Subsystem, host: NamespaceHost, { instance }: Head): string {
  return `nvme${subsystem.instance}c${host.instance}n${instance}`;
}

/** `device_add_disk`. @param hidden GENHD_FL_HIDDEN: it has no number, and nobody opens it */
function addDisk(linux: Linux, above: Folder, name: string, head: Head, hidden = false): void {
  const folder = above.folder(name);
  folder.link("device", above);
  folder.link("subsystem", linux.sys.folders("class/block"));
  folder.shows("hidden", () => (hidden ? "1" : "0"));
  folder.shows("removable", () => "0");
  folder.shows("ro", () => "0");
  folder.shows("size", () => String(head.sectors));
  folder.shows("nsid", () => String(head.id));
  const queue = folder.folder("queue");
  queue.shows("logical_block_size", () => String(head.blockBytes));
  queue.shows("physical_block_size", () => String(head.blockBytes));
  queue.shows("rotational", () => "0");
  linux.sys.folders("class/block").link(name, folder);
  linux.sys.folders("block").link(name, folder);
  if (hidden) return;
  const minor = takeMinor(linux);
  const device = `${BLOCK_MAJOR}:${minor}`;
  folder.shows("dev", () => device);
  linux.root.folders("dev").file(name, { mode: 0o660, device });
  const numbers = { MAJOR: String(BLOCK_MAJOR), MINOR: String(minor) };
  linux.uevents.send("add", devpathOf(folder), "block", { ...numbers, DEVNAME: name, DEVTYPE: "disk" });
}

/** `del_gendisk`; one that is not there is none that goes. */
function removeDisk(linux: Linux, name: string): void {
  const block = linux.sys.folders("class/block");
  const link = block.children.get(name);
  if (link?.kind !== "link") return;
  const node = linux.root.folders("dev").children.get(name);
  if (node?.kind === "file") {
    MINORS.get(linux)?.delete(Number(node.operations.device?.split(":")[1]));
    linux.uevents.send("remove", devpathOf(link.to), "block", { DEVNAME: name, DEVTYPE: "disk" });
    node.remove();
  }
  block.removeChild(name);
  linux.sys.folders("block").removeChild(name);
  link.to.remove();
}

/** `blk_alloc_ext_minor` */
function takeMinor(linux: Linux): number {
  const taken = MINORS.get(linux) ?? new Set();
  MINORS.set(linux, taken);
  let minor = 0;
  while (taken.has(minor)) minor++;
  taken.add(minor);
  return minor;
}

function textAt(bytes: Uint8Array, at: number, length: number): string {
  const text = new TextDecoder("latin1").decode(bytes.subarray(at, at + length));
  return text.slice(0, text.indexOf("\0") === -1 ? length : text.indexOf("\0"));
}
