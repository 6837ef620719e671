import { readText, sysfsPath } from "../../host/observe.ts";
import { runProgram } from "../../kernel/linux/run-program.ts";
import { isUnread, type Kernel, known } from "../../kernel/port.ts";
import type { Bdf } from "../../pci/bdf.ts";

/** ib_core's `ib_devices_shared_netns`, which `rdma system set netns` sets, too. */
const SHARED = "/sys/module/ib_core/parameters/netns_mode";
const READ_MS = 10_000;

/** What moves devices between namespaces, given a command. */
type Change<Outcome> = (command: readonly [string, ...string[]]) => Promise<Outcome>;

/**
 * RDMA devices of a function go with its interface where each is of one namespace only (`rdma system`: netns exclusive). Where they are
 * shared, as by default, all namespaces have them, and nothing is done.
 * @returns those here that are to go along
 */
export async function rdmaDevicesToMove(kernel: Kernel, vf: Bdf): Promise<readonly string[]> {
  if (!(await isExclusive(kernel))) return [];
  return known(await kernel.list(sysfsPath(vf, "infiniband"))) ?? [];
}

/** @param netns its name below /run/netns @returns those in a namespace that belong to the function */
export async function rdmaDevicesIn(kernel: Kernel, netns: string, vf: Bdf): Promise<readonly string[]> {
  if (!(await isExclusive(kernel))) return [];
  // The class is tagged by namespace (ib_class): `ip netns exec` shows the namespace's own /sys.
  const names = await runProgram("ip", ["netns", "exec", netns, "ls", sysfsPath(vf, "infiniband")], READ_MS);
  // A function that is no RDMA device has no such folder.
  return isUnread(names) ? [] : names.split("\n").filter((name) => name !== "");
}

/** Into a namespace, by its name. */
export function moveRdmaDevice<Outcome>(change: Change<Outcome>, device: string, netns: string): Promise<Outcome> {
  return change(["rdma", "dev", "set", device, "netns", netns]);
}

/** Out of one. @param home path of the namespace that it goes to */
export function takeRdmaDevice<Outcome>(
  change: Change<Outcome>,
  device: string,
  netns: string,
  home: string,
): Promise<Outcome> {
  // rdma(8) takes names below /run/netns alone, and this is one of them.
  return change(["ip", "netns", "exec", netns, "rdma", "dev", "set", device, "netns", `../..${home}`]);
}

async function isExclusive(kernel: Kernel): Promise<boolean> {
  // Without ib_core there are no RDMA devices.
  return known(await readText(kernel, SHARED)) === "N";
}
