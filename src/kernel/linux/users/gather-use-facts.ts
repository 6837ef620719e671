import { existsSync } from "node:fs";
import { type Bdf, parseBdf } from "../../../pci/bdf.ts";
import type { FunctionFact, ProcessFact, UseFacts, UseGap } from "../../port-use-facts.ts";
import { readBlockDevices } from "./block-devices.ts";
import { readCniAttachments } from "./cni-attachments.ts";
import { readDefinedGuests } from "./defined-guests.ts";
import { readMountNamespaces } from "./mount-namespaces.ts";
import { readNetNamespaces } from "./net-namespaces.ts";
import { findOpenDevices } from "./open-files.ts";
import { identifyProcess } from "./process-identity.ts";
import { readRdmaResources } from "./rdma-resources.ts";
import { scanProcesses } from "./scan-processes.ts";
import { SysfsOwners } from "./sysfs-owners.ts";

const DEVICES = "/sys/bus/pci/devices";

/** Looks at all that may use one of `asked` or, of a PF, one of its VFs. */
export async function gatherUseFacts(prefix: string, asked: readonly Bdf[]): Promise<UseFacts> {
  const owners = new SysfsOwners(prefix);
  const functions = new Map<Bdf, FunctionFact>();
  for (const bdf of asked) {
    const fact = functions.get(bdf) ?? functionFact(owners, bdf);
    functions.set(bdf, fact);
    for (const vf of fact.vfs) if (!functions.has(vf)) functions.set(vf, functionFact(owners, vf));
  }
  const concerned = new Set(functions.keys());
  const named = new Map<number, ProcessFact>();
  function identify(pid: number): ProcessFact {
    const process = named.get(pid) ?? identifyProcess(prefix, pid);
    named.set(pid, process);
    return process;
  }

  const scan = await scanProcesses(prefix);
  const mounts = readMountNamespaces(prefix, scan.mountNamespaces, identify);
  const opened = findOpenDevices(prefix, scan.candidates, mounts.byId, owners, identify);
  const storage = readBlockDevices(prefix, owners, concerned);
  const [network, rdma, defined] = await Promise.all([
    readNetNamespaces(prefix, scan, mounts, owners, concerned, identify),
    readRdmaResources(owners, concerned, identify),
    readDefinedGuests(prefix),
  ]);
  const cni = readCniAttachments(prefix);
  return {
    functions,
    openFiles: opened.openFiles,
    namespaces: network.namespaces,
    blocks: storage.blocks,
    mounts: mounts.mounts,
    swaps: storage.swaps,
    pools: storage.pools,
    rdma: rdma.rdma,
    guests: defined.guests,
    attachments: cni.attachments,
    gaps: [
      ...scan.gaps,
      ...mounts.gaps,
      ...opened.gaps,
      ...storage.gaps,
      ...network.gaps,
      ...rdma.gaps,
      ...defined.gaps,
      ...cni.gaps,
      ...unasked(prefix),
    ],
  };
}

function functionFact(owners: SysfsOwners, bdf: Bdf): FunctionFact {
  const folder = `${DEVICES}/${bdf}`;
  const names = owners.names(folder);
  const vfs = names
    .filter((name) => /^virtfn\d+$/.test(name))
    .sort((a, b) => Number(a.slice(6)) - Number(b.slice(6)))
    .flatMap((name) => parseBdf(owners.deviceOf(`${folder}/${name}`)?.split("/").at(-1) ?? "") ?? []);
  const driver = owners.deviceOf(`${folder}/driver`)?.split("/").at(-1);
  // Where there is no folder the function is gone, or sysfs is not there.
  return { bdf, driver: driver ?? (names.length > 0 && !names.includes("driver") ? null : undefined), vfs };
}

/** What could tell of users and is not asked. */
function unasked(prefix: string): UseGap[] {
  const gaps: UseGap[] = [];
  if (existsSync(`${prefix}/etc/pve/qemu-server`)) {
    const reason = "definitions of Proxmox VE's machines are not looked at; qm config shows their devices";
    gaps.push({ way: "definedGuests", errno: "ENOSYS", reason });
  }
  if (existsSync(`${prefix}/sys/module/zfs`)) {
    const reason = "pools of ZFS are not looked at; zpool status -LP shows their devices";
    gaps.push({ way: "blockDevices", errno: "ENOSYS", reason });
  }
  gaps.push({
    way: "xen",
    errno: "ENOSYS",
    reason: "domains of Xen are not looked at; xl pci-list shows their devices",
  });
  return gaps;
}
