import type { Bdf } from "../../pci/bdf.ts";
import { KernelError } from "./kernel-error.ts";
import type { ModelProcess, Processes, ProcessIdentity } from "./linux.ts";
import { FileNode, type Folder, lookUp } from "./sysfs-tree.ts";

const FIRST_PID = 1000;

/** Processes that have device files open: what keeps functions in use on a model. */
export class ProcessList implements Processes {
  readonly #root: Folder;
  /** A guest's process stands here once for each device that it has. */
  readonly #running = new Set<ModelProcess>();
  #nextPid = FIRST_PID;

  constructor(root: Folder) {
    this.#root = root;
  }

  get all(): readonly ModelProcess[] {
    return [...this.#running];
  }

  newPid(): number {
    return this.#nextPid++;
  }

  start(command: string, path: string, devices: readonly Bdf[] = [], as?: ProcessIdentity): ModelProcess {
    const node = lookUp(this.#root, path, true);
    if (!(node instanceof FileNode)) throw new KernelError("EISDIR");
    node.operations.open?.();
    let ended = () => {};
    const process: ModelProcess = {
      pid: as?.pid ?? this.newPid(),
      command,
      ...(as ? { guest: as.guest } : {}),
      path,
      devices,
      ended: new Promise((resolve) => {
        ended = resolve;
      }),
      end: () => {
        if (!this.#running.delete(process)) return;
        node.operations.release?.();
        ended();
      },
    };
    this.#running.add(process);
    return process;
  }

  usersOf(bdf: Bdf): readonly ModelProcess[] {
    return this.all.filter(({ devices }) => devices.includes(bdf));
  }
}
