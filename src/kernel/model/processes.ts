import type { Bdf } from "../../pci/bdf.ts";
import { KernelError } from "./kernel-error.ts";
import type { ModelProcess, Processes } from "./linux.ts";
import { FileNode, type Folder, lookUp } from "./sysfs-tree.ts";

const FIRST_PID = 1000;

/** Processes that have device files open: what keeps functions in use on a model. */
export class ProcessList implements Processes {
  readonly #root: Folder;
  readonly #running = new Map<number, ModelProcess>();
  #nextPid = FIRST_PID;

  constructor(root: Folder) {
    this.#root = root;
  }

  get all(): readonly ModelProcess[] {
    return [...this.#running.values()];
  }

  start(command: string, path: string, devices: readonly Bdf[] = []): ModelProcess {
    const node = lookUp(this.#root, path, true);
    if (!(node instanceof FileNode)) throw new KernelError("EISDIR");
    node.operations.open?.();
    let ended = () => {};
    const process: ModelProcess = {
      pid: this.#nextPid++,
      command,
      path,
      devices,
      ended: new Promise((resolve) => {
        ended = resolve;
      }),
      end: () => {
        if (!this.#running.delete(process.pid)) return;
        node.operations.release?.();
        ended();
      },
    };
    this.#running.set(process.pid, process);
    return process;
  }

  usersOf(bdf: Bdf): readonly ModelProcess[] {
    return this.all.filter(({ devices }) => devices.includes(bdf));
  }
}
