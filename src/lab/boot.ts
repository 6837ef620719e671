import { copyFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VfleetError } from "../errors/vfleet-error.ts";
import { readLines } from "../qmp/read-lines.ts";
import { takeBootSlot } from "./boot-slot.ts";
import type { LabImage } from "./lab-image.ts";
import type { Machine } from "./machine.ts";
import { labFile } from "./package-folder.ts";
import { DISK_BYTES, escapeComma, forwardArguments, hardwareArguments, kernelCommandLine } from "./qemu-arguments.ts";
import { ended, release, startQemu, startQemuOnTerminal } from "./qemu-process.ts";

/** A folder of this host that the machine sees. */
export interface Share {
  /** Its place in the machine is `/` and this. */
  readonly tag: string;
  readonly folder: string;
  readonly writable?: boolean;
}

export interface ShellOptions {
  readonly image: LabImage;
  readonly machine: Machine;
  /** For bash, run when the machine is up; of a shell, what it reads first. */
  readonly command: string;
  readonly shares: readonly Share[];
  /** Ends the machine. */
  readonly signal: AbortSignal;
}

/** A port of this host's loopback that leads into the machine. */
interface ForwardedPort {
  readonly hostPort: number;
  /** At MACHINE_ADDRESS, which whoever listens in the machine sets up at the device that has OUTSIDE_MAC. */
  readonly machinePort: number;
}

export interface BootOptions extends ShellOptions {
  /**
   * Its processors; 2 where nothing is said. One is enough for what waits for devices, and leaves the host's to other machines: two that
   * are emulated wait for each other.
   */
  readonly cpus?: number;
  /** Gives the machine one more network device, which leads nowhere but to this host's port. */
  readonly forward?: ForwardedPort;
  /** The machine is ended when this has passed. */
  readonly timeoutMs: number;
  /** What the command prints, as it comes. */
  readonly onOutput?: ((text: string) => void) | undefined;
  /** Each record, as it comes. */
  readonly onRecord?: ((record: LabRecord) => void) | undefined;
}

/** What a script in the machine says to this side: one line of JSON, of a kind. */
interface LabRecord {
  readonly kind: string;
  readonly [key: string]: unknown;
}

/** How a machine's life went. */
export interface BootResult {
  /** The command's. */
  readonly exitCode: number;
  /** All records but those of start and end. */
  readonly records: readonly LabRecord[];
  /** Seconds of the machine's own time until its command began, and until it ended. */
  readonly startedSeconds: number;
  readonly endedSeconds: number;
  /** Of this host's time, from QEMU's start to its end. */
  readonly wallMs: number;
  /** What the machine's kernel wrote to its console. */
  readonly console: string;
}

const CONSOLE_TAIL_LINES = 40;
/** Between the end of the command and that of QEMU. */
const POWER_OFF_MS = 15_000;

/**
 * Boots a machine, runs the command in it, and gives back what it recorded.
 * @throws VfleetError VFL-0032 where the machine did not come up, hung, panicked or was cut off; the console's end is in it.
 */
export async function boot(options: BootOptions): Promise<BootResult> {
  const giveBack = await takeBootSlot(options.signal);
  try {
    return await inTemporaryFolder((folder) => bootIn(folder, options));
  } finally {
    giveBack();
  }
}

/** Boots a machine with its console on this terminal, and a shell on it. @returns QEMU's exit code */
export function bootShell(options: ShellOptions): Promise<number | null> {
  return inTemporaryFolder((folder) => {
    const { rows = 24, columns = 80 } = process.stdout;
    writeFileSync(join(folder, "shell"), `${rows}\n${columns}\n`);
    const qemu = startQemuOnTerminal(options.image, machineArguments(folder, options));
    options.signal.addEventListener("abort", () => qemu.kill("SIGKILL"));
    return ended(qemu);
  });
}

async function bootIn(folder: string, options: BootOptions): Promise<BootResult> {
  const { image, machine, timeoutMs, signal } = options;
  const consolePath = join(folder, "console.log");
  const began = performance.now();
  const qemu = startQemu(image, [
    ...machineArguments(folder, options),
    ...(options.forward ? forwardArguments(options.forward) : []),
    ...["-serial", `file:${escapeComma(consolePath)}`],
  ]);

  const records: LabRecord[] = [];
  let start: LabRecord | undefined;
  let end: LabRecord | undefined;
  let cut: string | undefined;
  const stop = (why: string) => {
    cut ??= why;
    qemu.child.kill("SIGKILL");
  };
  const onAbort = () => stop("it was told to stop");
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort);
  const timers = [setTimeout(() => stop(`it had not ended after ${timeoutMs / 1000} s`), timeoutMs)];

  const recordsRead = readLines(qemu.records, (line) => {
    const record = parseRecord(line);
    if (record === undefined) stop(`it sent a record that is not one: ${line.slice(0, 200)}`);
    else if (record.kind === "start") start = record;
    else if (record.kind === "end") {
      end = record;
      timers.push(setTimeout(() => qemu.child.kill("SIGKILL"), POWER_OFF_MS));
    } else {
      records.push(record);
      options.onRecord?.(record);
    }
  });
  qemu.output.setEncoding("utf8").on("data", (text: string) => options.onOutput?.(text));
  let complaint = "";
  qemu.complaints.setEncoding("utf8").on("data", (text: string) => {
    complaint = (complaint + text).slice(-4096);
  });
  release(qemu, machine.registerPatch, stop);

  try {
    const code = await ended(qemu.child);
    await recordsRead;
    const consoleText = readConsole(consolePath);
    if (end === undefined) cut ??= code === 0 ? "it went off by itself (a panic?)" : `QEMU ended with ${code}`;
    if (end === undefined || cut !== undefined) {
      throw failed(machine, start ? `${cut}` : `${cut}, before its command began`, complaint, consoleText);
    }
    return {
      exitCode: Number(end.exitCode),
      records,
      startedSeconds: Number(start?.uptimeSeconds),
      endedSeconds: Number(end.uptimeSeconds),
      wallMs: performance.now() - began,
      console: consoleText,
    };
  } finally {
    for (const timer of timers) clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
    qemu.child.kill("SIGKILL");
  }
}

/** @param folder what the machine sees as /run/lab, laid out here. */
function machineArguments(
  folder: string,
  { image, machine, command, shares, cpus }: ShellOptions & Pick<BootOptions, "cpus">,
): string[] {
  copyFileSync(labFile("guest/start.sh"), join(folder, "start.sh"));
  writeFileSync(join(folder, "command.sh"), command);
  const disk = join(folder, "disk.img");
  writeFileSync(disk, "");
  truncateSync(disk, DISK_BYTES);
  return [
    ...["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-monitor", "none"],
    ...["-kernel", image.kernel, "-initrd", image.initrd, "-append", kernelCommandLine(machine)],
    ...hardwareArguments(machine, disk, cpus),
    ...["-drive", `if=none,id=root,file=${escapeComma(image.root)},format=raw,readonly=on`],
    ...["-device", "virtio-blk-pci,drive=root"],
    ...[{ tag: "run", folder }, ...shares].flatMap(shareArguments),
  ];
}

function shareArguments({ tag, folder, writable = false }: Share): string[] {
  const access = writable ? "" : ",readonly=on";
  return [
    ...["-fsdev", `local,id=${tag},path=${escapeComma(folder)},security_model=none${access}`],
    ...["-device", `virtio-9p-pci,fsdev=${tag},mount_tag=${tag}`],
  ];
}

function parseRecord(line: string): LabRecord | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && "kind" in value ? (value as LabRecord) : undefined;
  } catch {
    return undefined;
  }
}

function readConsole(path: string): string {
  try {
    return readFileSync(path, "utf8").replaceAll("\r", "");
  } catch {
    // QEMU had not got as far as to open it.
    return "";
  }
}

function failed(machine: Machine, why: string, complaint: string, consoleText: string): VfleetError {
  const tail = consoleText.trimEnd().split("\n").slice(-CONSOLE_TAIL_LINES).join("\n");
  return new VfleetError("VFL-0032", {
    message: `the lab machine "${machine.name}" failed: ${why}${complaint && `\nQEMU: ${complaint.trim()}`}\n${tail}`,
    details: { machine: machine.name, reason: why, qemu: complaint, console: tail },
  });
}

async function inTemporaryFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "vfleet-lab-"));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
