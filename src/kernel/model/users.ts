import type { Bdf } from "../../pci/bdf.ts";
import { matchUsers } from "../port-match-users.ts";
import type { FunctionFact, NetLink, UseFacts } from "../port-use-facts.ts";
import type { DeviceUsers } from "../port-users.ts";
import type { Linux } from "./linux.ts";

const HOST_NAMESPACE = 4_026_531_840;

/** Who uses functions of the model. Nobody runs there but who was put there, so nothing is left unlooked at. */
export function modelUsers(linux: Linux, functions: readonly Bdf[]): ReadonlyMap<Bdf, DeviceUsers> {
  const facts: UseFacts = {
    functions: factsOf(linux, functions),
    openFiles: linux.processes.all.map(({ pid, command, path, guest }, index) => ({
      process: { pid, command, ...(guest ? { guest } : {}) },
      path,
      fd: index,
      device: path.replace("/dev/vfio/", "/devices/virtual/vfio/"),
      functions: groupMembers(linux, path),
      block: undefined,
    })),
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
    blocks: new Map(),
    mounts: [],
    swaps: [],
    pools: [],
    rdma: [],
    guests: [],
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

/** The functions of a VFIO group, by its file. */
function groupMembers({ devices }: Linux, path: string): Bdf[] {
  const group = /^\/dev\/vfio\/(\d+)$/.exec(path)?.[1];
  return [...devices.values()].filter(({ iommuGroup }) => String(iommuGroup?.id) === group).map(({ bdf }) => bdf);
}
