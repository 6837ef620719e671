import { isUnread, type Kernel, type Observed } from "../../kernel/port.ts";
import { countersOf, type LinkCounters } from "../link-counters.ts";
import { isRepresentor, readDevices } from "../net-devices.ts";
import { readNumber, readText } from "../observe.ts";
import type { PfAddress } from "../pf-address.ts";
import type { NetdevState } from "./host-state.ts";

const IFF_UP = 1;

/**
 * The network interfaces of a function, without those that stand for others.
 * @param counters of all interfaces
 */
export async function observeNetdevs(
  kernel: Kernel,
  bdf: PfAddress,
  counters: Observed<ReadonlyMap<string, LinkCounters>>,
): Promise<Observed<readonly NetdevState[]>> {
  const { net } = await readDevices(kernel, bdf);
  if (isUnread(net)) return net;
  const all = await Promise.all(net.map((name) => observeNetdev(kernel, name)));
  return all
    .filter((netdev) => netdev !== undefined)
    .map((netdev) => ({ ...netdev, counters: countersOf(counters, netdev.name) }));
}

async function observeNetdev(kernel: Kernel, name: string): Promise<Omit<NetdevState, "counters"> | undefined> {
  const file = (attribute: string) => `/sys/class/net/${name}/${attribute}`;
  // Asked for in one turn: those that may wait for a lock are read by one program then.
  const [isOthers, flags, carrier, mac, mtu] = await Promise.all([
    isRepresentor(kernel, name),
    readNumber(kernel, file("flags")),
    readNumber(kernel, file("carrier")),
    readText(kernel, file("address")),
    readNumber(kernel, file("mtu")),
  ]);
  if (isOthers) return undefined;
  return {
    name,
    mac,
    mtu,
    up: isUnread(flags) ? flags : (flags & IFF_UP) !== 0,
    // `carrier_show` answers EINVAL of an interface that is down.
    carrier: isUnread(carrier) ? (carrier.errno === "EINVAL" ? null : carrier) : carrier !== 0,
  };
}
