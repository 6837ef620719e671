import { CQE_BYTES, NVME_REG_DBS, SQE_BYTES } from "../nvme/registers.ts";
import type { GuestMemory } from "./guest-memory.ts";
import type { Mmio } from "./mmio.ts";

const PAGE_BYTES = 4096;
const PRP_BYTES = 8;

/** What a command says; what is left out is 0. */
export interface NvmeCommand {
  readonly opcode: number;
  readonly namespaceId?: number;
  readonly dword10?: number;
  readonly dword11?: number;
  readonly dword12?: number;
  readonly dword13?: number;
}

/** A submission queue with its completion queue, as `struct nvme_queue` (drivers/nvme/host/pci.c), and room for commands' data. */
export class NvmeQueuePair {
  readonly id: number;
  readonly entries: number;
  readonly slotBytes: number;
  /** The completion that `next` found. */
  commandId = 0;
  /** As Linux has it: the status field without the Phase Tag. */
  status = 0;
  result = 0;
  readonly #mmio: Mmio;
  readonly #memory: GuestMemory;
  readonly #submissions: number;
  readonly #completions: number;
  readonly #data: number;
  readonly #lists: number;
  readonly #tailDoorbell: number;
  readonly #headDoorbell: number;
  #tail = 0;
  #head = 0;
  #phase = 1;

  /**
   * @param entries of each queue; a slot for data each, of which there is one less than can be used
   * @param slotBytes whole pages; those of more than two have a PRP list, of one page at the most
   */
  constructor(mmio: Mmio, memory: GuestMemory, id: number, entries: number, slotBytes: number, doorbellBytes: number) {
    this.id = id;
    this.entries = entries;
    this.slotBytes = slotBytes;
    this.#mmio = mmio;
    this.#memory = memory;
    this.#submissions = memory.allocate(entries * SQE_BYTES, PAGE_BYTES);
    this.#completions = memory.allocate(entries * CQE_BYTES, PAGE_BYTES);
    this.#data = memory.allocate(entries * slotBytes, PAGE_BYTES);
    this.#lists = slotBytes > 2 * PAGE_BYTES ? memory.allocate(entries * PAGE_BYTES, PAGE_BYTES) : 0;
    this.#tailDoorbell = NVME_REG_DBS + 2 * id * doorbellBytes;
    this.#headDoorbell = this.#tailDoorbell + doorbellBytes;
    if (this.#lists !== 0) this.#fillLists();
  }

  get submissionAddress(): number {
    return this.#memory.busAddress(this.#submissions);
  }

  get completionAddress(): number {
    return this.#memory.busAddress(this.#completions);
  }

  /** Where a slot's data is in the driver's memory. */
  dataAt(slot: number): number {
    return this.#data + slot * this.slotBytes;
  }

  /** Begins anew, as after a reset (`nvme_init_queue`). */
  clear(): void {
    this.#memory.memory.clear(this.#completions, this.entries * CQE_BYTES);
    this.#tail = 0;
    this.#head = 0;
    this.#phase = 1;
  }

  /**
   * Puts a command into the queue; the controller sees it with `ring`.
   * @param dataBytes from the beginning of the slot, whose number is the Command Identifier
   */
  submit(slot: number, command: NvmeCommand, dataBytes: number): void {
    const { memory } = this.#memory;
    const data = this.#memory.busAddress(this.dataAt(slot));
    this.#begin(slot, command);
    const at = this.#submissions + this.#tail * SQE_BYTES;
    memory.write64(at + 24, dataBytes === 0 ? 0 : data);
    if (dataBytes > 2 * PAGE_BYTES) memory.write64(at + 32, this.#memory.busAddress(this.#lists + slot * PAGE_BYTES));
    else memory.write64(at + 32, dataBytes > PAGE_BYTES ? data + PAGE_BYTES : 0);
    this.#advance();
  }

  /** A command with PRP entries as they are given: those of a queue that is created. */
  submitAt(slot: number, command: NvmeCommand, prp1: number, prp2 = 0): void {
    this.#begin(slot, command);
    const at = this.#submissions + this.#tail * SQE_BYTES;
    this.#memory.memory.write64(at + 24, prp1);
    this.#memory.memory.write64(at + 32, prp2);
    this.#advance();
  }

  ring(): void {
    this.#mmio.write32(this.#tailDoorbell, this.#tail);
  }

  /** The next completion, if there is one (`nvme_cqe_pending`). */
  next(): boolean {
    const { view } = this.#memory.memory;
    const at = this.#completions + this.#head * CQE_BYTES;
    const status = view.getUint16(at + 14, true);
    if ((status & 1) !== this.#phase) return false;
    this.result = view.getUint32(at, true);
    this.commandId = view.getUint16(at + 12, true);
    this.status = status >>> 1;
    if (++this.#head === this.entries) {
      this.#head = 0;
      this.#phase ^= 1;
    }
    return true;
  }

  /** Tells the controller what has been taken. */
  consumed(): void {
    this.#mmio.write32(this.#headDoorbell, this.#head);
  }

  #begin(slot: number, command: NvmeCommand): void {
    const { memory } = this.#memory;
    const at = this.#submissions + this.#tail * SQE_BYTES;
    memory.write32(at, command.opcode | (slot << 16));
    memory.write32(at + 4, command.namespaceId ?? 0);
    for (let dword = 2; dword < 6; dword++) memory.write32(at + 4 * dword, 0);
    memory.write32(at + 40, command.dword10 ?? 0);
    memory.write32(at + 44, command.dword11 ?? 0);
    memory.write32(at + 48, command.dword12 ?? 0);
    memory.write32(at + 52, command.dword13 ?? 0);
    memory.write32(at + 56, 0);
    memory.write32(at + 60, 0);
  }

  #advance(): void {
    this.#tail = this.#tail + 1 === this.entries ? 0 : this.#tail + 1;
  }

  /** A slot's list has its pages from the second on. */
  #fillLists(): void {
    const { memory } = this.#memory;
    for (let slot = 0; slot < this.entries; slot++) {
      for (let page = 1; page < this.slotBytes / PAGE_BYTES; page++) {
        const at = this.#lists + slot * PAGE_BYTES + (page - 1) * PRP_BYTES;
        memory.write64(at, this.#memory.busAddress(this.dataAt(slot) + page * PAGE_BYTES));
      }
    }
  }
}
