import type { DevlinkFunction, DevlinkInfo } from "../port-devlink.ts";
import { KernelError } from "./kernel-error.ts";
import type { NetDevice } from "./net-device.ts";

/** `struct devlink_ops`. They refuse by a KernelError; what is left out is EOPNOTSUPP. */
export interface DevlinkOperations {
  info(): DevlinkInfo;
  readonly eswitch?: EswitchOperations;
  readonly leafRates?: RateOperations;
  readonly nodeRates?: NodeRateOperations;
  /** `reload_down` and `reload_up`, for DEVLINK_RELOAD_ACTION_DRIVER_REINIT. */
  readonly reload?: { down(): void | Promise<void>; up(): void | Promise<void> };
}

export type EswitchMode = "legacy" | "switchdev";

/** Each mode, and how it is set. */
interface EswitchOperations {
  mode(): EswitchMode;
  setMode(mode: EswitchMode): void | Promise<void>;
  inlineMode?(): string;
  setInlineMode?(mode: string): void;
  encapMode?(): string;
  setEncapMode?(mode: string): void;
}

/** `rate_leaf_tx_share_set` and the like, in bytes a second; `rate` still has what was before. */
export interface RateOperations {
  setTxShare?(rate: DevlinkRateItem, value: number): void;
  setTxMax?(rate: DevlinkRateItem, value: number): void;
  setTxPriority?(rate: DevlinkRateItem, value: number): void;
  setTxWeight?(rate: DevlinkRateItem, value: number): void;
  setParent?(rate: DevlinkRateItem, parent: DevlinkRateItem | undefined): void;
}

export interface NodeRateOperations extends RateOperations {
  /** `rate_node_new`, `rate_node_del` */
  create(rate: DevlinkRateItem): void;
  remove(rate: DevlinkRateItem): void;
}

/** `struct devlink_rate` */
export interface DevlinkRateItem {
  readonly type: "leaf" | "node";
  /** A leaf's port index, a node's name. */
  readonly name: string;
  /** Of a leaf. */
  readonly port?: DevlinkPortItem;
  txShare: number;
  txMax: number;
  txPriority: number;
  txWeight: number;
  parent: DevlinkRateItem | undefined;
}

/** `struct devlink_port` */
export interface DevlinkPortItem {
  readonly index: number;
  readonly flavour: "physical" | "pcivf";
  readonly netdev: NetDevice;
  /** Of the flavour pcivf. */
  readonly pfNumber?: number;
  readonly vfIndex?: number;
  /** `port_fn_hw_addr_get` and its like. */
  function?(): DevlinkFunction;
  /** `port_fn_hw_addr_set` */
  setHardwareAddress?(mac: string): void;
}

/** A parameter of the mode driverinit (`struct devlink_param_item`). */
export interface DevlinkParamItem {
  readonly name: string;
  readonly generic: boolean;
  /** What the driver was begun with. */
  value: number | boolean;
  /** What it is to have when it is loaded again. */
  next?: number | boolean;
}

/** `struct devlink` */
export class DevlinkDevice {
  /** As `pci/0000:01:00.0`. */
  readonly handle: string;
  readonly operations: DevlinkOperations;
  readonly params: readonly DevlinkParamItem[];
  readonly ports = new Map<number, DevlinkPortItem>();
  /** As the kernel lists them: nodes come to the head, leaves to the end. */
  readonly rates: DevlinkRateItem[] = [];
  reporters: readonly HealthReporter[] = [];
  /** A reload that went down did not come up. */
  reloadFailed = false;

  constructor(handle: string, operations: DevlinkOperations, params: readonly DevlinkParamItem[] = []) {
    this.handle = handle;
    this.operations = operations;
    this.params = params;
  }

  /** `devl_port_register`, with `devl_rate_leaf_create` where the device has rates of VFs. */
  addPort(port: DevlinkPortItem): void {
    this.ports.set(port.index, port);
    if (port.flavour !== "pcivf" || this.operations.leafRates === undefined) return;
    this.rates.push({ ...newRate("leaf", String(port.index)), port });
  }

  /** `devl_port_unregister`, `devl_rate_leaf_destroy` */
  removePort(port: DevlinkPortItem): void {
    this.ports.delete(port.index);
    const at = this.rates.findIndex((rate) => rate.port === port);
    if (at >= 0) this.rates.splice(at, 1);
  }

  /** `devl_rate_nodes_destroy`: leaves lose their parents first. */
  removeRateNodes(): void {
    const { leafRates, nodeRates } = this.operations;
    for (const rate of this.rates) {
      if (rate.parent === undefined) continue;
      (rate.type === "leaf" ? leafRates : nodeRates)?.setParent?.(rate, undefined);
      rate.parent = undefined;
    }
    for (const node of this.rates.filter(({ type }) => type === "node")) {
      nodeRates?.remove(node);
      this.rates.splice(this.rates.indexOf(node), 1);
    }
  }
}

export function newRate(type: DevlinkRateItem["type"], name: string): DevlinkRateItem {
  return { type, name, txShare: 0, txMax: 0, txPriority: 0, txWeight: 0, parent: undefined };
}

/** `struct devlink_health_reporter`, which recovers by itself. */
export class HealthReporter {
  readonly name: string;
  state: "healthy" | "error" = "healthy";
  errors = 0;
  recoveries = 0;

  constructor(name: string) {
    this.name = name;
  }

  /** `devlink_health_report`. @param recover refuses by a KernelError */
  report(recover: () => void): void {
    const before = this.state;
    this.errors++;
    this.state = "error";
    // "abort if the previous error wasn't recovered"
    if (before !== "healthy") throw new KernelError("ECANCELED");
    recover();
    this.recoveries++;
    this.state = "healthy";
  }
}

/** The devlink devices that drivers have registered, in that order. */
export class DevlinkList {
  readonly #devices = new Map<string, DevlinkDevice>();

  get all(): readonly DevlinkDevice[] {
    return [...this.#devices.values()];
  }

  register(device: DevlinkDevice): void {
    this.#devices.set(device.handle, device);
  }

  unregister(device: DevlinkDevice): void {
    this.#devices.delete(device.handle);
  }

  /** `devlink_get_from_attrs_lock` */
  get(handle: string): DevlinkDevice {
    const device = this.#devices.get(handle);
    if (device === undefined) throw new KernelError("ENODEV");
    return device;
  }
}
