import type { BarDescription, CapabilityDescription, FunctionDescription } from "./function-description.ts";

/** First VF Offset and VF Stride, as they are for a function number. */
export interface VfPlacement {
  readonly firstVfOffset: number;
  readonly vfStride: number;
}

/** The SR-IOV side of a PF. */
export interface SriovDescription {
  readonly offset: number;
  readonly version?: number;
  readonly totalVfs: number;
  /** TotalVFs where left out. */
  readonly initialVfs?: number;
  readonly vfDeviceId: number;
  /** Function Dependency Link; the PF itself where left out. */
  readonly functionDependencyLink?: number;
  /** Bit n: pages of 2^(n+12) bytes; 553h where left out. */
  readonly supportedPageSizes?: number;
  /** In a hierarchy that is ARI capable; without that where it differs. May depend on NumVFs. */
  readonly placement: VfPlacement;
  readonly placementWithoutAri?: VfPlacement;
  /** A hardware that enables all of its VFs, whatever NumVFs says. */
  readonly enablesAll?: boolean;
  readonly vfBars: readonly BarDescription[];
  /** What each VF is; IDs, class and BARs come from the PF. */
  readonly vf: {
    readonly capabilities: readonly CapabilityDescription[];
    readonly extendedCapabilities: readonly CapabilityDescription[];
  };
  /** How long after VF Enable its VFs answer; 100 ms, the most that the specification allows, where left out. */
  readonly enableNs?: number;
  readonly vfResetNs?: number;
}

export interface DeviceFunction extends FunctionDescription {
  readonly sriov?: SriovDescription;
  readonly resetNs?: number;
}

/** A device of one or more functions, from function 0 on. */
export interface DeviceDescription {
  readonly name: string;
  readonly functions: readonly DeviceFunction[];
  /** Its functions' requests to each other stay inside it, where no ACS sends them up. */
  readonly peerToPeer: boolean;
}
