import { SRIOV } from "../../pci/extended/sriov.ts";
import { type DeviceState, isMigratable, type MigratableModel, type Quiet } from "../device-model.ts";
import type { Fabric } from "../fabric.ts";
import { PageLog } from "../page-log.ts";
import type { PciFunction } from "../pci-function.ts";
import { type MigrationFeatures, nextDeviceState, type VfioDeviceState } from "./device-state.ts";
import { identityRecord, type StateIdentity, StateReader, stateRecord } from "./state-stream.ts";

const PCI_SRIOV_VF_DID = 0x1a;
const PAGE_BYTES = 4096;

/** Why a request to a device's migration fails, as its errno. */
export class VfioRefused extends Error {
  readonly errno: "EINVAL" | "ENODEV" | "EIO" | "EPERM";

  constructor(errno: VfioRefused["errno"], text: string) {
    super(text);
    this.name = "VfioRefused";
    this.errno = errno;
  }
}

/** What of a VF its PF's driver holds, for the VF's software: not what the administrator has set. */
export interface PfSide {
  save(): DeviceState;
  /** @returns what the PF does not let the VF have; nothing has changed then */
  restore(state: DeviceState): string | undefined;
}

export interface VfioDeviceOptions {
  readonly fabric: Fabric;
  readonly rid: number;
  readonly features: MigrationFeatures;
  readonly pfSide?: PfSide;
}

interface Stream {
  readonly device: DeviceState;
  readonly pf: DeviceState;
}

const SENDING: readonly VfioDeviceState[] = ["PRE_COPY", "PRE_COPY_P2P", "STOP_COPY"];
const QUIET: Readonly<Record<VfioDeviceState, Quiet>> = {
  RUNNING: "no",
  PRE_COPY: "no",
  RUNNING_P2P: "initiator",
  PRE_COPY_P2P: "initiator",
  STOP: "all",
  STOP_COPY: "all",
  RESUMING: "all",
  ERROR: "all",
};

/**
 * A VF under a driver of VFIO that migrates it: VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE, its data, and DMA logging. Only the
 * model has such a driver for the 82576 and NVMe: docs/decisions/0020.
 */
export class VfioDevice {
  readonly features: MigrationFeatures;
  readonly identity: StateIdentity;
  readonly #options: VfioDeviceOptions;
  #state: VfioDeviceState = "RUNNING";
  /** What can be read of the data, in PRE_COPY and STOP_COPY. */
  #data: Uint8Array = new Uint8Array(0);
  #identified = false;
  #reader: StateReader | undefined;

  /** @throws VfioRefused where the function is not there, or nothing of it can be moved (ENODEV) */
  constructor(options: VfioDeviceOptions) {
    this.#options = options;
    this.features = options.features;
    const fn = this.#function();
    const { stateKind, stateVersion } = this.#model();
    this.identity = { kind: stateKind, version: stateVersion, ...idsOf(fn) };
  }

  get state(): VfioDeviceState {
    return this.#state;
  }

  /**
   * VFIO_DEVICE_FEATURE_SET of the state: arc after arc.
   * @throws VfioRefused where there is no way, and nothing has changed; or where an arc failed: what is reached stays, or is ERROR
   */
  setState(to: VfioDeviceState): void {
    if (nextDeviceState(this.features, this.#state, to) === undefined) {
      throw new VfioRefused("EINVAL", `no way leads from ${this.#state} to ${to}`);
    }
    while (this.#state !== to) {
      const next = nextDeviceState(this.features, this.#state, to) ?? "ERROR";
      try {
        this.#step(this.#state, next);
      } catch (error) {
        this.#enter("ERROR");
        throw error;
      }
    }
  }

  /** VFIO_DEVICE_RESET, after the function's own: out of ERROR, too. */
  resetDone(): void {
    this.#data = new Uint8Array(0);
    this.#identified = false;
    this.#reader = undefined;
    this.#enter("RUNNING");
  }

  /** Reads of data_fd. @returns no bytes where there are none (for now, in PRE_COPY) */
  read(most: number): Uint8Array {
    const piece = this.#data.subarray(0, most);
    this.#data = this.#data.subarray(piece.length);
    return piece;
  }

  /** VFIO_DEVICE_FEATURE_MIG_DATA_SIZE: what is left to read. */
  get remainingBytes(): number {
    return this.#data.length;
  }

  /** Writes to data_fd. @throws StateRefused */
  write(bytes: Uint8Array): void {
    if (this.#reader === undefined) throw new VfioRefused("EINVAL", `nothing is taken in ${this.#state}`);
    this.#reader.write(bytes);
  }

  /** VFIO_DEVICE_FEATURE_DMA_LOGGING_START, of one range. */
  startLogging(iova: number, sizeBytes: number): void {
    if (sizeBytes <= 0 || iova % PAGE_BYTES !== 0 || sizeBytes % PAGE_BYTES !== 0) {
      throw new VfioRefused("EINVAL", "a range of whole pages is logged");
    }
    const port = this.#port();
    if (port.writes !== undefined) throw new VfioRefused("EINVAL", "it is logged already");
    port.writes = new PageLog(iova, sizeBytes);
  }

  /** VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT: the pages that the device wrote since the last one. */
  reportLogged(): readonly number[] {
    const { writes } = this.#port();
    if (writes === undefined) throw new VfioRefused("EINVAL", "nothing is logged");
    return writes.take();
  }

  /** VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP. */
  stopLogging(): void {
    this.#port().writes = undefined;
  }

  #step(from: VfioDeviceState, to: VfioDeviceState): void {
    const model = this.#model();
    if (from === "RESUMING") this.#load(model);
    if (to === "STOP_COPY") this.#offer(model);
    else if (SENDING.includes(to) && !this.#identified) this.#identify();
    else if (to === "RESUMING") this.#reader = new StateReader(this.identity);
    else if (!SENDING.includes(to)) {
      this.#data = new Uint8Array(0);
      this.#identified = false;
    }
    this.#enter(to);
  }

  #enter(state: VfioDeviceState): void {
    this.#state = state;
    const model = this.#options.fabric.functionAt(this.#options.rid)?.model;
    if (isMigratable(model) && model.quiet !== QUIET[state]) model.quiet = QUIET[state];
  }

  #identify(): void {
    this.#append(identityRecord(this.identity));
    this.#identified = true;
  }

  #offer(model: MigratableModel): void {
    if (!this.#identified) this.#identify();
    const stream: Stream = { device: model.save(), pf: this.#options.pfSide?.save() ?? null };
    this.#append(stateRecord(stream));
  }

  #append(bytes: Uint8Array): void {
    const joined = new Uint8Array(this.#data.length + bytes.length);
    joined.set(this.#data);
    joined.set(bytes, this.#data.length);
    this.#data = joined;
  }

  #load(model: MigratableModel): void {
    const reader = this.#reader;
    this.#reader = undefined;
    const { device, pf } = (reader?.finish() ?? {}) as Partial<Stream>;
    if (!model.accepts(device))
      throw new VfioRefused("EINVAL", `it is no state that this ${this.identity.kind} can have`);
    const refused = this.#options.pfSide?.restore(pf);
    if (refused !== undefined) throw new VfioRefused("EPERM", refused);
    model.restore(device);
  }

  #function(): PciFunction {
    const { fabric, rid } = this.#options;
    const fn = fabric.functionAt(rid);
    if (fn === undefined) throw new VfioRefused("ENODEV", "the VF is gone");
    if (fn.faults.hung) throw new VfioRefused("EIO", `${fn.name} does not answer`);
    return fn;
  }

  #model(): MigratableModel {
    const { model, name } = this.#function();
    if (!isMigratable(model)) throw new VfioRefused("ENODEV", `${name} has no state that can be moved`);
    return model;
  }

  #port() {
    return this.#options.fabric.portOf(this.#function());
  }
}

/** A VF's own registers have FFFFh: its vendor is its PF's, its device the VF Device ID there (PCIe 6.0 §9.3.4.1). */
function idsOf(fn: PciFunction): { readonly vendorId: number; readonly deviceId: number } {
  const { config, template } = fn.pf ?? fn;
  const sriov = template.offsetOf(SRIOV, true);
  const isVf = fn.pf !== undefined && sriov !== undefined;
  return { vendorId: config.read(0, 2), deviceId: config.read(isVf ? sriov + PCI_SRIOV_VF_DID : 2, 2) };
}
