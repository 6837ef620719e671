import { type Match, processText } from "./port-match.ts";
import type { BlockDevice, Mount, StoragePool, UseFacts } from "./port-use-facts.ts";
import type { DeviceUser } from "./port-users.ts";

/** Users of the functions' block devices and of all that is built on these: mounts, swap, arrays, volumes, pools, processes. */
export function storageUsers(facts: UseFacts): Match[] {
  const found: Match[] = [];
  for (const block of facts.blocks.values()) {
    const owners = block.functions.filter((owner) => facts.functions.has(owner));
    if (owners.length === 0) continue;
    // A partition is reached from its disk, and is the function's own as well.
    const users = new Map<string, DeviceUser>();
    for (const { block: each, through } of withAbove(block, facts.blocks)) {
      for (const user of usersOfBlock(each, through, facts)) users.set(user.evidence, user);
    }
    for (const bdf of owners) for (const user of users.values()) found.push({ bdf, user: otherPaths(user, block) });
  }
  return unique(found);
}

interface Reached {
  readonly block: BlockDevice;
  /** The block devices between, the function's own first. */
  readonly through: readonly string[];
}

function usersOfBlock(block: BlockDevice, through: readonly string[], facts: UseFacts): DeviceUser[] {
  const { name, number, label } = block;
  const upon = through.length > 0 ? `, upon ${through.join(", ")}` : "";
  const users: DeviceUser[] = [];
  if (block.functions.length === 0) {
    const what = label === undefined ? name : `${name} (${label})`;
    users.push({ kind: "holder", who: { blockDevice: label ?? name }, evidence: `${what} is built on it${upon}` });
  }
  const pools = facts.pools.filter(({ members }) => members.includes(name));
  const isHere = (mount: Mount) =>
    mount.number === number || pools.some((pool) => isMountOfPool(mount, pool, facts.blocks));
  const mounts = facts.mounts.filter(isHere);
  for (const { type, name: pool } of pools) {
    users.push({
      kind: "holder",
      who: { blockDevice: pool },
      evidence: `${name} is a member of ${type} ${pool}${upon}`,
    });
  }
  for (const { mount, more } of mountPoints(mounts)) {
    const where = mount.host ? "" : ` by ${mount.process ? processText(mount.process) : "another mount namespace"}`;
    const also = more > 0 ? `, and at ${more} more` : "";
    const who = { ...mount.process, mountPoint: mount.point };
    users.push({
      kind: "mount",
      who,
      evidence: `${name} (${mount.type}) is mounted at ${mount.point}${where}${also}${upon}`,
    });
  }
  if (facts.swaps.includes(name)) {
    users.push({ kind: "swap", who: { blockDevice: name }, evidence: `${name} is swap${upon}` });
  }
  for (const file of facts.openFiles) {
    if (file.block !== name) continue;
    const evidence = `${processText(file.process)} has ${file.path} open (${name})${upon}`;
    users.push({ kind: "blockOpen", who: file.process, evidence });
  }
  return users;
}

/**
 * One line for all mounts in the host's namespace, and one for each container that has others: services have copies of the
 * host's mounts in namespaces of their own, which go with them.
 */
function mountPoints(mounts: readonly Mount[]): { mount: Mount; more: number }[] {
  const onHost = mounts.some(({ host }) => host);
  const groups = new Map<string, { mount: Mount; more: number }>();
  for (const mount of mounts) {
    const container = mount.process?.container?.id;
    if (onHost && !mount.host && container === undefined) continue;
    const key = mount.host ? "host" : (container ?? "elsewhere");
    const group = groups.get(key);
    if (group) group.more++;
    else groups.set(key, { mount, more: 0 });
  }
  return [...groups.values()];
}

/** Btrfs mounts name one of the members, ZFS the pool and the dataset in it. */
function isMountOfPool(mount: Mount, pool: StoragePool, blocks: ReadonlyMap<string, BlockDevice>): boolean {
  if (mount.type !== pool.type) return false;
  if (pool.type === "zfs") return mount.source === pool.name || mount.source.startsWith(`${pool.name}/`);
  const source = mount.source.slice(mount.source.lastIndexOf("/") + 1);
  return pool.members.some((member) => member === source || blocks.get(member)?.mapperName === source);
}

function withAbove(own: BlockDevice, blocks: ReadonlyMap<string, BlockDevice>): readonly Reached[] {
  const reached: Reached[] = [{ block: own, through: [] }];
  const seen = new Set([own.name]);
  // The list grows while it is walked.
  for (const { block, through } of reached) {
    for (const name of block.above) {
      const above = blocks.get(name);
      // The function's other devices are looked at for themselves.
      if (!above || seen.has(name) || above.functions.length > 0) continue;
      seen.add(name);
      reached.push({ block: above, through: [...through, block.name] });
    }
  }
  return reached;
}

/** Where NVMe multipath leads to the namespace by other functions as well, taking one away interrupts nobody. */
function otherPaths(user: DeviceUser, { name, functions }: BlockDevice): DeviceUser {
  if (functions.length < 2) return user;
  return { ...user, evidence: `${user.evidence}; NVMe multipath reaches ${name} by ${functions.join(" and ")}` };
}

function unique(matches: readonly Match[]): Match[] {
  return [...new Map(matches.map((match) => [`${match.bdf} ${match.user.evidence}`, match])).values()];
}
