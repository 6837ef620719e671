import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, openSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { VfleetError } from "../../../errors/vfleet-error.ts";
import type { Fault } from "../../../hardware/fault.ts";
import type { Bdf } from "../../../pci/bdf.ts";
import type { Observed } from "../../port.ts";
import type { ChangeableKernel } from "../../port-change.ts";
import { readInput } from "../../read-input.ts";
import type { KernelFault } from "../kernel-fault.ts";
import type { GuestDescription, ModelGuest } from "../linux.ts";
import { MachineConnection, MachineGone, saysNobody } from "./connection.ts";
import { machineKernel } from "./machine-kernel.ts";
import { type MachineMoves, machineMoves } from "./machine-moves.ts";
import type { MachineFlows } from "./model-flows.ts";
import {
  type FaultRefusal,
  type FileStatus,
  type FlowReport,
  type MachineInfo,
  type MachinePart,
  PROTOCOL_VERSION,
  type Traffic,
  type TrafficReport,
} from "./protocol.ts";
import { knownMachines, LOG, machineFolder, makeFolder, modelsFolder, realFile } from "./state-folder.ts";

const START_MS = 60_000;
const OFF_MS = 10_000;
const POLL_MS = 20;
const LOG_TAIL_LINES = 12;
const MODEL_LIMIT_BYTES = 1024 * 1024;
/** Node's own notes, as that it compiles on the fly. */
const NO_WARNINGS = "--disable-warning=ExperimentalWarning";

/** A machine that runs, as a client has it. */
export interface ModelledMachine {
  readonly info: MachineInfo;
  /** Whether this call has powered it on. */
  readonly started: boolean;
  /** Its file is another than at power-on. */
  readonly stale: boolean;
  readonly kernel: ChangeableKernel;
  /** @param follow whether a link at the very end is followed */
  stat(path: string, follow: boolean): Promise<Observed<FileStatus>>;
  /** Starts a process that keeps a file open, and functions in use by it, as QEMU does. @returns its PID */
  hold(path: string, devices: readonly Bdf[]): Promise<Observed<number>>;
  /** Mounts a block device, as with that file system on it. @returns the errno, or null where it was done */
  mount(source: string, point: string, type: string): Promise<string | null>;
  /** By where it is mounted, or by what is. */
  unmount(what: string): Promise<string | null>;
  /** Ends such a process. @returns whether there was one */
  kill(pid: number): Promise<boolean>;
  readonly guests: MachineGuests;
  readonly moves: MachineMoves;
  /** Frames between VFs of a network device, through rings, IOMMU and the card's switch. */
  sendTraffic(netdev: string, traffic: Traffic): Promise<Observed<TrafficReport>>;
  readonly flows: MachineFlows;
  /** What faults can be put upon. */
  parts(): Promise<readonly MachinePart[]>;
  /** @returns why it was refused, or null */
  injectFault(fault: Fault | KernelFault): Promise<FaultRefusal>;
  /** Ends its process; all of its state is gone. */
  powerOff(): Promise<void>;
  /** Gives the connection to it back; it runs on. */
  close(): void;
}

/** Virtual machines of a modelled machine. Changes give the errno, or null where they were done. */
export interface MachineGuests {
  list(): Promise<readonly ModelGuest[]>;
  start(guest: GuestDescription): Promise<string | null>;
  stop(name: string): Promise<string | null>;
  plug(name: string, bdf: Bdf): Promise<string | null>;
  unplug(name: string, bdf: Bdf): Promise<string | null>;
}

/**
 * The machine that a file describes: the one that runs, or it is powered on.
 * @param models where machines have their folders
 * @throws VfleetError VFL-0002, VFL-0016 of the file; VFL-0041 where its process cannot be reached
 */
export async function openMachine(path: string, models: string = modelsFolder()): Promise<ModelledMachine> {
  const file = realFile(path);
  const folder = machineFolder(file, models);
  const running = await reach(folder);
  if (running !== undefined) return attached(running, folder, path, file, false);
  await checkModel(file, path);
  makeFolder(folder);
  return attached(await start(folder, file), folder, path, file, true);
}

/** The machine of a file where it runs; undefined where it is off. */
export async function runningMachine(
  path: string,
  models: string = modelsFolder(),
): Promise<ModelledMachine | undefined> {
  // The file of a machine that still runs may be gone.
  const known = [...knownMachines(models)].find(([, file]) => file === path);
  const file = known?.[1] ?? realFile(path);
  const folder = known?.[0] ?? machineFolder(file, models);
  const connection = await reach(folder);
  return connection && attached(connection, folder, path, file, false);
}

/** The same. @throws MachineGone where it is off */
export async function machineThatRuns(path: string): Promise<ModelledMachine> {
  const machine = await runningMachine(path);
  if (machine === undefined) throw new MachineGone(`${path} is powered off`);
  return machine;
}

/** All machines of this user: those that run with what they say of themselves, others by their files. */
export async function listMachines(
  models: string = modelsFolder(),
): Promise<ReadonlyArray<{ readonly file: string; readonly info: MachineInfo | null }>> {
  return Promise.all(
    [...knownMachines(models)].map(async ([folder, file]) => {
      const connection = await reach(folder);
      if (connection === undefined) return { file, info: null };
      const info = await aboutOf(connection);
      connection.close();
      return { file, info };
    }),
  );
}

/** @throws VfleetError VFL-0002 to 0005, VFL-0016 */
export async function checkModel(file: string, label: string): Promise<void> {
  const text = await readInput(file, { limitBytes: MODEL_LIMIT_BYTES });
  const { readModel } = await import("../description/read-model.ts");
  readModel(Buffer.from(text).toString(), label);
}

async function reach(folder: string): Promise<MachineConnection | undefined> {
  try {
    return await MachineConnection.open(folder);
  } catch (error) {
    if (saysNobody(error)) return undefined;
    const { code = "" } = error as NodeJS.ErrnoException;
    throw notReached(`its socket in ${folder} cannot be used: ${code}`, error);
  }
}

/** Starts the process, or finds the one that somebody else started meanwhile. */
async function start(folder: string, file: string): Promise<MachineConnection> {
  const log = openSync(join(folder, LOG), "w", 0o600);
  const script = fileURLToPath(new URL(`serve-model${extname(import.meta.url)}`, import.meta.url));
  const child = spawn(process.execPath, [NO_WARNINGS, script, file, folder], {
    detached: true,
    stdio: ["ignore", log, log],
    cwd: "/",
  });
  closeSync(log);
  let failure: string | undefined;
  child.on("error", (error) => {
    failure = error.message;
  });
  child.unref();
  const until = performance.now() + START_MS;
  while (performance.now() < until) {
    const connection = await reach(folder);
    if (connection !== undefined) return connection;
    // It ends with 4 where another process has the machine, which will listen soon.
    const ended = failure ?? (child.exitCode === null || child.exitCode === 4 ? child.signalCode : child.exitCode);
    if (ended !== null) throw notReached(`its process ended as it began (${ended})${logTail(folder)}`);
    await delay(POLL_MS);
  }
  throw notReached(`its process did not listen within ${START_MS / 1000} s${logTail(folder)}`);
}

/** What a machine says of itself; a connection over which it does not is given back. */
async function aboutOf(connection: MachineConnection): Promise<MachineInfo> {
  try {
    return (await connection.ask("machine.about")) as MachineInfo;
  } catch (error) {
    connection.close();
    throw error;
  }
}

async function attached(
  connection: MachineConnection,
  folder: string,
  path: string,
  file: string,
  started: boolean,
): Promise<ModelledMachine> {
  const info = await aboutOf(connection);
  if (info.protocol !== PROTOCOL_VERSION) {
    connection.close();
    throw notReached(`its process ${info.pid} is of another version of vfleet`);
  }
  return {
    info,
    started,
    stale: digestOf(file) !== info.digest,
    kernel: machineKernel(connection, `model:${path}`),
    stat: async (at, follow) => (await connection.ask("machine.stat", at, follow)) as Observed<FileStatus>,
    hold: async (at, devices) => (await connection.ask("machine.hold", at, devices)) as Observed<number>,
    mount: async (...args) => (await connection.ask("machine.mount", ...args)) as string | null,
    unmount: async (what) => (await connection.ask("machine.unmount", what)) as string | null,
    kill: async (pid) => (await connection.ask("machine.kill", pid)) as boolean,
    guests: {
      list: async () => (await connection.ask("guests.list")) as readonly ModelGuest[],
      start: async (guest) => (await connection.ask("guests.start", guest)) as string | null,
      stop: async (name) => (await connection.ask("guests.stop", name)) as string | null,
      plug: async (name, bdf) => (await connection.ask("guests.plug", name, bdf)) as string | null,
      unplug: async (name, bdf) => (await connection.ask("guests.unplug", name, bdf)) as string | null,
    },
    moves: machineMoves(connection),
    sendTraffic: async (netdev, traffic) =>
      (await connection.ask("machine.traffic", netdev, traffic)) as Observed<TrafficReport>,
    flows: {
      list: async () => (await connection.ask("flows.list")) as readonly FlowReport[],
      start: async (flow) => (await connection.ask("flows.start", flow)) as Observed<number>,
      stop: async (id) => (await connection.ask("flows.stop", id)) as Observed<FlowReport>,
    },
    parts: async () => (await connection.ask("machine.parts")) as readonly MachinePart[],
    injectFault: async (fault) => (await connection.ask("machine.fault", fault)) as FaultRefusal,
    close: () => connection.close(),
    async powerOff() {
      await connection.ask("machine.off");
      const until = performance.now() + OFF_MS;
      for (let left = await reach(folder); left !== undefined; left = await reach(folder)) {
        left.close();
        if (performance.now() > until) throw notReached(`its process ${info.pid} does not end`);
        await delay(POLL_MS);
      }
    },
  };
}

function digestOf(file: string): string | undefined {
  try {
    return createHash("sha256").update(readFileSync(file)).digest("hex");
  } catch {
    // It is gone, or may not be read any more: another than it was.
    return undefined;
  }
}

function logTail(folder: string): string {
  try {
    const lines = readFileSync(join(folder, LOG), "utf8").trimEnd().split("\n").slice(-LOG_TAIL_LINES);
    return lines[0] === "" ? "" : `:\n  ${lines.join("\n  ")}`;
  } catch {
    return "";
  }
}

function notReached(why: string, cause?: unknown): VfleetError {
  return new VfleetError("VFL-0041", { message: `the modelled machine: ${why}`, cause });
}
