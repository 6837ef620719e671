import type { Bdf } from "../../../pci/bdf.ts";
import { isUnread, type Observed, unread } from "../../port.ts";
import type { ChangeableKernel, LogPart } from "../../port-change.ts";
import type { Devlink } from "../../port-devlink.ts";
import { type VfOutcome, vfSettings } from "../../port-link.ts";
import type { Nvme, NvmeOutcome } from "../../port-nvme.ts";
import { failed, isPending, type Outcome, type Waiting, type Within } from "../../port-outcome.ts";
import type { Uevent } from "../../port-uevent.ts";
import type { DeviceUsers } from "../../port-users.ts";
import { within } from "../within.ts";
import { type MachineConnection, MachineGone } from "./connection.ts";

/** A machine that is gone answers as a host that went down: nothing can be read, and nothing is known of a change. */
const GONE = "ENOTCONN";

/** The port over a connection to a machine's process: the same answers as the modelled kernel gives there. */
export function machineKernel(connection: MachineConnection, name: string): ChangeableKernel {
  async function read<T>(path: string, call: string, ...args: readonly unknown[]): Promise<Observed<T>> {
    try {
      return (await connection.ask(call, ...args)) as Observed<T>;
    } catch (error) {
      if (error instanceof MachineGone) return unread(path, GONE, error.message);
      throw error;
    }
  }

  /** Begins a change at the machine, and waits here as long as is wanted. */
  async function change<T>(
    target: string,
    gone: (reason: string) => T,
    waiting: Waiting | undefined,
    call: string,
    ...args: readonly unknown[]
  ): Promise<Within<T>> {
    waiting?.signal?.throwIfAborted();
    const finished = connection.request(call, args).catch((error: unknown) => {
      if (error instanceof MachineGone) return gone(error.message);
      throw error;
    }) as Promise<T>;
    // Where nobody asks how a pending change ended, its failure is nobody's.
    finished.catch(() => {});
    const answer = await connection.held(within(target, finished, waiting));
    return isPending(answer) ? { ...answer, finished: () => connection.held(finished) } : answer;
  }

  function outcome(target: string, value: unknown, waiting: Waiting | undefined, call: string, ...args: unknown[]) {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    return change<Outcome>(target, (reason) => failed(target, text, null, reason), waiting, call, ...args);
  }

  return {
    source: { kind: "model", name, complete: true },
    read: (path, limitBytes) => read<Uint8Array>(path, "read", path, limitBytes),
    readLink: (path) => read<string>(path, "readLink", path),
    list: (path) => read<readonly string[]>(path, "list", path),
    ipLink: (netdev) => read<string>(`ip link show dev ${netdev}`, "ipLink", netdev),
    log: () => read<readonly string[]>("/dev/kmsg", "log"),
    logMark: () => read<number>("/dev/kmsg", "logMark"),
    logSince: (mark) => read<LogPart>("/dev/kmsg", "logSince", mark),

    write: (path, text, waiting) => outcome(path, text, waiting, "write", path, text),
    setVfs: (netdev, changes, waiting) => {
      const gone = (reason: string): readonly VfOutcome[] =>
        vfSettings(changes).map(({ change: { vfIndex, ...rest }, setting }) => ({
          vfIndex,
          setting,
          outcome: failed(`${netdev} vf ${vfIndex} ${setting}`, JSON.stringify(rest[setting]), null, reason),
        }));
      return change(netdev, gone, waiting, "setVfs", netdev, changes);
    },
    setLink: (netdev, wanted, waiting) => {
      const [[setting, value] = ["", ""]] = Object.entries(wanted);
      return outcome(`${netdev} ${setting}`, String(value), waiting, "setLink", netdev, wanted);
    },
    loadModule: (module, waiting) => outcome("module", module, waiting, "loadModule", module),
    unloadModule: (module, waiting) => outcome("module", module, waiting, "unloadModule", module),
    devlink: machineDevlink(read, outcome),
    nvme: machineNvme(read, change),

    async usersOf(functions) {
      const users = await read<ReadonlyMap<Bdf, DeviceUsers>>("/proc", "usersOf", functions);
      if (!isUnread(users)) return users;
      const notLookedAt = [{ way: "openFiles", errno: users.errno, reason: users.reason }] as const;
      return new Map(functions.map((bdf) => [bdf, { users: [], idle: [], notLookedAt }]));
    },
    uevents: (signal) => uevents(connection, signal),
  };
}

type Read = <T>(path: string, call: string, ...args: readonly unknown[]) => Promise<Observed<T>>;
type Change = <T>(
  target: string,
  gone: (reason: string) => T,
  waiting: Waiting | undefined,
  call: string,
  ...args: readonly unknown[]
) => Promise<Within<T>>;
type Settle = (
  target: string,
  value: unknown,
  waiting: Waiting | undefined,
  call: string,
  ...args: readonly unknown[]
) => Promise<Within<Outcome>>;

function machineDevlink(read: Read, settle: Settle): Devlink {
  return {
    devices: () => read("devlink", "devlink.devices"),
    info: (device) => read(device, "devlink.info", device),
    eswitch: (device) => read(device, "devlink.eswitch", device),
    ports: () => read("devlink", "devlink.ports"),
    rates: () => read("devlink", "devlink.rates"),
    params: () => read("devlink", "devlink.params"),
    health: () => read("devlink", "devlink.health"),
    setEswitch: (device, wanted, waiting) => settle(device, wanted, waiting, "devlink.setEswitch", device, wanted),
    setPortFunction: (port, wanted, waiting) => settle(port, wanted, waiting, "devlink.setPortFunction", port, wanted),
    addRate: (node, wanted, waiting) => settle(node, wanted, waiting, "devlink.addRate", node, wanted),
    setRate: (object, wanted, waiting) => settle(object, wanted, waiting, "devlink.setRate", object, wanted),
    deleteRate: (node, waiting) => settle(node, "", waiting, "devlink.deleteRate", node),
    setParam: (device, param, waiting) => settle(device, param, waiting, "devlink.setParam", device, param),
    reload: (device, wanted, waiting) => settle(device, wanted, waiting, "devlink.reload", device, wanted),
  };
}

function machineNvme(read: Read, change: Change): Nvme {
  return {
    primaryCapabilities: (controller) => read(controller, "nvme.primaryCapabilities", controller),
    secondaryControllers: (controller) => read(controller, "nvme.secondaryControllers", controller),
    namespaces: (controller, which) => read(controller, "nvme.namespaces", controller, which),
    manage: (controller, wanted, waiting) =>
      change<NvmeOutcome>(
        controller,
        (reason) => failed(controller, JSON.stringify(wanted), null, reason),
        waiting,
        "nvme.manage",
        controller,
        wanted,
      ),
  };
}

/** Events as they come; they pile up here while nobody takes them. */
async function uevents(
  connection: MachineConnection,
  signal: AbortSignal,
): Promise<Observed<AsyncIterable<Observed<Uevent>>>> {
  signal.throwIfAborted();
  const waiting: Uevent[] = [];
  let wake = () => {};
  let over = false;
  const opened = await connection
    .stream("uevents", (item) => {
      waiting.push(item as Uevent);
      wake();
    })
    .catch((error: unknown) => {
      if (error instanceof MachineGone) return unread("uevents", GONE, error.message);
      throw error;
    });
  if (isUnread(opened)) return opened;
  if (isUnread(opened.answer)) return opened.answer;
  const stop = () => {
    opened.cancel();
    wake();
  };
  signal.addEventListener("abort", stop, { once: true });
  void opened.ended.then(() => {
    over = true;
    wake();
  });
  return (async function* () {
    try {
      while (!signal.aborted) {
        const event = waiting.shift();
        if (event !== undefined) yield event;
        else if (over) {
          yield unread("uevents", GONE, "the modelled machine was powered off");
          return;
        } else {
          await connection.held(
            new Promise<void>((resolve) => {
              wake = resolve;
            }),
          );
        }
      }
    } finally {
      signal.removeEventListener("abort", stop);
      if (!signal.aborted) opened.cancel();
    }
  })();
}
