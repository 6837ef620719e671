/** What the guest's forecast.ts records of one PF, in one state of the machine. */
export interface ForecastRecord {
  readonly kind: "forecast";
  /** What was done to the machine before: "no driver", "own driver", ... */
  readonly stage: string;
  readonly bdf: string;
  readonly driver: string | null;
  readonly totalVfs: number;
  /** `sriov_totalvfs`. */
  readonly offered: number;
  /** What preflight says is the largest number, and `vfleet scan` of the PF as it is. */
  readonly largest: number | null;
  readonly ready: string;
  /** Checks of preflight that had no answer. */
  readonly unanswered: readonly string[];
  readonly trials: readonly Trial[];
  /** With as many VFs as work; undefined where none do. */
  readonly full?: FullRecord;
}

/** One number, as it was forecast and as the kernel took it. */
export interface Trial {
  readonly vfs: number;
  /** VFs that were there before the write. */
  readonly present: number;
  readonly forecast: {
    /** Whether a check of the host's own refuses, not one of a guest's. */
    readonly refused: boolean;
    /** Of the check that the kernel would come upon first. */
    readonly errno: string | null;
    /** What it says that the kernel's log will say. */
    readonly log: string | null;
  };
  readonly outcome: {
    readonly errno: string | null;
    /** VFs afterwards, by the `virtfn` links. */
    readonly vfs: number;
    /** Lines of the kernel's log with the PF's address. */
    readonly log: readonly string[];
  };
}

interface FullRecord {
  readonly vfs: number;
  readonly ready: string;
  /** Of `preflight --use vfio` before: the result of the check isolation. */
  readonly isolation: string;
  /** How many VFs are alone in their group. */
  readonly alone: number;
  /** A write of another number, and of the same. */
  readonly trials: readonly Trial[];
}

/** The IOMMU groups of the whole machine, as comparable text. */
export interface GroupsRecord {
  readonly kind: "groups";
  readonly stage: string;
  readonly kernel: readonly string[];
  /** Computed from the registers as they are. */
  readonly computed: readonly string[];
  /** Of each VF that is there: its group, without VFs of other PFs, as the kernel has it and as it was foreseen before. */
  readonly vfs: readonly { readonly bdf: string; readonly kernel: string; readonly foreseen: string }[];
}

export type LabForecast = ForecastRecord | GroupsRecord;
