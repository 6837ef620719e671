import type { Fault } from "../../hardware/iommu/intel-iommu.ts";
import { hex } from "../../pci/bdf.ts";
import type { Linux } from "./linux.ts";

const NS_PER_SECOND = 1e9;
/** DEFAULT_RATELIMIT_INTERVAL, DEFAULT_RATELIMIT_BURST. */
const INTERVAL_NS = 5 * NS_PER_SECOND;
const BURST = 10;
const INTR_REMAP_FROM = 0x20;

/** dma_remap_fault_reasons, irq_remap_fault_reasons (drivers/iommu/intel/dmar.c). */
const DMA_REASONS = [
  "Software",
  "Present bit in root entry is clear",
  "Present bit in context entry is clear",
  "Invalid context entry",
  "Access beyond MGAW",
  "PTE Write access is not set",
  "PTE Read access is not set",
  "Next page table ptr is invalid",
  "Root table address invalid",
  "Context table ptr is invalid",
  "non-zero reserved fields in RTP",
  "non-zero reserved fields in CTP",
  "non-zero reserved fields in PTE",
  "PCE for translation request specifies blocking",
];
/** dma_remap_sm_fault_reasons, as far as there can be such without scalable mode; from 30h on. */
const SCALABLE_REASONS = ["SM: Invalid Root Table Address", "SM: TTM 0 for request with PASID"];
const SCALABLE_FROM = 0x30;
const INTERRUPT_REASONS = [
  "Detected reserved fields in the decoded interrupt-remapped request",
  "Interrupt index exceeded the interrupt-remapping table size",
  "Present field in the IRTE entry is clear",
  "Error accessing interrupt-remapping table pointed by IRTA_REG",
  "Detected reserved fields in the IRTE entry",
  "Blocked a compatibility format interrupt request",
  "Blocked an interrupt request due to source-id verification failure",
];

/** The lines of `dmar_fault`, of which there are ten in five seconds at the most (`__ratelimit`). */
export class DmarFaultLog {
  readonly #linux: () => Linux;
  #beganNs = Number.NEGATIVE_INFINITY;
  #printed = 0;

  constructor(linux: () => Linux) {
    this.#linux = linux;
  }

  /** @param status Fault Status, as it was */
  print(status: number, faults: readonly Fault[]): void {
    this.#line(`DMAR: DRHD: handling fault status reg ${status.toString(16)}`);
    for (const fault of faults) this.#line(`DMAR: ${faultLine(fault)}`);
  }

  #line(text: string): void {
    const { log, time } = this.#linux();
    if (time.clock.nowNs > this.#beganNs + INTERVAL_NS) {
      this.#beganNs = time.clock.nowNs;
      this.#printed = 0;
    }
    if (this.#printed++ < BURST) log.print(text);
  }
}

/** `dmar_fault_do_one` */
function faultLine({ reason, sourceId, kind, info, pasid }: Fault): string {
  const device = `${hex(sourceId >>> 8, 2)}:${hex((sourceId >>> 3) & 0x1f, 2)}.${sourceId & 7}`;
  const why = `[fault reason 0x${hex(reason, 2)}]`;
  if (reason >= INTR_REMAP_FROM && reason < INTR_REMAP_FROM + INTERRUPT_REASONS.length) {
    const index = Math.floor(info / 2 ** 48).toString(16);
    const text = INTERRUPT_REASONS[reason - INTR_REMAP_FROM];
    return `[INTR-REMAP] Request device [${device}] fault index 0x${index} ${why} ${text}`;
  }
  const text = DMA_REASONS[reason] ?? SCALABLE_REASONS[reason - SCALABLE_FROM] ?? "Unknown";
  const space = pasid === undefined ? "NO_PASID" : `PASID 0x${pasid.toString(16)}`;
  const request = kind === "read" ? "DMA Read" : "DMA Write";
  return `[${request} ${space}] Request device [${device}] fault addr 0x${info.toString(16)} ${why} ${text}`;
}
