import { type Match, processText } from "./port-match.ts";
import type { NetLink, NetNamespace, NetRoute, UseFacts } from "./port-use-facts.ts";
import type { UseKind, UserIdentity } from "./port-users.ts";

/** An interface of a function, or one upon it. */
interface Reached {
  readonly namespace: NetNamespace;
  readonly link: NetLink;
  /** The interfaces between, from the function's on; empty for the function's own. */
  readonly through: readonly string[];
}

/** Users of the functions' network interfaces, in whichever namespace, and of all that is built upon these. */
export function networkUsers({ namespaces, functions }: UseFacts): Match[] {
  const upon = indexUppers(namespaces);
  return namespaces.flatMap((namespace) =>
    namespace.links.flatMap((link) => {
      const owners = link.functions.filter((owner) => functions.has(owner));
      if (owners.length === 0) return [];
      const reached = withUppers({ namespace, link, through: [] }, upon);
      const found = reached.flatMap((each) => usersOfLink(each));
      return owners.flatMap((bdf) => found.map((match) => ({ bdf, ...match })));
    }),
  );
}

type Found = Omit<Match, "bdf">;

function usersOfLink({ namespace, link, through }: Reached): Found[] {
  const { name } = link;
  const named = namespaceName(namespace);
  const inside = namespace.host ? "" : ` in ${namespace.label}`;
  const upon = through.length > 0 ? `, upon ${through.join(", ")}` : "";
  const found: Found[] = [];

  function add(kind: UseKind, evidence: string, who: UserIdentity = {}, idle?: true): void {
    const user = { kind, who: { ...named, netdev: name, ...who }, evidence: `${evidence}${inside}${upon}` };
    found.push(idle ? { user, idle } : { user });
  }

  if (through.length > 0) {
    add("upper", `${name}${link.kind === undefined ? "" : ` (${link.kind})`} is built on it`);
  } else {
    if (!namespace.host) add("namespace", `its network interface ${name} is`, namespace.process ?? {});
    if (link.up) add("up", `${name} is up`, {}, true);
  }
  for (const { address, scope } of link.addresses) {
    // A link-local address comes by itself as soon as an interface is up.
    add("address", `${name} has the address ${address} (scope ${scope})`, {}, scope === "link" ? true : undefined);
  }
  for (const { destination, gateway, table } of routesOf(namespace, name)) {
    const what = destination === "default" ? "the default route" : `the route to ${destination}`;
    const by = gateway === undefined ? "" : ` by ${gateway}`;
    add("route", `${what}${by} leads through ${name} (table ${table})`);
  }
  if (link.xdp !== undefined) add("xdp", `XDP ${link.xdp} is attached to ${name}`);
  for (const { ifindex, process } of namespace.packetSockets) {
    if (ifindex !== link.ifindex) continue;
    const by = process ? processText(process) : "a process that was not seen";
    add("packetSocket", `${by} has a packet socket on ${name}`, process ?? {});
  }
  return found;
}

/** Routes by interface, of each namespace once: there may be thousands of both. */
const routeIndexes = new WeakMap<NetNamespace, ReadonlyMap<string, readonly NetRoute[]>>();

function routesOf(namespace: NetNamespace, netdev: string): readonly NetRoute[] {
  let index = routeIndexes.get(namespace);
  if (index === undefined) {
    const byNetdev = namespace.routes.flatMap((route) => route.netdevs.map((name) => ({ name, route })));
    const groups = Map.groupBy(byNetdev, ({ name }) => name);
    index = new Map([...groups].map(([name, group]) => [name, group.map(({ route }) => route)]));
    routeIndexes.set(namespace, index);
  }
  return index.get(netdev) ?? [];
}

function namespaceName({ host, label, process }: NetNamespace): UserIdentity {
  if (host) return {};
  return { namespace: label, ...(process?.container ? { container: process.container } : {}) };
}

/** Which interfaces are upon an interface; the key is its namespace and number. */
function indexUppers(namespaces: readonly NetNamespace[]): ReadonlyMap<string, readonly Omit<Reached, "through">[]> {
  const upon = new Map<string, Omit<Reached, "through">[]>();
  function put(namespace: NetNamespace, lower: number, upper: Omit<Reached, "through">): void {
    const key = keyOf(namespace, lower);
    const list = upon.get(key);
    if (list) list.push(upper);
    else upon.set(key, [upper]);
  }
  for (const namespace of namespaces) {
    const byName = new Map(namespace.links.map((link) => [link.name, link]));
    for (const link of namespace.links) {
      const master = link.master === undefined ? undefined : byName.get(link.master);
      if (master) put(namespace, link.ifindex, { namespace, link: master });
      const lower = link.lowerIfindex;
      if (lower === undefined) continue;
      if (!link.lowerElsewhere) put(namespace, lower, { namespace, link });
      // Of the other namespace no more than a number is known that counts here only: all that have such an interface.
      else for (const other of namespaces) if (other !== namespace) put(other, lower, { namespace, link });
    }
  }
  return upon;
}

function withUppers(own: Reached, upon: ReadonlyMap<string, readonly Omit<Reached, "through">[]>): readonly Reached[] {
  const reached = [own];
  const seen = new Set([keyOf(own.namespace, own.link.ifindex)]);
  // The list grows while it is walked.
  for (const { namespace, link, through } of reached) {
    for (const upper of upon.get(keyOf(namespace, link.ifindex)) ?? []) {
      const key = keyOf(upper.namespace, upper.link.ifindex);
      if (seen.has(key)) continue;
      seen.add(key);
      reached.push({ ...upper, through: [...through, link.name] });
    }
  }
  return reached;
}

function keyOf({ inode }: NetNamespace, ifindex: number): string {
  return `${inode} ${ifindex}`;
}
