import type { Observed } from "./port.ts";
import type { Done, Failed, Waiting, Within } from "./port-outcome.ts";

/**
 * Virtualization enhancements of NVMe controllers, each named as in /sys/class/nvme. Block devices of namespaces are in
 * /sys/class/nvme/NAME.
 */
export interface Nvme {
  /** Identify, CNS 14h (NVM Express Base 2.0 §5.17.2.14). */
  primaryCapabilities(controller: string): Promise<Observed<NvmePrimaryCapabilities> | NvmeRefused>;
  /** Identify, CNS 15h (§5.17.2.15): all of the primary controller's, online or not. */
  secondaryControllers(controller: string): Promise<Observed<readonly NvmeSecondary[]> | NvmeRefused>;
  /** The ids of namespaces that are attached to the controller (CNS 02h), or of all that are allocated (CNS 10h). */
  namespaces(controller: string, which: "active" | "allocated"): Promise<Observed<readonly number[]> | NvmeRefused>;
  /** Virtualization Management (§5.28), sent to the primary controller `controller`. */
  manage(controller: string, change: NvmeManagement, waiting?: Waiting): Promise<Within<NvmeOutcome>>;
}

/** VQ are queue pairs, VI interrupt vectors. */
type NvmeResource = "vq" | "vi";

export type NvmeManagement =
  /** Action 1: what of the flexible resources the primary controller keeps, after its next reset. */
  | { readonly action: "primary-flexible"; readonly resource: NvmeResource; readonly count: number }
  /** Action 8; the secondary controller must be offline. */
  | {
      readonly action: "assign";
      readonly controllerId: number;
      readonly resource: NvmeResource;
      readonly count: number;
    }
  /** Actions 9 and 7. */
  | { readonly action: "online" | "offline"; readonly controllerId: number };

/** The command reached the controller, and that refused it; `Failed` is the kernel's refusal. */
export interface NvmeRefused {
  readonly kind: "nvme-refused";
  /**
   * The status field as Linux gives it: code in bits 7:0, type in 10:8, More in 13, Do Not Retry in 14. 0x4120 is Do Not
   * Retry, command specific, Invalid Secondary Controller State.
   */
  readonly status: number;
  readonly reason: string;
}

interface NvmeDone extends Done {
  /** Number of Controller Resources Modified, of `assign` and `primary-flexible`; null where it was not told. */
  readonly modified: number | null;
}

export type NvmeOutcome = NvmeDone | Failed | NvmeRefused;

export interface NvmePrimaryCapabilities {
  readonly controllerId: number;
  readonly portId: number;
  /** Absent where the controller has no flexible resources of the kind (CRT). */
  readonly vq?: NvmeFlexibleResources;
  readonly vi?: NvmeFlexibleResources;
}

export interface NvmeFlexibleResources {
  /** All that may be given out (VQFRT, VIFRT). */
  readonly total: number;
  /** Given to secondary controllers (VQRFA, VIRFA). */
  readonly assigned: number;
  /** Given to the primary controller (VQRFAP, VIRFAP). */
  readonly primary: number;
  /** Private to the primary controller (VQPRT, VIPRT). */
  readonly private: number;
  /** The most for one secondary controller (VQFRSM, VIFRSM). */
  readonly secondaryMax: number;
  /** In what steps they are given out (VQGRAN, VIGRAN). */
  readonly granularity: number;
}

export interface NvmeSecondary {
  readonly controllerId: number;
  readonly primaryControllerId: number;
  readonly online: boolean;
  /** From 1, as the Routing ID's formula counts; 0 for one that is no VF. */
  readonly vfNumber: number;
  readonly vq: number;
  readonly vi: number;
}
