import { isUnread, type Kernel, type Observed, unread } from "../kernel/port.ts";
import { readText } from "./observe.ts";

/** Whether DMA and interrupts of devices are remapped on this host. */
export interface IommuState {
  /** The kinds of unit that are on, as VT-d or AMD-Vi; empty where translation is off. */
  readonly units: Observed<readonly string[]>;
  /** How many IOMMU groups there are; 0 where translation is off. */
  readonly groupCount: Observed<number>;
  /** Whether interrupts are remapped, with what showed it. */
  readonly interruptRemapping: Observed<{ readonly on: boolean; readonly shownBy: string }>;
}

const GROUPS = "/sys/kernel/iommu_groups";
const INTERRUPTS = "/proc/interrupts";

/** Unit names in /sys/class/iommu, by the drivers that register them. */
const UNITS: ReadonlyArray<readonly [RegExp, string]> = [
  [/^dmar\d+$/, "VT-d"],
  [/^ivhd\d+$/, "AMD-Vi"],
  [/^smmu3/, "SMMUv3"],
  [/^smmu/, "SMMU"],
  [/^virtio/, "virtio-iommu"],
];

export async function readIommuState(kernel: Kernel): Promise<IommuState> {
  const groups = await kernel.list(GROUPS);
  const units = await kernel.list("/sys/class/iommu");
  return {
    groupCount: isUnread(groups) ? groups : groups.length,
    units: isUnread(units) ? units : [...new Set(units.map(unitKind))],
    interruptRemapping: await readInterruptRemapping(kernel),
  };
}

function unitKind(name: string): string {
  return UNITS.find(([pattern]) => pattern.test(name))?.[1] ?? name;
}

/**
 * What isolates a device's interrupts (`IRQ_DOMAIN_FLAG_ISOLATED_MSI`), by the chip names in /proc/interrupts: those of
 * VT-d and AMD-Vi begin with IR-, those of Arm's GICv3 with ITS-.
 */
const REMAPPED = /\b(?:IR-(?:PCI|IO-APIC|HPET)|ITS-)\S*/;
const NOT_REMAPPED = /(?<=^|\s)(?:PCI-MSI|IO-APIC|GICv2m)\S*/m;

/** The kernel has no attribute for it. Vectors that are in use tell; failing that, the log. */
async function readInterruptRemapping(kernel: Kernel): Promise<IommuState["interruptRemapping"]> {
  const interrupts = await readText(kernel, INTERRUPTS);
  if (!isUnread(interrupts)) {
    const remapped = REMAPPED.exec(interrupts)?.[0];
    if (remapped) return { on: true, shownBy: `${INTERRUPTS} has ${remapped}` };
    const plain = NOT_REMAPPED.exec(interrupts)?.[0];
    if (plain) return { on: false, shownBy: `${INTERRUPTS} has ${plain} and no IR-` };
  }
  const log = await kernel.log();
  if (!isUnread(log)) {
    const line = log.find((text) => /DMAR-IR: Enabled IRQ remapping|AMD-Vi: Interrupt remapping enabled/.test(text));
    if (line) return { on: true, shownBy: `kernel log: ${line}` };
  }
  return isUnread(interrupts) ? interrupts : unread(INTERRUPTS, "ENODATA", "no line tells of interrupt remapping");
}
