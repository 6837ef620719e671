import { type ChildProcess, execFileSync } from "node:child_process";
import type { Socket } from "node:net";
import type { Readable } from "node:stream";
import { VfleetError } from "../errors/vfleet-error.ts";
import { Qmp } from "../qmp/qmp.ts";
import { ANSWER_MS, type CommandResult, GuestChannel, type InnerStatus } from "./guest-channel.ts";
import { INNER_COMMAND_LINE, INNER_MACHINE, INNER_SNAPSHOT } from "./inner-machine.ts";
import { ended, spawnTied } from "./qemu-process.ts";

/** Where a guest's memory and devices come from. */
type InnerStart =
  /** A guest that was up when it was saved. */
  | { readonly kind: "snapshot"; readonly path: string }
  /** From the kernel on: some ten seconds. */
  | { readonly kind: "boot"; readonly kernel: string; readonly initrd: string }
  /** A migration: `qmp.execute("migrate-incoming", …)`, then `status()`. */
  | { readonly kind: "incoming" };

export interface InnerGuestOptions {
  /** For messages. */
  readonly name: string;
  /** The snapshot of the lab's image where left out. */
  readonly start?: InnerStart;
  /** More arguments, such as a backend for a device that is plugged in later. */
  readonly args?: readonly string[];
}

const QEMU = ["qemu-system-x86_64"];
/** Makes /dev/kvm; nothing in a lab machine loads modules by itself. */
const KVM_MODULE = "kvm-amd";
const SNAPSHOT: InnerStart = { kind: "snapshot", path: INNER_SNAPSHOT };
const BOOT_MS = 300_000;
const STOP_MS = 10_000;
const CONSOLE_TAIL = 8192;

/**
 * Starts a guest inside a lab machine, and waits until it answers. It ends with this process, however that ends.
 * @throws VfleetError VFL-0033 where it does not come up; its console is in the message.
 */
export async function startInnerGuest(options: InnerGuestOptions): Promise<InnerGuest> {
  execFileSync("modprobe", [KVM_MODULE]);
  const guest = new InnerGuest(options);
  try {
    await guest.qmp.negotiate();
    if (options.start?.kind !== "incoming") await guest.status(options.start?.kind === "boot" ? BOOT_MS : ANSWER_MS);
    return guest;
  } catch (error) {
    await guest.stop();
    throw error;
  }
}

/** A guest's QEMU, and the shell in the guest. */
export class InnerGuest {
  readonly name: string;
  readonly qmp: Qmp;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  readonly #channel: GuestChannel;
  /** The end of what the guest's kernel wrote, and QEMU itself. */
  #console = "";

  constructor({ name, start = SNAPSHOT, args = [] }: InnerGuestOptions) {
    this.name = name;
    this.#child = spawnTied(
      QEMU,
      [...INNER_MACHINE, ...startArguments(start), ...args],
      ["ignore", "pipe", "pipe", "pipe", "pipe"],
    );
    type Pipes = [null, Readable, Readable, Socket, Socket];
    const [, out, err, control, channel] = this.#child.stdio as unknown as Pipes;
    for (const text of [out, err]) {
      text.setEncoding("utf8").on("data", (chunk: string) => {
        this.#console = (this.#console + chunk).slice(-CONSOLE_TAIL);
      });
    }
    this.qmp = new Qmp(control);
    this.#channel = new GuestChannel(channel, (why) => this.#failed(why));
    this.#ended = ended(this.#child).then(
      (code) => this.#channel.end(this.#failed(`its QEMU ended with ${code}`)),
      (error) => this.#channel.end(this.#failed(`its QEMU did not start: ${error.message}`)),
    );
  }

  /** What the guest sees now. */
  status(timeoutMs?: number): Promise<InnerStatus> {
    return this.#channel.status(timeoutMs);
  }

  /**
   * Asks for the status until `holds` is true of it.
   * @param otherwise what the guest did not do, for the error.
   */
  awaitStatus(holds: (status: InnerStatus) => boolean, otherwise: string, timeoutMs?: number): Promise<InnerStatus> {
    return this.#channel.awaitStatus(holds, otherwise, timeoutMs);
  }

  /** Runs one line of shell in the guest. After one that does not end in time the guest answers no more. */
  run(command: string, timeoutMs?: number): Promise<CommandResult> {
    return this.#channel.run(command, timeoutMs);
  }

  /** Plugs a device in. @param device properties as of QMP's device_add; `bus` is one of "port1" to "port4" */
  async deviceAdd(device: {
    readonly driver: string;
    readonly id: string;
    readonly [key: string]: unknown;
  }): Promise<void> {
    await this.qmp.execute("device_add", device);
  }

  /**
   * Unplugs a device, and waits until the guest has let it go.
   * @throws VfleetError VFL-0033 where the guest refuses, or does nothing in time.
   */
  async deviceDel(id: string, timeoutMs = ANSWER_MS): Promise<void> {
    const names = ["DEVICE_DELETED", "DEVICE_UNPLUG_GUEST_ERROR"];
    const [{ event }] = await Promise.all([
      this.qmp.event(({ event, data }) => names.includes(event) && data.device === id, timeoutMs),
      this.qmp.execute("device_del", { id }),
    ]);
    if (event !== "DEVICE_DELETED") throw this.#failed(`it would not let ${id} go`);
  }

  /** Ends it, without asking the guest: when this is done, nothing of it holds a device. */
  async stop(): Promise<void> {
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), STOP_MS);
    await this.#ended;
    clearTimeout(timer);
  }

  #failed(why: string): VfleetError {
    const tail = this.#console.replaceAll("\r", "").trimEnd();
    return new VfleetError("VFL-0033", { message: `the guest "${this.name}" failed: ${why}${tail && `\n${tail}`}` });
  }
}

function startArguments(start: InnerStart): string[] {
  switch (start.kind) {
    case "snapshot":
      return ["-incoming", `file:${start.path}`];
    case "boot":
      return ["-kernel", start.kernel, "-initrd", start.initrd, "-append", INNER_COMMAND_LINE];
    case "incoming":
      return ["-incoming", "defer"];
  }
}
