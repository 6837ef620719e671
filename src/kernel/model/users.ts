import { type Bdf, parseBdf } from "../../pci/bdf.ts";
import { matchUsers } from "../port-match-users.ts";
import type { BlockDevice, FunctionFact, NetLink, UseFacts } from "../port-use-facts.ts";
import type { DeviceUsers } from "../port-users.ts";
import type { Linux } from "./linux.ts";
import { mountsOf } from "./mounts.ts";

const PAGE = 4096;
const HOST_NAMESPACE = 4_026_531_840;

/** Who uses functions of the model. Nobody runs there but who was put there, so nothing is left unlooked at. */
export function modelUsers(linux: Linux, functions: readonly Bdf[]): ReadonlyMap<Bdf, DeviceUsers> {
  const blocks = blocksOf(linux);
  const facts: UseFacts = {
    functions: factsOf(linux, functions),
    openFiles: linux.processes.all.map(({ pid, command, path, guest }, index) => {
      const block = blocks.get(path.replace("/dev/", ""));
      return {
        process: { pid, command, ...(guest ? { guest } : {}) },
        path,
        fd: index,
        device: path.replace("/dev/vfio/", "/devices/virtual/vfio/"),
        functions: block?.functions ?? [...groupMembers(linux, path), ...controllerOf(linux, path)],
        block: block?.name,
      };
    }),
    namespaces: [
      {
        inode: HOST_NAMESPACE,
        label: "the host",
        host: true,
        process: undefined,
        links: linksOf(linux),
        routes: [],
        packetSockets: [],
      },
    ],
    blocks,
    mounts: mountsOf(linux).map((each) => ({ ...each, host: true, process: undefined })),
    swaps: [],
    pools: [],
    rdma: [],
    guests: [],
    attachments: [],
    gaps: [],
  };
  return matchUsers(facts, functions);
}

function factsOf({ devices }: Linux, functions: readonly Bdf[]): Map<Bdf, FunctionFact> {
  const facts = new Map<Bdf, FunctionFact>();
  for (const bdf of functions) {
    const dev = devices.get(bdf);
    if (dev === undefined) continue;
    const vfs = [...(dev.sriov?.vfs.values() ?? [])];
    facts.set(bdf, { bdf, driver: dev.driver?.name ?? null, vfs: vfs.map((vf) => vf.bdf) });
    for (const vf of vfs) facts.set(vf.bdf, { bdf: vf.bdf, driver: vf.driver?.name ?? null, vfs: [] });
  }
  return facts;
}

function linksOf({ net }: Linux): NetLink[] {
  return net.all.map(({ ifindex, name, up, options }) => ({
    ifindex,
    name,
    up,
    kind: undefined,
    functions: options.dev === undefined ? [] : [options.dev.bdf],
    master: undefined,
    lowerIfindex: undefined,
    lowerElsewhere: false,
    addresses: [],
    xdp: undefined,
  }));
}

/** All block devices: of NVMe, as src/kernel/linux/users/sysfs-owners.ts finds them on a real host. */
function blocksOf({ sys }: Linux): Map<string, BlockDevice> {
  const paths = [...sys.folders("class/block").children].flatMap(([name, node]) =>
    node.kind === "link" ? [{ name, folder: node.to }] : [],
  );
  const blocks = new Map<string, BlockDevice>();
  for (const { name, folder } of paths) {
    const [, subsystem, namespace] = /^nvme(\d+)n(\d+)$/.exec(name) ?? [];
    const own = functionIn(folder.path);
    const below = paths.filter((each) => {
      const path = /^nvme(\d+)c\d+n(\d+)$/.exec(each.name);
      return path?.[1] === subsystem && path?.[2] === namespace;
    });
    const device = folder.children.get("dev");
    const number = device?.kind === "file" ? device.operations.show?.(PAGE) : undefined;
    blocks.set(name, {
      name,
      number: typeof number === "string" ? number.trim() : undefined,
      label: undefined,
      mapperName: undefined,
      functions: own === undefined ? below.flatMap((each) => functionIn(each.folder.path) ?? []) : [own],
      above: [],
    });
  }
  return blocks;
}

function functionIn(path: string): Bdf | undefined {
  return path
    .split("/")
    .filter((part) => part.includes(":"))
    .map((part) => parseBdf(part))
    .findLast((bdf) => bdf !== undefined);
}

/** The function of an NVMe controller, by its file. */
function controllerOf({ sys }: Linux, path: string): Bdf[] {
  const node = sys.folders("class/nvme").children.get(path.replace("/dev/", ""));
  const bdf = node?.kind === "link" ? functionIn(node.to.path) : undefined;
  return bdf === undefined ? [] : [bdf];
}

/** The functions of a VFIO group, by its file. */
function groupMembers({ devices }: Linux, path: string): Bdf[] {
  const group = /^\/dev\/vfio\/(\d+)$/.exec(path)?.[1];
  return [...devices.values()].filter(({ iommuGroup }) => String(iommuGroup?.id) === group).map(({ bdf }) => bdf);
}
