import { VfleetError } from "../../errors/vfleet-error.ts";
import { bootShell } from "../../lab/boot.ts";
import { buildImage, findImage, isWhole } from "../../lab/image.ts";
import type { LabImage } from "../../lab/lab-image.ts";
import type { Machine } from "../../lab/machine.ts";
import { MACHINES } from "../../lab/machines.ts";
import { PACKAGE_SHARE, runScript } from "../../lab/run-script.ts";
import { note, print, toJson } from "../output.ts";
import { table } from "../terminal.ts";

/** `vfleet lab list`: the machines that can be booted. */
export async function labList(options: { readonly json?: boolean }): Promise<number> {
  const image = findImage();
  if (options.json) {
    const built = image && { kernelRelease: image.kernelRelease, qemuVersion: image.qemuVersion, folder: image.folder };
    print(`${toJson({ image: built ?? null, machines: MACHINES })}\n`);
    return 0;
  }
  const state = image
    ? `Linux ${image.kernelRelease}, QEMU ${image.qemuVersion}`
    : "the image is not built yet: vfleet lab build";
  const rows = MACHINES.map(({ name, description }) => [name, description]);
  print(`${state}\n\n${table(["MACHINE", "WHAT IT HAS"], rows).join("\n")}\n`);
  return 0;
}

/** `vfleet lab build`: the image, where it is missing, stale or damaged. */
export async function labBuild(options: { readonly force?: boolean; readonly verbose?: boolean }): Promise<number> {
  const present = options.force ? undefined : findImage();
  if (present !== undefined && (await isWhole(present))) {
    note(`the image is there: Linux ${present.kernelRelease}, QEMU ${present.qemuVersion}, in ${present.folder}`);
    return 0;
  }
  if (present !== undefined) note("the image is damaged: building it again");
  const image = await build(options.verbose ?? false);
  note(`built: Linux ${image.kernelRelease}, QEMU ${image.qemuVersion}, in ${image.folder}`);
  return 0;
}

export interface LabRunOptions {
  readonly machine: string;
  readonly timeout: number;
  readonly out?: string;
  readonly json?: boolean;
}

/** `vfleet lab run SCRIPT [ARGS...]`: boots a machine, runs the script in it. @returns the script's own exit code */
export async function labRun(script: string, args: readonly string[], options: LabRunOptions): Promise<number> {
  const machine = machineByName(options.machine);
  const image = findImage() ?? (await build(false));
  return untilSignal(async (signal) => {
    const result = await runScript({
      image,
      machine,
      script,
      args,
      outFolder: options.out,
      timeoutMs: options.timeout * 1000,
      signal,
      // Beside the records, which are the result, what the script says is a message.
      onOutput: options.json ? (text) => process.stderr.write(text) : print,
      onRecord: options.json ? undefined : (record) => print(`${JSON.stringify(record)}\n`),
    });
    const { exitCode, startedSeconds, endedSeconds, wallMs } = result;
    if (options.json) print(`${toJson({ ...result, machine: machine.name })}\n`);
    else {
      const seconds = `up after ${startedSeconds.toFixed(1)} s, script ${(endedSeconds - startedSeconds).toFixed(1)} s`;
      note(`lab ${machine.name}: exit code ${exitCode}; ${seconds}, all ${(wallMs / 1000).toFixed(1)} s`);
    }
    return exitCode;
  });
}

/** Runs something that ends early, and in order, when this process is told to end. */
async function untilSignal<T>(action: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const told = new AbortController();
  const onSignal = () => told.abort();
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.once(signal, onSignal);
  try {
    return await action(told.signal);
  } finally {
    for (const signal of signals) process.off(signal, onSignal);
  }
}

const SHELL_START = `
export HISTFILE=
vfleet() { node --disable-warning=ExperimentalWarning /vfleet/bin/vfleet.js "$@"; }
PS1='lab-$LAB_MACHINE:\\w# '
echo "Lab machine $LAB_MACHINE, Linux $(uname -r). All is gone when you leave: exit, or Ctrl-D."
echo "Try: modprobe igb; echo 3 > /sys/bus/pci/devices/0000:01:00.0/sriov_numvfs; vfleet scan"
`;

/** `vfleet lab shell [MACHINE]`: a root shell in a machine, on this terminal. */
export async function labShell(name: string): Promise<number> {
  const machine = machineByName(name);
  if (!process.stdin.isTTY) {
    throw new VfleetError("VFL-0001", {
      message: "lab shell needs a terminal",
      remedy: "run a script instead: vfleet lab run SCRIPT",
    });
  }
  const image = findImage() ?? (await build(false));
  note(`booting ${machine.name}: some ten seconds`);
  const code = await untilSignal((signal) =>
    bootShell({ image, machine, shares: [PACKAGE_SHARE], command: SHELL_START, signal }),
  );
  return code === 0 ? 0 : 1;
}

function machineByName(name: string): Machine {
  const found = MACHINES.find((machine) => machine.name === name);
  if (found) return found;
  throw new VfleetError("VFL-0001", {
    message: `there is no lab machine "${name}"`,
    remedy: `one of: ${MACHINES.map((machine) => machine.name).join(", ")}`,
  });
}

async function build(verbose: boolean): Promise<LabImage> {
  note("building the lab's image from Debian packages: some minutes, once");
  const began = performance.now();
  return buildImage((line) => {
    // What the programs say is indented; the steps are not.
    if (!verbose && line.startsWith(" ")) return;
    note(`${((performance.now() - began) / 1000).toFixed(0).padStart(4)} s  ${line}`);
  });
}
