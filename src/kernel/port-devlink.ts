import type { Observed } from "./port.ts";
import type { Outcome, Waiting, Within } from "./port-outcome.ts";

/** devlink's objects. A device is `pci/0000:01:00.0`, a port of it `pci/0000:01:00.0/3`. null: the driver tells nothing. */
export interface Devlink {
  devices(): Promise<Observed<readonly string[]>>;
  info(device: string): Promise<Observed<DevlinkInfo>>;
  eswitch(device: string): Promise<Observed<DevlinkEswitch>>;
  /** Of all devices. */
  ports(): Promise<Observed<readonly DevlinkPort[]>>;
  /** Of all devices. */
  rates(): Promise<Observed<readonly DevlinkRate[]>>;
  /** Of all devices. */
  params(): Promise<Observed<readonly DevlinkParam[]>>;
  /** Of all devices. */
  health(): Promise<Observed<readonly DevlinkReporter[]>>;

  /** One setting a call: the kernel takes several, and does not say which it refused. */
  setEswitch(device: string, change: DevlinkEswitchChange, waiting?: Waiting): Promise<Within<Outcome>>;
  setPortFunction(port: string, change: DevlinkFunctionChange, waiting?: Waiting): Promise<Within<Outcome>>;
  /** @param node `pci/0000:01:00.0/NAME`; a name is no number. */
  addRate(node: string, change: DevlinkRateChange, waiting?: Waiting): Promise<Within<Outcome>>;
  /** @param object a port (a leaf), or a node. */
  setRate(object: string, change: DevlinkRateChange, waiting?: Waiting): Promise<Within<Outcome>>;
  deleteRate(node: string, waiting?: Waiting): Promise<Within<Outcome>>;
  setParam(device: string, param: DevlinkParamChange, waiting?: Waiting): Promise<Within<Outcome>>;
  /** Unbinds and binds what the driver has: all VFs of the device may be gone after it. */
  reload(device: string, change: DevlinkReload, waiting?: Waiting): Promise<Within<Outcome>>;
}

export interface DevlinkInfo {
  readonly driver: string | null;
  readonly serialNumber: string | null;
  readonly boardSerialNumber: string | null;
  /** By the name of what has the version, as `fw.mgmt`. */
  readonly fixed: Readonly<Record<string, string>>;
  readonly running: Readonly<Record<string, string>>;
  /** In flash; another than the running one waits for a reset. */
  readonly stored: Readonly<Record<string, string>>;
}

/** As devlink names them: `legacy` or `switchdev`; `none`, `link`, `network` or `transport`; `none` or `basic`. */
export interface DevlinkEswitch {
  readonly mode: string | null;
  readonly inlineMode: string | null;
  readonly encapMode: string | null;
}

type DevlinkEswitchChange =
  | { readonly mode: "legacy" | "switchdev" }
  | { readonly inlineMode: "none" | "link" | "network" | "transport" }
  | { readonly encapMode: "none" | "basic" };

export interface DevlinkPort {
  readonly port: string;
  readonly device: string;
  readonly type: string | null;
  readonly netdev: string | null;
  /** `physical`, `pcipf`, `pcivf`, `pcisf`, ... */
  readonly flavour: string | null;
  /** Of the flavours pcipf, pcivf and pcisf: the function behind the port, for which it stands. */
  readonly controller: number | null;
  readonly pfNumber: number | null;
  readonly vfIndex: number | null;
  /** The function is another host's, as a DPU has them. */
  readonly external: boolean | null;
  readonly function: DevlinkFunction | null;
}

/** The function's settings, under devlink's names: hw_addr, state, opstate, roce, migratable. */
export interface DevlinkFunction {
  readonly hwAddress: string | null;
  readonly state: string | null;
  readonly opState: string | null;
  readonly roce: string | null;
  readonly migratable: string | null;
}

type DevlinkFunctionChange =
  | { readonly hwAddress: string }
  | { readonly state: "active" | "inactive" }
  | { readonly roce: boolean }
  | { readonly migratable: boolean };

/** Rates are in bytes a second, the kernel's unit; 0 is no limit, and no share. */
export interface DevlinkRate {
  /** A port (type leaf), or a node. */
  readonly object: string;
  readonly type: "leaf" | "node";
  readonly txShare: number;
  readonly txMax: number;
  /** null where it is 0 or this kernel has none. */
  readonly txPriority: number | null;
  readonly txWeight: number | null;
  /** A node's name, without its device. */
  readonly parent: string | null;
}

export interface DevlinkRateChange {
  readonly txShare?: number;
  readonly txMax?: number;
  readonly txPriority?: number;
  readonly txWeight?: number;
  /** null takes the parent away. */
  readonly parent?: string | null;
}

type DevlinkParamMode = "runtime" | "driverinit" | "permanent";
type DevlinkParamValue = string | number | boolean;

export interface DevlinkParam {
  readonly device: string;
  readonly name: string;
  readonly generic: boolean;
  readonly values: ReadonlyArray<{ readonly mode: string; readonly value: DevlinkParamValue }>;
}

interface DevlinkParamChange {
  readonly name: string;
  readonly value: DevlinkParamValue;
  readonly mode: DevlinkParamMode;
}

interface DevlinkReload {
  /** What devlink does of itself is driver_reinit. */
  readonly action?: "driver_reinit" | "fw_activate";
  /** Refused rather than done by way of a reset. */
  readonly noReset?: boolean;
}

export interface DevlinkReporter {
  /** A device, or a port. */
  readonly object: string;
  readonly name: string;
  /** `healthy` or `error`. */
  readonly state: string;
  readonly errors: number;
  readonly recoveries: number;
}
