/** What went over a function: Function Level Reset, or a conventional one of the whole device. */
export type ResetKind = "flr" | "conventional";

/** A state as `structuredClone` and JSON keep it (bytes as base64 text). */
export type DeviceState = unknown;

/**
 * What a function does behind its configuration space: its BARs, and what they bring about. Configuration space, BAR
 * decoding, MSI-X tables and PBA, resets and power are the function's (pci-function.ts), which calls this.
 */
export interface DeviceModel {
  /** An access of 1, 2 or 4 bytes, naturally aligned; of 8 bytes the fabric makes two. @returns an unsigned value */
  readBar(bar: number, offset: number, size: 1 | 2 | 4): number;
  writeBar(bar: number, offset: number, size: 1 | 2 | 4, value: number): void;
  reset(kind: ResetKind): void;
  save(): DeviceState;
  restore(state: DeviceState): void;
}

/** How much of a device stands still: what it does by itself, or also what it is told by its registers. */
export type Quiet = "no" | "initiator" | "all";

/** A device whose state VFIO can take and give. */
export interface MigratableModel extends DeviceModel {
  /** What its state is of, which no device of another kind takes. */
  readonly stateKind: "82576 VF" | "NVMe controller";
  /** Of how it writes its state. */
  readonly stateVersion: number;
  /** An initiator that is quiet does no DMA and sends no interrupt; what it would have done comes when it is not any more. */
  quiet: Quiet;
  /** Whether it could be given this state: nothing is changed. */
  accepts(state: DeviceState): boolean;
}

/** Whether a function's model has a state that can be moved. */
export function isMigratable(model: DeviceModel | undefined): model is MigratableModel {
  return model !== undefined && "stateKind" in model;
}

/** A device whose function is a PF: it has what its VFs do, too. */
export interface PfDeviceModel extends DeviceModel {
  /** VF Enable was set, with this NumVFs: the VFs' models begin. */
  enableVfs(numVfs: number): void;
  /** VF Enable was cleared, or the PF was reset. */
  disableVfs(): void;
  /** The model of a VF, from 0; only while they are enabled. */
  vf(vfIndex: number): DeviceModel;
}
