import { statSync } from "node:fs";
import { resolve } from "node:path";
import { VfleetError } from "../../errors/vfleet-error.ts";
import { isUnread, type Kernel, type KernelSource, type Unread, unread } from "../port.ts";
import { MANIFEST_NAME } from "../port-capture.ts";
import { readInput } from "../read-input.ts";
import { type ArchiveLimits, readArchive } from "./archive.ts";
import { DiskTree } from "./disk-tree.ts";
import { findLayout } from "./layout.ts";
import { readManifest } from "./manifest.ts";
import type { Tree } from "./tree.ts";
import { treeKernel } from "./tree-kernel.ts";

const DEVICES = "/sys/bus/pci/devices";

/**
 * A captured host: a folder, or a tar archive, compressed by gzip or not. The folder is a root with `sys` in it, a copy of
 * `/sys`, of `/sys/bus/pci`, or of `/sys/bus/pci/devices`. What the snapshot lacks is ENOENT where it is complete (a
 * capture of vfleet, or one with the devices' `uevent`), else ENODATA; what the capture could not read is as it was then.
 * @throws VfleetError VFL-0002 to VFL-0005 where the path cannot be read, VFL-0008 where it holds no PCI devices,
 * VFL-0009 where the archive is broken.
 */
export async function openSnapshot(path: string, limits: ArchiveLimits = {}): Promise<Kernel> {
  if (!isFolder(path))
    return openCapture(await readInput(path), path, { kind: "snapshot", name: `snapshot:${path}` }, limits);
  return openCaptured(openFolder(path), path, { kind: "snapshot", name: `snapshot:${path}` });
}

/**
 * A captured host, from the bytes of its archive.
 * @param label where they are from, for a person
 * @param source as what it is read: a captured host is read as the host itself where a server has captured it to be read
 * @throws as {@link openSnapshot}
 */
export async function openCapture(
  bytes: Uint8Array,
  label: string,
  source: Pick<KernelSource, "kind" | "name">,
  limits: ArchiveLimits = {},
): Promise<Kernel> {
  return openCaptured(openTree(await readArchive(bytes, label, limits), label), label, source);
}

async function openCaptured(tree: Tree, label: string, source: Pick<KernelSource, "kind" | "name">): Promise<Kernel> {
  const manifest = readManifest(tree, label);
  const complete = manifest ? (manifest.complete ?? true) : await describesDevices(tree);
  const unreadThen = new Map(manifest?.unread.map((entry) => [entry.path, entry]));
  const scopes = manifest?.scopes;

  function absence(asked: string, followed: string): Unread | undefined {
    const then = unreadThen.get(followed) ?? unreadThen.get(asked);
    if (then) return unread(asked, then.errno);
    if (!complete) return unread(asked, "ENODATA", "the snapshot does not hold it");
    const looked = scopes === undefined || scopes.some((scope) => isWithin(followed, scope) || isWithin(asked, scope));
    return looked ? undefined : unread(asked, "ENODATA", "the capture did not look there");
  }

  return treeKernel(tree, { ...source, complete }, { absence });
}

function isWithin(path: string, scope: string): boolean {
  return path === scope || path.startsWith(`${scope}/`);
}

function openFolder(path: string): Tree {
  const folder = sysfsAround(resolve(path));
  try {
    const whole = new DiskTree(folder);
    const names = whole.names("");
    if (typeof names === "string") {
      throw new VfleetError("VFL-0003", {
        message: `${path} cannot be read: ${names}`,
        details: { path, errno: names },
      });
    }
    const layout = findLayout(whole);
    if (!layout) throw notRecognised(path);
    return new DiskTree(folder + layout.from, layout.mount);
  } catch (error) {
    if (error instanceof VfleetError) throw error;
    const errno = (error as NodeJS.ErrnoException).code ?? "EIO";
    throw new VfleetError("VFL-0003", {
      message: `${path} cannot be read: ${errno}`,
      details: { path, errno },
      cause: error,
    });
  }
}

/**
 * The links in a copy of /sys/bus/pci lead to the copy's `devices`, beside its `bus`: so where a user names the former, as
 * for `lspci -O sysfs.path=`, the copy of /sys is what is meant.
 */
function sysfsAround(folder: string): string {
  const around = /^(.+)\/bus\/pci(?:\/devices)?$/.exec(folder)?.[1];
  return around !== undefined && isFolder(`${around}/devices`) ? around : folder;
}

function openTree(tree: Awaited<ReturnType<typeof readArchive>>, path: string): Tree {
  const layout = findLayout(tree);
  if (!layout) throw notRecognised(path);
  if (layout.from !== layout.mount) tree.graft(layout.from, layout.mount);
  return tree;
}

async function describesDevices(tree: Tree): Promise<boolean> {
  const kernel = treeKernel(tree, { kind: "snapshot", name: "snapshot", complete: false });
  const devices = await kernel.list(DEVICES);
  if (isUnread(devices) || devices.length === 0) return false;
  return !isUnread(await kernel.read(`${DEVICES}/${devices[0]}/uevent`));
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function notRecognised(path: string): VfleetError {
  return new VfleetError("VFL-0008", {
    message: `${path} holds neither sys/bus/pci/devices nor folders named after PCI addresses (nor ${MANIFEST_NAME})`,
    details: { path },
  });
}
