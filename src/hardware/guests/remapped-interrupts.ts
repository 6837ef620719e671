import { MSIX } from "../../pci/capabilities/msix.ts";
import type { Fabric } from "../fabric.ts";
import type { IntelIommu } from "../iommu/intel-iommu.ts";
import type { PciFunction } from "../pci-function.ts";
import { barAddressOf } from "./bar-address.ts";

const PCI_MSIX_FLAGS = 2;
const PCI_MSIX_FLAGS_ENABLE = 0x8000;
const PCI_MSIX_TABLE = 4;
const BIR = 7;
const ENTRY_BYTES = 16;
const IRTE_BYTES = 16;
const IRTE_PRESENT = 1;
/** Source id and qualifier are verified, all 16 bits (set_irte_sid with SVT_VERIFY_SID_SQ and SQ_ALL_16). */
const SVT_VERIFY_SID_SQ = 1 << 18;
const HANDLES = 256;
/** Vectors of devices on one processor: above the processor's own exceptions, below the system's. */
const FIRST_VECTOR = 0x31;
const VECTORS_OF_CPU = 0xb0;

type Handler = (vector: number) => void;

/**
 * MSI-X as a host with interrupt remapping gives it to functions (drivers/iommu/intel/irq_remapping.c): each vector has an
 * entry of its own in the table, which only that function's requests may use, and ends as a vector of some processor.
 */
export class RemappedInterrupts {
  readonly #fabric: Fabric;
  readonly #iommu: IntelIommu;
  readonly #table: number;
  readonly #handlers: ((() => void) | undefined)[] = Array.from({ length: HANDLES }, () => undefined);
  /** How often the IOMMU told of faults. */
  faultEvents = 0;
  /** What arrived that nobody handles. */
  spurious = 0;

  constructor(fabric: Fabric, iommu: IntelIommu) {
    this.#fabric = fabric;
    this.#iommu = iommu;
    this.#table = iommu.startInterruptRemapping();
    // dmar_set_interrupt: the unit's own interrupts are not remapped.
    this.#handlers[0] = () => {
      this.faultEvents++;
    };
    iommu.setFaultEvent(0xfee0_0000, FIRST_VECTOR);
    fabric.interruptSink = ({ vector, destination }) => {
      const handler = this.#handlers[destination * VECTORS_OF_CPU + vector - FIRST_VECTOR];
      if (handler === undefined) this.spurious++;
      else handler();
    };
  }

  /** pci_enable_msix_range and request_irq of all vectors. @returns their handles, for {@link disable} */
  enable(fn: PciFunction, handler: Handler): readonly number[] {
    const at = fn.template.offsetOf(MSIX, false);
    if (at === undefined) throw new RangeError(`${fn.name} has no MSI-X`);
    const rid = fn.routingId;
    const vectors = (this.#fabric.configRead(rid, at + PCI_MSIX_FLAGS, 2) & 0x7ff) + 1;
    const table = this.#fabric.configRead(rid, at + PCI_MSIX_TABLE, 4);
    const start = barAddressOf(fn, table & BIR) + ((table & ~BIR) >>> 0);
    const handles = Array.from({ length: vectors }, (_, vector) => {
      const handle = this.#allocate(rid, () => handler(vector));
      const entry = start + vector * ENTRY_BYTES;
      this.#fabric.memoryWrite(entry, 4, remappableAddress(handle));
      this.#fabric.memoryWrite(entry + 4, 4, 0);
      this.#fabric.memoryWrite(entry + 8, 4, 0);
      this.#fabric.memoryWrite(entry + 12, 4, 0);
      return handle;
    });
    this.#fabric.configWrite(rid, at + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
    return handles;
  }

  /** free_irq and pci_disable_msix: clear_entries, and qi_flush_iec. */
  disable(fn: PciFunction | undefined, handles: readonly number[]): void {
    const at = fn?.template.offsetOf(MSIX, false);
    if (fn !== undefined && at !== undefined) this.#fabric.configWrite(fn.routingId, at + PCI_MSIX_FLAGS, 2, 0);
    for (const handle of handles) {
      this.#handlers[handle] = undefined;
      this.#writeEntry(handle, 0, 0, 0);
    }
  }

  #allocate(rid: number, handler: () => void): number {
    const handle = this.#handlers.indexOf(undefined);
    if (handle < 0) throw new RangeError(`all ${HANDLES} entries of the interrupt remapping table are taken`);
    this.#handlers[handle] = handler;
    const vector = FIRST_VECTOR + (handle % VECTORS_OF_CPU);
    const destination = Math.floor(handle / VECTORS_OF_CPU);
    this.#writeEntry(handle, (vector << 16) | IRTE_PRESENT, destination << 8, SVT_VERIFY_SID_SQ | rid);
    return handle;
  }

  #writeEntry(handle: number, low: number, high: number, source: number): void {
    const { memory } = this.#iommu;
    const entry = this.#table + handle * IRTE_BYTES;
    memory.write32(entry + 8, source);
    memory.write32(entry + 12, 0);
    memory.write32(entry + 4, high);
    memory.write32(entry, low);
    this.#iommu.flushInterruptEntry(handle);
  }
}

/** intel_ir_compose_msi_msg: remappable format, with a subhandle, which is the data. */
function remappableAddress(handle: number): number {
  return (0xfee0_0018 | ((handle & 0x7fff) << 5) | ((handle >>> 15) << 2)) >>> 0;
}
