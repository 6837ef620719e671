import type { EventInterrupt } from "./event-interrupt.ts";
import {
  type InvalidationQueue,
  type InvalidationTargets,
  invalidateContexts,
  invalidateIotlb,
} from "./invalidation-queue.ts";
import type { RegisterFile } from "./register-file.ts";
import { MAX_ADDRESS_MASK, type VtdCapabilities } from "./vtd-capabilities.ts";
import {
  DMA_CCMD_ICC,
  DMA_GCMD_CFI,
  DMA_GCMD_IRE,
  DMA_GCMD_QIE,
  DMA_GCMD_SIRTP,
  DMA_GCMD_SRTP,
  DMA_GCMD_TE,
  DMA_TLB_IVT,
  DMAR_CCMD_REG,
  DMAR_FECTL_REG,
  DMAR_FSTS_REG,
  DMAR_GCMD_REG,
  DMAR_GSTS_REG,
  DMAR_ICS_REG,
  DMAR_IECTL_REG,
  DMAR_IQT_REG,
  DMAR_IRTA_REG,
  DMAR_RTADDR_REG,
  FRCD_REG,
  IOTLB_REG,
  IVA_REG,
} from "./vtd-registers.ts";

const EIME = 1 << 11;
const FINE = 3;

/** What writes to the unit's registers bring about (VT-d chapter 10). All of it is done before the write returns. */
export class VtdRegisters {
  readonly #registers: RegisterFile;
  readonly #queue: InvalidationQueue;
  readonly #targets: InvalidationTargets;
  readonly #faultEvent: EventInterrupt;
  readonly #capabilities: VtdCapabilities;
  /** TES: DMA is translated. */
  translating = false;

  constructor(
    registers: RegisterFile,
    queue: InvalidationQueue,
    targets: InvalidationTargets,
    faultEvent: EventInterrupt,
    capabilities: VtdCapabilities,
  ) {
    this.#registers = registers;
    this.#queue = queue;
    this.#targets = targets;
    this.#faultEvent = faultEvent;
    this.#capabilities = capabilities;
  }

  write(offset: number, value: number): void {
    const registers = this.#registers;
    registers.write(offset, value);
    switch (offset) {
      case DMAR_GCMD_REG:
        this.#globalCommand(value);
        break;
      case DMAR_CCMD_REG + 4:
        if (value & DMA_CCMD_ICC) this.#contextCommand();
        break;
      case IOTLB_REG + 4:
        if (value & DMA_TLB_IVT) this.#iotlbInvalidate();
        break;
      case DMAR_FSTS_REG:
        this.#targets.faults.written();
        // The queue goes on where an error stopped it.
        this.#queue.run();
        break;
      case DMAR_FECTL_REG:
        this.#faultEvent.controlWritten();
        break;
      case DMAR_IECTL_REG:
        this.#targets.completion.controlWritten();
        break;
      case DMAR_ICS_REG:
        if ((registers.get(DMAR_ICS_REG) & 1) === 0) this.#targets.completion.served();
        break;
      case DMAR_IQT_REG:
        this.#queue.run();
        break;
      default:
        if (offset >= FRCD_REG) this.#targets.faults.written();
    }
  }

  /** §10.4.4: enables are taken over, one-shot bits act where they are written as 1; all in the order of the bits. */
  #globalCommand(value: number): void {
    const { contexts, interrupts } = this.#targets;
    const registers = this.#registers;
    const { interruptRemapping } = this.#capabilities;
    if (value & DMA_GCMD_SRTP) {
      contexts.rootTable = registers.address(DMAR_RTADDR_REG, 0xfff);
      registers.setBits(DMAR_GSTS_REG, DMA_GCMD_SRTP);
    }
    if (interruptRemapping && value & DMA_GCMD_SIRTP) {
      const irta = registers.get(DMAR_IRTA_REG);
      interrupts.table = registers.address(DMAR_IRTA_REG, 0xfff);
      interrupts.entries = 2 ** ((irta & 0xf) + 1);
      interrupts.extendedMode = (irta & EIME) !== 0 && this.#capabilities.extendedInterruptMode;
      registers.setBits(DMAR_GSTS_REG, DMA_GCMD_SIRTP);
    }
    const queued = this.#status(DMA_GCMD_QIE, value);
    if (queued !== this.#queue.enabled) {
      if (queued) this.#queue.enable();
      else this.#queue.disable();
    }
    if (interruptRemapping) {
      interrupts.enabled = this.#status(DMA_GCMD_IRE, value);
      interrupts.compatibilityFormat = this.#status(DMA_GCMD_CFI, value);
    }
    this.translating = this.#status(DMA_GCMD_TE, value);
  }

  #status(bit: number, value: number): boolean {
    const set = (value & bit) !== 0;
    if (set) this.#registers.setBits(DMAR_GSTS_REG, bit);
    else this.#registers.clearBits(DMAR_GSTS_REG, bit);
    return set;
  }

  /** §10.4.7. CAIG tells what was done; 0: nothing, which is so while the queue is enabled. */
  #contextCommand(): void {
    const registers = this.#registers;
    const low = registers.get(DMAR_CCMD_REG);
    const high = registers.get(DMAR_CCMD_REG + 4);
    const granularity = this.#queue.enabled ? 0 : (high >>> 29) & FINE;
    if (granularity !== 0) {
      invalidateContexts(this.#targets.contexts, granularity, low & 0xffff, low >>> 16, high & 3);
    }
    registers.set(DMAR_CCMD_REG + 4, ((high & ~(DMA_CCMD_ICC | (FINE << 27))) | (granularity << 27)) >>> 0);
  }

  /** §10.4.8 */
  #iotlbInvalidate(): void {
    const registers = this.#registers;
    const high = registers.get(IOTLB_REG + 4);
    const addressMask = registers.get(IVA_REG) & 0x3f;
    let granularity = this.#queue.enabled ? 0 : (high >>> 28) & FINE;
    if (granularity === FINE && addressMask > MAX_ADDRESS_MASK) granularity = 0;
    if (granularity !== 0) {
      const page = registers.address(IVA_REG, 0xfff);
      invalidateIotlb(this.#targets.iotlb, granularity, high & 0xffff, page, addressMask);
    }
    registers.set(IOTLB_REG + 4, ((high & ~(DMA_TLB_IVT | (FINE << 25))) | (granularity << 25)) >>> 0);
  }

  /** After the registers were reset. */
  reset(): void {
    const { contexts, interrupts, iotlb } = this.#targets;
    this.translating = false;
    this.#queue.disable();
    interrupts.enabled = false;
    interrupts.compatibilityFormat = false;
    contexts.rootTable = 0;
    contexts.invalidateAll();
    iotlb.invalidateAll();
    interrupts.invalidateAll();
  }
}
