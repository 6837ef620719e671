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

/** A device whose function is a PF: it has what its VFs do, too. */
export interface PfDeviceModel extends DeviceModel {
  /** VF Enable was set, with this NumVFs: the VFs' models begin. */
  enableVfs(numVfs: number): void;
  /** VF Enable was cleared, or the PF was reset. */
  disableVfs(): void;
  /** The model of a VF, from 0; only while they are enabled. */
  vf(vfIndex: number): DeviceModel;
}
