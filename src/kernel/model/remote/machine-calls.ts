import { BridgeFunction } from "../../../hardware/bridge-function.ts";
import type { Fault } from "../../../hardware/fault.ts";
import { type Bdf, formatBdf, type RoutingId } from "../../../pci/bdf.ts";
import { type Observed, unread } from "../../port.ts";
import { isPending, type Waiting, type Within } from "../../port-outcome.ts";
import { GuestMoves } from "../guest-moves.ts";
import { errnoOf } from "../kernel-error.ts";
import { type KernelFault, putFault } from "../kernel-fault.ts";
import type { GuestDescription, Linux } from "../linux.ts";
import type { ModelKernel } from "../model-kernel.ts";
import { mount, unmount } from "../mounts.ts";
import { lookUp } from "../sysfs-tree.ts";
import { sendTraffic } from "../traffic.ts";
import { modelFlows } from "./model-flows.ts";
import { moveCalls } from "./move-calls.ts";
import type { FaultRefusal, FileStatus, MachinePart, Traffic, TrafficReport } from "./protocol.ts";

type Call = (...args: never[]) => unknown;

/** Whoever asks waits as long as they like: the machine answers when it has ended. */
const TO_THE_END: Waiting = { deadlineMs: 2 ** 31 - 1 };

/** What a client may ask of a machine, by name. */
export function machineCalls(kernel: ModelKernel): ReadonlyMap<string, Call> {
  const { devlink, nvme } = kernel;
  const flows = modelFlows(kernel);
  const calls: Record<string, Call> = {
    ...Object.fromEntries(KERNEL_READS.map((name) => [name, (kernel[name] as Call).bind(kernel)])),
    write: (path: string, text: string) => ended(kernel.write(path, text, TO_THE_END)),
    setVfs: (netdev: string, changes: Parameters<ModelKernel["setVfs"]>[1]) =>
      ended(kernel.setVfs(netdev, changes, TO_THE_END)),
    setLink: (netdev: string, change: Parameters<ModelKernel["setLink"]>[1]) =>
      ended(kernel.setLink(netdev, change, TO_THE_END)),
    loadModule: (name: string) => ended(kernel.loadModule(name, TO_THE_END)),
    unloadModule: (name: string) => ended(kernel.unloadModule(name, TO_THE_END)),
    "machine.parts": () => machineParts(kernel),
    "machine.stat": (path: string, follow: boolean) => statOf(kernel, path, follow),
    "machine.hold": (path: string, devices: readonly Bdf[]) => startHolder(kernel, path, devices),
    "machine.mount": (source: string, point: string, type: string) =>
      guestCall(kernel, (linux) => mount(linux, source, point, type)),
    "machine.unmount": (what: string) => guestCall(kernel, (linux) => unmount(linux, what)),
    "machine.kill": (pid: number) => endProcess(kernel, pid),
    "machine.traffic": (netdev: string, traffic: Traffic) => trafficOf(kernel, netdev, traffic),
    "flows.list": flows.list,
    "flows.start": flows.start,
    "flows.stop": flows.stop,
    "guests.list": () => kernel.linux.guests.all,
    "guests.start": (guest: GuestDescription) => guestCall(kernel, ({ guests }) => void guests.start(guest)),
    "guests.stop": (name: string) => guestCall(kernel, ({ guests }) => guests.stop(name)),
    "guests.plug": (name: string, bdf: Bdf) => guestCall(kernel, ({ guests }) => guests.plug(name, bdf)),
    "guests.unplug": (name: string, bdf: Bdf) => guestCall(kernel, ({ guests }) => guests.unplug(name, bdf)),
    "machine.fault": (fault: Fault | KernelFault) => tryFault(kernel, fault),
    ...moveCalls(new GuestMoves(kernel.linux)),
  };
  for (const name of DEVLINK_READS) calls[`devlink.${name}`] = (devlink[name] as Call).bind(devlink);
  for (const name of DEVLINK_CHANGES) {
    const change = devlink[name] as (...args: unknown[]) => Promise<Within<unknown>>;
    calls[`devlink.${name}`] = (...args: unknown[]) => ended(change.call(devlink, ...args, TO_THE_END));
  }
  for (const name of NVME_READS) calls[`nvme.${name}`] = (nvme[name] as Call).bind(nvme);
  calls["nvme.manage"] = (controller: string, change: Parameters<typeof nvme.manage>[1]) =>
    ended(nvme.manage(controller, change, TO_THE_END));
  return new Map(Object.entries(calls));
}

const KERNEL_READS = [
  "read",
  "readLink",
  "list",
  "ipLink",
  "log",
  "logMark",
  "logSince",
  "usersOf",
] as const satisfies readonly (keyof ModelKernel)[];
const DEVLINK_READS = ["devices", "info", "eswitch", "ports", "rates", "params", "health"] as const;
const DEVLINK_CHANGES = [
  "setEswitch",
  "setPortFunction",
  "addRate",
  "setRate",
  "deleteRate",
  "setParam",
  "reload",
] as const;
const NVME_READS = ["primaryCapabilities", "secondaryControllers", "namespaces"] as const;

async function ended<T>(answer: Promise<Within<T>>): Promise<T> {
  const within = await answer;
  return isPending(within) ? within.finished() : within;
}

function machineParts({ linux }: ModelKernel): readonly MachinePart[] {
  return [...linux.machine.functions.values()].map((fn) => ({
    name: fn.name,
    bdf: formatBdf(0, fn.routingId as RoutingId),
    kind: fn instanceof BridgeFunction && fn.link !== undefined ? "port" : "function",
    vfs: fn.vfs?.numVfs ?? 0,
  }));
}

const FOLDER_MODE = 0o755;
const LINK_MODE = 0o777;

function statOf({ linux }: ModelKernel, path: string, follow: boolean): Observed<FileStatus> {
  try {
    const node = lookUp(linux.root, path, follow);
    const mode = node.kind === "file" ? node.operations.mode : node.kind === "folder" ? FOLDER_MODE : LINK_MODE;
    return { kind: node.kind, mode, realPath: node.path || "/" };
  } catch (error) {
    return unread(path, errnoOf(error));
  }
}

/** A program that has a file open, as QEMU has /dev/vfio/N, and functions by it. */
function startHolder({ linux }: ModelKernel, path: string, devices: readonly Bdf[]): Observed<number> {
  try {
    return linux.processes.start("qemu-system-x86", path, devices).pid;
  } catch (error) {
    return unread(path, errnoOf(error));
  }
}

/** `kill -9` @returns whether there was such a process */
async function endProcess({ linux }: ModelKernel, pid: number): Promise<boolean> {
  const guest = linux.guests.all.find((each) => each.pid === pid);
  if (guest !== undefined) {
    await linux.guests.stop(guest.name);
    return true;
  }
  const found = linux.processes.all.find((process) => process.pid === pid);
  found?.end();
  return found !== undefined;
}

/** @returns the errno, or null where it was done */
async function guestCall({ linux }: ModelKernel, call: (linux: Linux) => void | Promise<void>): Promise<string | null> {
  linux.time.catchUp();
  try {
    await call(linux);
    return null;
  } catch (error) {
    return errnoOf(error);
  }
}

function trafficOf({ linux }: ModelKernel, netdev: string, traffic: Traffic): Observed<TrafficReport> {
  linux.time.catchUp();
  try {
    return sendTraffic(linux, netdev, traffic);
  } catch (error) {
    return unread(netdev, errnoOf(error));
  }
}

function tryFault({ linux }: ModelKernel, fault: Fault | KernelFault): FaultRefusal {
  try {
    putFault(linux, fault);
  } catch (error) {
    if (error instanceof RangeError) return error.message;
    throw error;
  }
  linux.time.catchUp();
  return null;
}
