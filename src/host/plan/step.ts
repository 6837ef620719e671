import type { VfChange } from "../../kernel/port-link.ts";
import type { DriverWish } from "../desired/desired-pf.ts";
import type { Attachment, GuestAddress } from "../guest-port.ts";
import type { PfAddress } from "../pf-address.ts";

/** What each kind of step is told. VFs go by PF and vfIndex: a VF that the same plan makes has no address yet. */
interface StepArguments {
  /** Asked for by a driver that some VF is to have; the module stays when the operation is undone. */
  readonly loadModule: { readonly module: string };
  /** @param awaitCarrier the next steps need the link, as igb's rates do */
  readonly setPfUp: {
    readonly pf: PfAddress;
    readonly netdev: string;
    readonly from: boolean;
    readonly to: boolean;
    readonly awaitCarrier: boolean;
  };
  readonly setPfMtu: { readonly pf: PfAddress; readonly netdev: string; readonly from: number; readonly to: number };
  readonly setEswitchMode: { readonly pf: PfAddress; readonly from: string; readonly to: "legacy" | "switchdev" };
  readonly setDriversAutoprobe: { readonly pf: PfAddress; readonly from: boolean; readonly to: boolean };
  readonly setNumVfs: { readonly pf: PfAddress; readonly from: number; readonly to: number };
  /** Until `count` VFs have their nodes, and those that the kernel binds of itself their drivers' devices. */
  readonly awaitVfs: { readonly pf: PfAddress; readonly count: number };
  /** Of all VFs of the PF whose settings differ, in one call. */
  readonly setVfNetwork: { readonly pf: PfAddress; readonly changes: readonly VfSettingChange[] };
  /** `to` null: unbind. `from` is the driver at the time of the plan. */
  readonly bindDriver: {
    readonly pf: PfAddress;
    readonly vfIndex: number;
    readonly from: string | null;
    readonly fromOverride: string | null;
    readonly to: DriverWish;
  };
  readonly setMsixCount: {
    readonly pf: PfAddress;
    readonly vfIndex: number;
    readonly from: number | null;
    readonly to: number;
  };
  readonly assignNvmeResources: {
    readonly pf: PfAddress;
    readonly vfIndex: number;
    readonly resource: "vq" | "vi";
    readonly from: number;
    readonly to: number;
  };
  readonly setNvmeOnline: {
    readonly pf: PfAddress;
    readonly vfIndex: number;
    readonly from: boolean;
    readonly to: boolean;
  };
  /** Function Level Reset through `reset`, before another tenant has it. */
  readonly resetVf: { readonly pf: PfAddress; readonly vfIndex: number };
  /** @param from how the guest has it already: what is missing is added */
  readonly attachGuest: {
    readonly pf: PfAddress;
    readonly vfIndex: number;
    readonly guest: GuestAddress;
    readonly from?: Attachment;
    readonly attachment?: Attachment;
  };
  /** From wherever the guest has it. @param attachment how it has it */
  readonly detachGuest: {
    readonly pf: PfAddress;
    readonly vfIndex: number;
    readonly guest: GuestAddress;
    readonly attachment?: Attachment;
  };
}

export type StepKind = keyof StepArguments;

/** One step of a plan: one thing that is written, and checked. */
export type Step = { [Kind in StepKind]: { readonly kind: Kind } & StepArguments[Kind] }[StepKind];

export type StepOf<Kind extends StepKind> = Extract<Step, { readonly kind: Kind }>;

/** The settings of one VF that differ: as they go to the kernel, and each as it was; null where that was not told. */
export interface VfSettingChange {
  readonly from: Readonly<Record<string, string | number | boolean | null>>;
  readonly to: VfChange;
}

/** The PF that a step works at; undefined of one that is the whole host's. */
export function pfOf(step: Step): PfAddress | undefined {
  return "pf" in step ? step.pf : undefined;
}
