import type { DeviceModel, DeviceState, PfDeviceModel, ResetKind } from "../device-model.ts";
import type { DevicePort } from "../device-port.ts";
import type { ControllerIdentity } from "./identify.ts";
import { type ControllerOptions, NvmeController } from "./nvme-controller.ts";
import { type NamespaceDescription, Subsystem, type SubsystemState } from "./subsystem.ts";
import { Virtualization, type VirtualizationDescription } from "./virtualization.ts";

const PRIMARY = 0;

export interface NvmeOptions {
  /** The PF's own port. */
  readonly port: DevicePort;
  /** Each VF's, once VFs are enabled. */
  readonly vfPort: (vfIndex: number) => DevicePort;
  readonly identity: ControllerIdentity;
  readonly totalBytes: number;
  readonly namespaces: readonly NamespaceDescription[];
  readonly virtualization: VirtualizationDescription;
  /** CAP.DSTRD; 0 where left out. */
  readonly doorbellStride?: number;
}

interface NvmeState {
  readonly primary: DeviceState;
  readonly secondaries: readonly DeviceState[];
  readonly virtualization: DeviceState;
  readonly subsystem: SubsystemState;
}

/**
 * An NVM subsystem with a primary controller, the PF, and a secondary controller for each of its VFs (NVM Express Base 2.0
 * §8.26). The PF's state is that of all; a VF's model saves its controller alone.
 */
export class NvmeDevice implements PfDeviceModel {
  readonly subsystem: Subsystem;
  readonly primary: NvmeController;
  readonly #options: NvmeOptions;
  readonly #virtualization: Virtualization;
  #vfs: NvmeController[] = [];

  constructor(options: NvmeOptions) {
    const { virtualization } = options;
    this.#options = options;
    const ids = Array.from({ length: virtualization.totalVfs + 1 }, (_, id) => id);
    this.subsystem = new Subsystem(options.totalBytes, options.namespaces, ids);
    this.subsystem.onChange = (namespaceId, controllerIds) => {
      for (const controller of this.#controllers) {
        if (controllerIds.has(controller.id)) controller.namespaceChanged(namespaceId);
      }
    };
    this.#virtualization = new Virtualization(virtualization, ({ vfNumber }) => this.#vfs[vfNumber - 1]?.reset("flr"));
    this.primary = new NvmeController({
      ...this.#common,
      id: PRIMARY,
      port: () => options.port,
      isVf: false,
      online: () => true,
      ioQueues: () => virtualization.vq.private + this.#virtualization.primary.vq - 1,
      vectors: () => virtualization.vi.private + this.#virtualization.primary.vi,
      ...(virtualization.totalVfs > 0 ? { virtualization: this.#virtualization } : {}),
      onControllerReset: () => this.#virtualization.primaryReset(),
    });
  }

  readBar(bar: number, offset: number, size: 1 | 2 | 4): number {
    return this.primary.readBar(bar, offset, size);
  }

  writeBar(bar: number, offset: number, size: 1 | 2 | 4, value: number): void {
    this.primary.writeBar(bar, offset, size, value);
  }

  reset(kind: ResetKind): void {
    this.primary.reset(kind);
    this.#virtualization.primaryReset();
    this.#virtualization.allocatePrimary();
  }

  enableVfs(numVfs: number): void {
    this.#makeVfs(numVfs);
    this.#virtualization.numVfs = numVfs;
  }

  disableVfs(): void {
    this.#virtualization.numVfs = 0;
    this.#vfs = [];
  }

  vf(vfIndex: number): DeviceModel {
    const vf = this.#vfs[vfIndex];
    if (vf === undefined) throw new RangeError(`VF ${vfIndex} of ${this.#vfs.length} that are enabled`);
    return vf;
  }

  save(): DeviceState {
    return {
      primary: this.primary.save(),
      secondaries: this.#vfs.map((vf) => vf.save()),
      virtualization: this.#virtualization.save(),
      subsystem: this.subsystem.save(),
    } satisfies NvmeState;
  }

  restore(state: DeviceState): void {
    const { primary, secondaries, virtualization, subsystem } = state as NvmeState;
    this.#makeVfs(secondaries.length);
    this.#virtualization.restore(virtualization, secondaries.length);
    this.subsystem.restore(subsystem);
    this.primary.restore(primary);
    for (const [index, each] of secondaries.entries()) this.vf(index).restore(each);
  }

  get #controllers(): readonly NvmeController[] {
    return [this.primary, ...this.#vfs];
  }

  get #common(): Omit<ControllerOptions, "id" | "port" | "isVf" | "online" | "ioQueues" | "vectors"> {
    const { identity, doorbellStride = 0, virtualization } = this.#options;
    return {
      subsystem: this.subsystem,
      identity,
      doorbellStride,
      controllerIds: () => this.#controllers.map(({ id }) => id),
      isController: (id) => id <= virtualization.totalVfs,
    };
  }

  #makeVfs(numVfs: number): void {
    this.#vfs = this.#virtualization.secondaries.slice(0, numVfs).map(
      (secondary, index) =>
        new NvmeController({
          ...this.#common,
          id: secondary.controllerId,
          port: () => this.#options.vfPort(index),
          isVf: true,
          // Its first queue is the admin queue.
          ioQueues: () => secondary.vq - 1,
          vectors: () => secondary.vi,
          online: () => secondary.online,
        }),
    );
  }
}
