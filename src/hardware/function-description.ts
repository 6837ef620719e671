import type { Capability } from "../pci/capability.ts";

/** A Base Address Register as a device has it; the register after the one of a 64-bit BAR is its upper half. */
export interface BarDescription {
  readonly index: number;
  /** A power of two. */
  readonly sizeBytes: number;
  readonly kind?: "memory" | "io";
  readonly is64?: boolean;
  readonly prefetchable?: boolean;
}

/**
 * Registers by their names in the tables of src/pci, raw. Of registers of one name (the entries of Resizable BAR) a list
 * has one value each.
 */
export type RegisterValues = Readonly<Record<string, number | readonly number[]>>;

/** One capability where the device has it. */
export interface CapabilityDescription {
  readonly definition: Capability;
  readonly offset: number;
  /** Extended capabilities only; 1 where left out. */
  readonly version?: number;
  /** What registers hold after power on; those left out hold what the specification says. */
  readonly registers?: RegisterValues;
  /** Bits that this device ties down, although the specification lets software write them where they are implemented. */
  readonly hardwired?: RegisterValues;
}

/** What a function is, before anyone has touched it. */
export interface FunctionDescription {
  readonly vendorId: number;
  readonly deviceId: number;
  readonly revisionId?: number;
  /** Base class, sub-class, programming interface. */
  readonly classCode: number;
  readonly subsystemVendorId?: number;
  readonly subsystemId?: number;
  /** 0 none, 1 INTA to 4 INTD. */
  readonly interruptPin?: number;
  readonly bars?: readonly BarDescription[];
  /** Further registers of the header, and what of it is tied down. */
  readonly header?: RegisterValues;
  readonly hardwired?: RegisterValues;
  /** A bridge: a Type 1 header. */
  readonly bridge?: boolean;
  readonly capabilities?: readonly CapabilityDescription[];
  readonly extendedCapabilities?: readonly CapabilityDescription[];
}
