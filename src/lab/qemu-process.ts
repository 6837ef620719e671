import { type ChildProcess, spawn } from "node:child_process";
import type { Socket } from "node:net";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { readLines } from "../qmp/read-lines.ts";
import type { LabImage } from "./lab-image.ts";
import type { RegisterPatch } from "./machine.ts";
import { patchRegisters } from "./patch-registers.ts";

/** QEMU's arguments for its side of the channels: what a machine says is here at once, and no file or port is needed. */
const CHANNELS = [
  ...["-device", "virtio-serial-pci"],
  ...["-chardev", "socket,id=records,fd=3", "-device", "virtserialport,chardev=records,name=vfleet.records"],
  ...["-chardev", "socket,id=output,fd=4", "-device", "virtserialport,chardev=output,name=vfleet.output"],
  ...["-chardev", "socket,id=control,fd=5", "-object", "monitor-qmp,id=qmp,chardev=control"],
];

export interface QemuProcess {
  readonly child: ChildProcess;
  /** Lines that the machine's command writes to the channel of records. */
  readonly records: Socket;
  /** What the command prints. */
  readonly output: Socket;
  /** QMP. */
  readonly control: Socket;
  /** QEMU's own complaints. */
  readonly complaints: Readable;
}

/** Starts QEMU with channels, paused; `release` lets the machine run. It ends with this process. */
export function startQemu(image: LabImage, args: readonly string[]): QemuProcess {
  const stdio = ["ignore", "ignore", "pipe", "pipe", "pipe", "pipe"] as const;
  const child = spawnTied(image.qemu, [...args, ...CHANNELS, "-S"], stdio);
  // Node makes its pipes socket pairs, and says less of those behind the third.
  const [, , complaints, records, output, control] = child.stdio as unknown as [
    null,
    null,
    Readable,
    Socket,
    Socket,
    Socket,
  ];
  // A QEMU that is killed resets its side; what it said before is here.
  for (const socket of [records, output, control]) socket.on("error", () => socket.destroy());
  return { child, records, output, control, complaints: complaintsOf(complaints) };
}

/** Starts QEMU with the machine's console on this terminal. It ends with this process. */
export function startQemuOnTerminal(image: LabImage, args: readonly string[]): ChildProcess {
  // Without signals: Ctrl-C is the machine's.
  const terminal = ["-chardev", "stdio,id=terminal,signal=off", "-serial", "chardev:terminal"];
  const child = spawnTied(image.qemu, [...args, ...terminal], ["inherit", "inherit", "pipe"]);
  if (child.stderr) complaintsOf(child.stderr).pipe(process.stderr);
  return child;
}

/**
 * Lets a machine run, once its registers are as they are wanted. QEMU answers a command only when it has made all devices;
 * its greeting comes before.
 * @param onWrong called where the registers are not found.
 */
export function release(
  { child, control }: QemuProcess,
  patch: RegisterPatch | undefined,
  onWrong: (why: string) => void,
): void {
  let released = false;
  void readLines(control, (line) => {
    if (released || !line.includes('"return"')) return;
    released = true;
    const found = patch && child.pid !== undefined ? patchRegisters(child.pid, patch) : 0;
    if (found !== (patch?.functions ?? 0)) onWrong(`the registers to change were found ${found} times in QEMU`);
    control.write('{"execute":"cont"}\n');
  });
  control.write('{"execute":"qmp_capabilities"}\n');
}

/** When a child has ended and its pipes are closed. @returns its exit code, null where a signal ended it */
export function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve(code));
  });
}

/**
 * Linux ends the child when this process ends, in whatever way: nobody else would.
 * @param qemu the program and its first arguments
 */
export function spawnTied(
  qemu: readonly string[],
  args: readonly string[],
  stdio: readonly ("ignore" | "inherit" | "pipe")[],
): ChildProcess {
  return spawn("setpriv", ["--pdeathsig", "KILL", "--", ...qemu, ...args], { stdio: [...stdio] });
}

/** QEMU warns of wires that lead to no network of the host, which is as it should be. */
const EXPECTED_COMPLAINT = /hub \d+ is not connected to host network$/;

/** What QEMU complains of, without what is expected, as it comes. */
function complaintsOf(stderr: Readable): Readable {
  async function* unexpected(): AsyncGenerator<string> {
    for await (const line of createInterface({ input: stderr })) {
      if (!EXPECTED_COMPLAINT.test(line)) yield `${line}\n`;
    }
  }
  return Readable.from(unexpected());
}
