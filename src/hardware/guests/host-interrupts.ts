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
/** As many entries as fit into a page. */
const HANDLES = 256;
/** Vectors of devices on one processor: above the processor's own exceptions, below the system's. */
const FIRST_VECTOR = 0x31;
const VECTORS_OF_CPU = 0xb0;
const INTERRUPT_ADDRESS = 0xfee0_0000;

type Handler = (vector: number) => void;

export interface HostInterruptsOptions {
  /** The unit that tells of its faults by an interrupt, and remaps those of functions, unless `remapping` is false. */
  readonly iommu?: IntelIommu;
  readonly remapping?: boolean;
  /** The interrupt remapping table, of a power of two of entries; a page where left out. */
  readonly table?: { readonly address: number; readonly entries: number };
  /** The unit has faults to tell (dmar_fault). */
  readonly faulted?: () => void;
}

/** Where a function has its MSI-X table. */
export interface MsixTable {
  readonly requesterId: number;
  /** Of its first entry, in the processor's memory map. */
  readonly address: number;
}

/**
 * MSI-X as a host gives it to functions. With interrupt remapping (drivers/iommu/intel/irq_remapping.c) each vector has an entry
 * of its own in the table, which only that function's requests may use; without, its message names the processor's vector
 * itself, as any function could.
 */
export class HostInterrupts {
  readonly #fabric: Fabric;
  readonly #iommu: IntelIommu | undefined;
  readonly #table: number;
  readonly #handlers: ((() => void) | undefined)[];
  /** How often the IOMMU told of faults. */
  faultEvents = 0;
  /** What arrived that nobody handles. */
  spurious = 0;

  constructor(fabric: Fabric, options: HostInterruptsOptions = {}) {
    const { iommu, remapping = iommu !== undefined, table, faulted } = options;
    const { entries = HANDLES } = table ?? {};
    this.#fabric = fabric;
    this.#iommu = remapping ? iommu : undefined;
    this.#table = this.#iommu?.startInterruptRemapping({ table: table?.address, entries }) ?? 0;
    this.#handlers = Array.from({ length: entries }, () => undefined);
    // dmar_set_interrupt: the unit's own interrupts are not remapped.
    this.#handlers[0] = () => {
      this.faultEvents++;
      faulted?.();
    };
    iommu?.setFaultEvent(INTERRUPT_ADDRESS, FIRST_VECTOR);
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
    const address = barAddressOf(fn, table & BIR) + ((table & ~BIR) >>> 0);
    const handles = this.allocate({ requesterId: rid, address }, vectors, handler);
    if (handles === undefined) throw new RangeError("all vectors of the host are taken");
    this.#fabric.configWrite(rid, at + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
    return handles;
  }

  /** free_irq and pci_disable_msix. */
  disable(fn: PciFunction | undefined, handles: readonly number[]): void {
    const at = fn?.template.offsetOf(MSIX, false);
    if (fn !== undefined && at !== undefined) this.#fabric.configWrite(fn.routingId, at + PCI_MSIX_FLAGS, 2, 0);
    this.free(handles);
  }

  /** Writes the first entries of a function's table. @returns their handles; undefined where so many are not left */
  allocate(table: MsixTable, vectors: number, handler: Handler): readonly number[] | undefined {
    const handles: number[] = [];
    for (let handle = 0; handle < this.#handlers.length && handles.length < vectors; handle++) {
      if (this.#handlers[handle] === undefined) handles.push(handle);
    }
    if (handles.length < vectors) return undefined;
    for (const [vector, handle] of handles.entries()) {
      this.#handlers[handle] = () => handler(vector);
      const [destination, number] = placeOf(handle);
      const low = (number << 16) | IRTE_PRESENT;
      this.#writeEntry(handle, low, destination << 8, SVT_VERIFY_SID_SQ | table.requesterId);
    }
    this.writeMessages(table, handles);
    return handles;
  }

  /** Where a function was reset, its table is to be written anew (pci_restore_msix_state). */
  writeMessages({ address }: MsixTable, handles: readonly number[]): void {
    for (const [vector, handle] of handles.entries()) {
      const [destination, number] = placeOf(handle);
      const remapped = this.#iommu !== undefined;
      const entry = address + vector * ENTRY_BYTES;
      const message = remapped ? remappableAddress(handle) : (INTERRUPT_ADDRESS | (destination << 12)) >>> 0;
      this.#fabric.memoryWrite(entry, 4, message);
      this.#fabric.memoryWrite(entry + 4, 4, 0);
      this.#fabric.memoryWrite(entry + 8, 4, remapped ? 0 : number);
      this.#fabric.memoryWrite(entry + 12, 4, 0);
    }
  }

  /** clear_entries, and qi_flush_iec. */
  free(handles: readonly number[]): void {
    for (const handle of handles) {
      this.#handlers[handle] = undefined;
      this.#writeEntry(handle, 0, 0, 0);
    }
  }

  #writeEntry(handle: number, low: number, high: number, source: number): void {
    if (this.#iommu === undefined) return;
    const { memory } = this.#iommu;
    const entry = this.#table + handle * IRTE_BYTES;
    memory.write32(entry + 8, source);
    memory.write32(entry + 12, 0);
    memory.write32(entry + 4, high);
    memory.write32(entry, low);
    this.#iommu.flushInterruptEntry(handle);
  }
}

/** A vector of some processor for each handle. */
function placeOf(handle: number): readonly [destination: number, vector: number] {
  return [Math.floor(handle / VECTORS_OF_CPU), FIRST_VECTOR + (handle % VECTORS_OF_CPU)];
}

/** intel_ir_compose_msi_msg: remappable format, with a subhandle, which is the data. */
function remappableAddress(handle: number): number {
  return (0xfee0_0018 | ((handle & 0x7fff) << 5) | ((handle >>> 15) << 2)) >>> 0;
}
