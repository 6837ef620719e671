import type { DeviceState } from "../device-model.ts";
import type { PhysicalMemory } from "../memory.ts";
import type { PasidPrefix } from "../pasid-request.ts";
import { CONTEXT_TT_DEV_IOTLB, CONTEXT_TT_PASS_THROUGH, ContextCache } from "./context-cache.ts";
import { EventInterrupt, type SendMessage } from "./event-interrupt.ts";
import { FaultLog } from "./fault-log.ts";
import { AddressType, FaultReason } from "./fault-reason.ts";
import { type Interrupt, InterruptRemapping } from "./interrupt-remapping.ts";
import { type InvalidateDevice, InvalidationQueue } from "./invalidation-queue.ts";
import { flagsOf, IOTLB_FPD, IOTLB_READ, IOTLB_SIZE_SHIFT, IOTLB_WRITE, Iotlb, mappingBytes } from "./iotlb.ts";
import { RegisterFile } from "./register-file.ts";
import { inInterruptRange, SecondLevelWalk } from "./second-level-walk.ts";
import { capRegister, ecapRegister, type VtdCapabilities } from "./vtd-capabilities.ts";
import { VtdRegisters } from "./vtd-register-block.ts";
import {
  DMAR_CAP_REG,
  DMAR_ECAP_REG,
  DMAR_FECTL_REG,
  DMAR_IECTL_REG,
  FRCD_BYTES,
  FRCD_REG,
  vtdRegisters,
} from "./vtd-registers.ts";

/** The unit's ways to the rest of the machine. */
export interface VtdPorts {
  readonly sendMessage: SendMessage;
  readonly invalidateDevice: InvalidateDevice;
}

/** The completion of a translation request (ATS, PCIe 6.0 §10.2.3). */
export interface Translation {
  readonly status: "success" | "unsupported-request" | "completer-abort";
  /** Where what was asked for is, in the whole page or superpage of `sizeBytes`; without a permission it is nowhere. */
  readonly address: number;
  readonly sizeBytes: number;
  readonly read: boolean;
  readonly write: boolean;
}

/** An untranslated address is its own; 2 MiB at a time, which the interrupt address range is aligned to. */
const PASS_THROUGH = IOTLB_READ | IOTLB_WRITE | (1 << IOTLB_SIZE_SHIFT);
const ANY = IOTLB_READ | IOTLB_WRITE;
const BLOCKED = -1;

/**
 * A DMA remapping unit of Intel VT-d (specification revision 3.3, legacy mode), as Linux's intel-iommu driver uses it.
 * Its tables are those that software has in memory, its caches keep what they hold until software invalidates it.
 */
export class Vtd {
  readonly #registers: RegisterFile;
  readonly #block: VtdRegisters;
  readonly #iotlb: Iotlb;
  readonly #contexts: ContextCache;
  readonly #walk: SecondLevelWalk;
  readonly #faults: FaultLog;
  readonly #interrupts: InterruptRemapping;
  readonly #queue: InvalidationQueue;
  readonly #zeroLengthReads: boolean;
  readonly #hostLimit: number;
  /** Flags of the last translation. */
  #last = PASS_THROUGH;
  #faultsDisabled = false;
  #walks = 0;

  constructor(memory: PhysicalMemory, capabilities: VtdCapabilities, ports: VtdPorts) {
    const { faultRecords } = capabilities;
    const registers = new RegisterFile(FRCD_REG + faultRecords * FRCD_BYTES, vtdRegisters(faultRecords));
    const cap = capRegister(capabilities);
    const ecap = ecapRegister(capabilities);
    registers.set(DMAR_CAP_REG, cap.lower);
    registers.set(DMAR_CAP_REG + 4, cap.upper);
    registers.set(DMAR_ECAP_REG, ecap.lower);
    registers.set(DMAR_ECAP_REG + 4, ecap.upper);
    const faultEvent = new EventInterrupt(registers, DMAR_FECTL_REG, ports.sendMessage);
    const completion = new EventInterrupt(registers, DMAR_IECTL_REG, ports.sendMessage);
    this.#registers = registers;
    this.#faults = new FaultLog(registers, faultEvent, faultRecords);
    this.#iotlb = new Iotlb(capabilities.iotlbEntries);
    this.#contexts = new ContextCache(memory, capabilities);
    this.#walk = new SecondLevelWalk(memory, capabilities);
    this.#interrupts = new InterruptRemapping(memory, capabilities, this.#faults);
    const targets = {
      iotlb: this.#iotlb,
      contexts: this.#contexts,
      interrupts: this.#interrupts,
      faults: this.#faults,
      completion,
      invalidateDevice: ports.invalidateDevice,
    };
    this.#queue = new InvalidationQueue(memory, registers, targets, capabilities);
    this.#block = new VtdRegisters(registers, this.#queue, targets, faultEvent, capabilities);
    this.#zeroLengthReads = capabilities.zeroLengthReads;
    this.#hostLimit = 2 ** capabilities.hostAddressWidth;
  }

  /** A register, by its offset in the block. Of 64 bits are two of these (§10.2). */
  read32(offset: number): number {
    return this.#registers.get(offset);
  }

  write32(offset: number, value: number): void {
    this.#block.write(offset, value);
  }

  /** How many second-level walks there were: what the IOTLB did not hold. */
  get walks(): number {
    return this.#walks;
  }

  /**
   * Translates a request of a device.
   * @returns the host physical address; or -1 where the request is blocked, its fault then is recorded
   */
  translate(requesterId: number, address: number, write: boolean): number {
    if (!this.#block.translating) return this.#untranslated(address);
    const offset = address & 0xfff;
    const found = this.#iotlb.find(requesterId, address - offset);
    if ((found & (write ? IOTLB_WRITE : IOTLB_READ)) === 0) return this.#miss(requesterId, address, write, found);
    const flags = flagsOf(found);
    this.#last = flags;
    return found - flags + offset;
  }

  /** How many bytes from this address on the last successful translation, which was of it, holds for. */
  contiguousBytes(address: number): number {
    const sizeBytes = mappingBytes(this.#last);
    return sizeBytes - (address & (sizeBytes - 1));
  }

  #untranslated(address: number): number {
    this.#last = PASS_THROUGH;
    return inInterruptRange(address) ? BLOCKED : address;
  }

  /** Nothing in the IOTLB, or no permission there: an entry is good until it is invalidated, for faults too (§6.1). */
  #miss(requesterId: number, address: number, write: boolean, found: number): number {
    const wanted = write ? IOTLB_WRITE : IOTLB_READ;
    let value = found;
    if (found === 0) {
      // An interrupt request, if a write of 4 bytes; anything else there ends without a fault of its own (§3.14).
      if (inInterruptRange(address)) return BLOCKED;
      value = this.#resolve(requesterId, address, wanted, AddressType.untranslated);
    } else {
      this.#faultsDisabled = (found & IOTLB_FPD) !== 0;
      value = write ? -FaultReason.writeNotPermitted : -FaultReason.readNotPermitted;
    }
    if (value < 0) return this.#fault(-value, requesterId, address, !write, AddressType.untranslated);
    const flags = flagsOf(value);
    this.#last = flags;
    return value - flags + (address & 0xfff);
  }

  /**
   * A read of no bytes, as devices flush their writes with: it passes on pages that may only be written, too, where CAP.ZLR
   * says so (§10.4.2).
   */
  translateZeroLengthRead(requesterId: number, address: number): number {
    if (!this.#block.translating || !this.#zeroLengthReads) return this.translate(requesterId, address, false);
    const offset = address & 0xfff;
    let value = this.#iotlb.find(requesterId, address - offset);
    if (value === 0) {
      if (inInterruptRange(address)) return BLOCKED;
      value = this.#resolve(requesterId, address, ANY, AddressType.untranslated);
      if (value < 0) return this.#fault(-value, requesterId, address, true, AddressType.untranslated);
    }
    const flags = flagsOf(value);
    this.#last = flags;
    return value - flags + offset;
  }

  /** A request whose address the device had translated before (AT is 10b). */
  translated(requesterId: number, address: number, write: boolean): number {
    if (!this.#block.translating) return this.#untranslated(address);
    const slot = this.#context(requesterId, AddressType.translated);
    if (slot < 0) return this.#fault(-slot, requesterId, address, !write, AddressType.translated);
    this.#last = PASS_THROUGH;
    if (address < this.#hostLimit && !inInterruptRange(address)) return address;
    return this.#fault(FaultReason.outputInInterruptRange, requesterId, address, !write, AddressType.translated);
  }

  /** In legacy mode a request with a PASID is blocked, whatever its contexts say. */
  refusePasid(requesterId: number, address: number, write: boolean, prefix: PasidPrefix): void {
    if (!this.#block.translating) return;
    this.#faults.recordPasid(FaultReason.pasidInLegacyMode, requesterId, address, !write, prefix);
  }

  /**
   * A translation request of a device with a TLB of its own. That a page has no permission is an answer, no fault; an error
   * in the tables is both (VT-d §4.1.2, §7.1.3).
   */
  translationRequest(requesterId: number, address: number): Translation {
    const nothing = { address: 0, sizeBytes: 4096, read: false, write: false };
    if (!this.#block.translating) return { ...nothing, status: "unsupported-request" };
    const value = this.#resolve(requesterId, address, ANY, AddressType.translationRequest);
    if (value < 0) return this.#refuse(-value, requesterId, address);
    const flags = flagsOf(value);
    return {
      status: "success",
      address: value - flags + (address & 0xfff),
      sizeBytes: mappingBytes(flags),
      read: (flags & IOTLB_READ) !== 0,
      write: (flags & IOTLB_WRITE) !== 0,
    };
  }

  #refuse(reason: number, requesterId: number, address: number): Translation {
    const nothing = { address: 0, sizeBytes: 4096, read: false, write: false };
    switch (reason) {
      case FaultReason.beyondAddressWidth:
      case FaultReason.readNotPermitted:
      case FaultReason.writeNotPermitted:
        return { ...nothing, status: "success" };
      default: {
        this.#fault(reason, requesterId, address, true, AddressType.translationRequest);
        const inPagingEntry =
          reason === FaultReason.badPagingEntryPointer ||
          reason === FaultReason.pagingEntryReserved ||
          reason === FaultReason.outputInInterruptRange;
        return { ...nothing, status: inPagingEntry ? "completer-abort" : "unsupported-request" };
      }
    }
  }

  /** @returns undefined where the interrupt request is blocked; the fault is then recorded */
  remapInterrupt(requesterId: number, address: number, data: number): Interrupt | undefined {
    return this.#interrupts.remap(requesterId, address, data);
  }

  /** The slot of the function's context; or a fault's reason, negative. */
  #context(requesterId: number, type: AddressType): number {
    const contexts = this.#contexts;
    const slot = contexts.find(requesterId);
    this.#faultsDisabled = slot < 0 ? contexts.faultsDisabled : contexts.disablesFaults(slot);
    if (slot < 0 || type === AddressType.untranslated) return slot;
    return contexts.translationType(slot) === CONTEXT_TT_DEV_IOTLB ? slot : -FaultReason.blockedByTranslationType;
  }

  /** By the tables, into the IOTLB. @returns a frame's address plus flags; or a fault's reason, negative */
  #resolve(requesterId: number, address: number, wanted: number, type: AddressType): number {
    const contexts = this.#contexts;
    const slot = this.#context(requesterId, type);
    if (slot < 0) return slot;
    if (address >= contexts.limit(slot)) return -FaultReason.beyondAddressWidth;
    const page = address - (address & 0xfff);
    let value = page + PASS_THROUGH;
    if (contexts.translationType(slot) !== CONTEXT_TT_PASS_THROUGH) {
      this.#walks++;
      value = this.#walk.walk(contexts.table(slot), contexts.levels(slot), address, wanted);
      if (value < 0) return value;
    }
    if (this.#faultsDisabled) value += IOTLB_FPD;
    this.#iotlb.insert(requesterId, page, value, contexts.domainId(slot));
    return value;
  }

  /** Records what is not disabled. Faults before the context entry are not qualified (§7.1.3). */
  #fault(reason: number, requesterId: number, address: number, read: boolean, type: AddressType): number {
    if (!this.#faultsDisabled) this.#faults.recordRequest(reason, requesterId, address, read, type);
    return BLOCKED;
  }

  /** A reset of the platform: registers, and everything cached. */
  reset(): void {
    this.#registers.reset();
    this.#block.reset();
  }

  /** The registers and all that is cached: what is stale stays so. */
  save(): DeviceState {
    return {
      registers: this.#registers.save(),
      translating: this.#block.translating,
      rootTable: this.#contexts.rootTable,
      contexts: this.#contexts.save(),
      iotlb: this.#iotlb.save(),
      interrupts: this.#interrupts.save(),
      nextFaultRecord: this.#faults.next,
      queue: { enabled: this.#queue.enabled, silentDevice: this.#queue.silentDevice },
    };
  }

  restore(state: DeviceState): void {
    const saved = state as {
      registers: number[];
      translating: boolean;
      rootTable: number;
      contexts: number[][];
      iotlb: number[][];
      interrupts: unknown;
      nextFaultRecord: number;
      queue: { enabled: boolean; silentDevice: number };
    };
    this.#registers.restore(saved.registers);
    this.#block.translating = saved.translating;
    this.#contexts.rootTable = saved.rootTable;
    this.#contexts.restore(saved.contexts);
    this.#iotlb.restore(saved.iotlb);
    this.#interrupts.restore(saved.interrupts);
    this.#faults.restore(saved.nextFaultRecord);
    this.#queue.restore(saved.queue.enabled, saved.queue.silentDevice);
  }
}
