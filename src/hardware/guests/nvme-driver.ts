import { NVME_ADMIN, NVME_CNS, NVME_FEATURE_ASYNC_EVENTS, NVME_FEATURE_NUMBER_OF_QUEUES } from "../nvme/opcodes.ts";
import {
  NVME_CC_EN,
  NVME_CC_IOCQES_SHIFT,
  NVME_CC_IOSQES_SHIFT,
  NVME_CC_SHN_NORMAL,
  NVME_CQES,
  NVME_CSTS_CFS,
  NVME_CSTS_RDY,
  NVME_REG_ACQ,
  NVME_REG_ACQ_HIGH,
  NVME_REG_AQA,
  NVME_REG_ASQ,
  NVME_REG_ASQ_HIGH,
  NVME_REG_CAP,
  NVME_REG_CAP_HIGH,
  NVME_REG_CC,
  NVME_REG_CSTS,
  NVME_SQES,
} from "../nvme/registers.ts";
import type { GuestMemory } from "./guest-memory.ts";
import type { Mmio } from "./mmio.ts";
import { type NvmeCommand, NvmeQueuePair } from "./nvme-queue-pair.ts";

const PAGE_BYTES = 4096;
const ADMIN_ENTRIES = 32;
const ADMIN_SLOT = 0;
/** The Command Identifier of requests for events: no command's. */
const EVENT_SLOT = ADMIN_ENTRIES - 1;
const QUEUE_CONTIGUOUS = 0x1;
const QUEUE_INTERRUPTS = 0x2;
/** NVME_AEN_SUPPORTED, as far as the controller has it (`nvme_enable_aen`). */
const NAMESPACE_NOTICES = 0x100;

export interface NvmeDriverOptions {
  readonly mmio: Mmio;
  readonly memory: GuestMemory;
  /** As many I/O queues as are wanted: of a kernel, as it has processors. */
  readonly ioQueues: number;
  /** Vectors of MSI-X: the first is the admin queue's. */
  readonly vectors: number;
  readonly entries: number;
  /** Of data a command may have; whole pages. */
  readonly slotBytes: number;
}

/** How a command ended. */
export interface NvmeAnswer {
  readonly status: number;
  readonly result: number;
}

/** A driver of an NVMe controller, as Linux's nvme (drivers/nvme/host/pci.c, core.c); it polls its queues. */
export class NvmeDriver {
  readonly ioQueues: NvmeQueuePair[] = [];
  /** Dword 0 of the events that the controller told of. */
  readonly events: number[] = [];
  readonly #options: NvmeDriverOptions;
  readonly #doorbellBytes: number;
  readonly #admin: NvmeQueuePair;
  #waitsForEvents = false;

  constructor(options: NvmeDriverOptions) {
    const { mmio, memory } = options;
    this.#options = options;
    this.#doorbellBytes = 4 << (mmio.read32(NVME_REG_CAP_HIGH) & 0xf);
    this.#admin = new NvmeQueuePair(mmio, memory, 0, ADMIN_ENTRIES, PAGE_BYTES, this.#doorbellBytes);
  }

  /** CSTS */
  get status(): number {
    return this.#options.mmio.read32(NVME_REG_CSTS);
  }

  /** It is enabled, and not dead (`nvme_pci_ctrl_is_dead`): what has been taken out reads as all ones. */
  get ready(): boolean {
    return (this.status & (NVME_CSTS_RDY | NVME_CSTS_CFS)) === NVME_CSTS_RDY;
  }

  /** How long Linux waits for the controller to get ready: whole seconds (`nvme_enable_ctrl`); CAP.TO is in 500 ms. */
  get timeoutMs(): number {
    return Math.floor(((this.#options.mmio.read32(NVME_REG_CAP) >>> 24) + 1) / 2) * 1000;
  }

  /** `nvme_pci_configure_admin_queue`, up to where it waits for the controller to be ready. */
  enable(): void {
    const { mmio } = this.#options;
    this.disable();
    this.#admin.clear();
    mmio.write32(NVME_REG_AQA, (ADMIN_ENTRIES - 1) | ((ADMIN_ENTRIES - 1) << 16));
    writeAddress(mmio, NVME_REG_ASQ, NVME_REG_ASQ_HIGH, this.#admin.submissionAddress);
    writeAddress(mmio, NVME_REG_ACQ, NVME_REG_ACQ_HIGH, this.#admin.completionAddress);
    mmio.write32(NVME_REG_CC, (NVME_SQES << NVME_CC_IOSQES_SHIFT) | (NVME_CQES << NVME_CC_IOCQES_SHIFT) | NVME_CC_EN);
  }

  /** `nvme_disable_ctrl` */
  disable(): void {
    const { mmio } = this.#options;
    mmio.write32(NVME_REG_CC, (mmio.read32(NVME_REG_CC) & ~(NVME_CC_EN | 0xc000)) >>> 0);
    this.#waitsForEvents = false;
  }

  /** `nvme_dev_disable`: the I/O queues go, then the controller shuts down. */
  shutDown(): void {
    const { mmio } = this.#options;
    if (this.ready) {
      for (const { id } of this.ioQueues) {
        this.admin({ opcode: NVME_ADMIN.deleteSq, dword10: id });
        this.admin({ opcode: NVME_ADMIN.deleteCq, dword10: id });
      }
    }
    mmio.write32(NVME_REG_CC, ((mmio.read32(NVME_REG_CC) & ~0xc000) | NVME_CC_SHN_NORMAL) >>> 0);
  }

  /**
   * `nvme_setup_io_queues`: asks for a number of queues, and creates as many as there may be.
   * @returns the status of what failed; 0 where all went well
   */
  setUpIoQueues(): number {
    const { mmio, memory, ioQueues, vectors, entries, slotBytes } = this.#options;
    const asked = this.admin({
      opcode: NVME_ADMIN.setFeatures,
      dword10: NVME_FEATURE_NUMBER_OF_QUEUES,
      dword11: (ioQueues - 1) | ((ioQueues - 1) << 16),
    });
    if (asked.status !== 0) return asked.status;
    const granted = Math.min(ioQueues, (asked.result & 0xffff) + 1, (asked.result >>> 16) + 1);
    for (let id = 1; id <= granted; id++) {
      const queue =
        this.ioQueues[id - 1] ?? new NvmeQueuePair(mmio, memory, id, entries, slotBytes, this.#doorbellBytes);
      queue.clear();
      const status = this.#create(queue, Math.min(id, vectors - 1));
      if (status !== 0) return status;
      this.ioQueues[id - 1] = queue;
    }
    this.ioQueues.length = granted;
    return 0;
  }

  /** `nvme_enable_aen`, and a request that waits for an event. */
  listen(): number {
    const { status } = this.admin({
      opcode: NVME_ADMIN.setFeatures,
      dword10: NVME_FEATURE_ASYNC_EVENTS,
      dword11: NAMESPACE_NOTICES,
    });
    if (status === 0) this.#waitForEvent();
    return status;
  }

  /** Events that have come by. */
  pollAdmin(): void {
    this.#takeAdmin(-1);
  }

  /**
   * Carries out a command of the admin queue (`nvme_submit_sync_cmd`).
   * @param data up to a page that goes to the controller, and then holds what came from there
   */
  admin(command: NvmeCommand, data?: Uint8Array): NvmeAnswer {
    const { memory } = this.#options.memory;
    const at = this.#admin.dataAt(ADMIN_SLOT);
    if (data !== undefined) memory.write(at, data);
    this.#admin.submit(ADMIN_SLOT, command, data?.length ?? 0);
    const answer = this.#ring();
    if (data !== undefined) data.set(memory.bytes.subarray(at, at + data.length));
    return answer;
  }

  /** Identify: its page, or the status of a refusal. */
  identify(cns: number, namespaceId = 0, controllerId = 0): Uint8Array | number {
    const data = new Uint8Array(PAGE_BYTES);
    const dword10 = (cns | (controllerId << 16)) >>> 0;
    const { status } = this.admin({ opcode: NVME_ADMIN.identify, namespaceId, dword10 }, data);
    return status === 0 ? data : status;
  }

  /** Ids of the namespaces that are attached (`nvme_scan_ns_list`). */
  namespaces(): number[] {
    const page = this.identify(NVME_CNS.activeNamespaces);
    if (typeof page === "number") return [];
    const view = new DataView(page.buffer);
    const ids = Array.from({ length: PAGE_BYTES / 4 }, (_, index) => view.getUint32(4 * index, true));
    return ids.filter((id) => id !== 0);
  }

  /**
   * Carries out a command on blocks, on an I/O queue with nothing else under way.
   * @param data what is written or compared; of a read, where it goes to
   */
  io(
    queueIndex: number,
    opcode: number,
    namespaceId: number,
    block: number,
    blocks: number,
    data?: Uint8Array,
  ): number {
    const queue = this.#queue(queueIndex);
    const { memory } = this.#options.memory;
    const at = queue.dataAt(0);
    if (data !== undefined) memory.write(at, data);
    queue.submit(0, blockCommand(opcode, namespaceId, block, blocks), data?.length ?? 0);
    queue.ring();
    if (!queue.next()) throw new Error(`the controller left a command on queue ${queue.id} alone`);
    queue.consumed();
    if (data !== undefined) data.set(memory.bytes.subarray(at, at + data.length));
    return queue.status;
  }

  #queue(index: number): NvmeQueuePair {
    const queue = this.ioQueues[index];
    if (queue === undefined) throw new RangeError(`I/O queue ${index} of ${this.ioQueues.length}`);
    return queue;
  }

  /** `nvme_create_queue` */
  #create(queue: NvmeQueuePair, vector: number): number {
    const dword10 = (queue.id | ((queue.entries - 1) << 16)) >>> 0;
    this.#admin.submitAt(
      ADMIN_SLOT,
      {
        opcode: NVME_ADMIN.createCq,
        dword10,
        dword11: ((Math.max(0, vector) << 16) | QUEUE_INTERRUPTS | QUEUE_CONTIGUOUS) >>> 0,
      },
      queue.completionAddress,
    );
    const { status } = this.#ring();
    if (status !== 0) return status;
    const dword11 = ((queue.id << 16) | QUEUE_CONTIGUOUS) >>> 0;
    this.#admin.submitAt(ADMIN_SLOT, { opcode: NVME_ADMIN.createSq, dword10, dword11 }, queue.submissionAddress);
    return this.#ring().status;
  }

  #ring(): NvmeAnswer {
    this.#admin.ring();
    const answer = this.#takeAdmin(ADMIN_SLOT);
    if (answer === undefined) throw new Error("the controller left a command of its admin queue alone");
    return answer;
  }

  /** Takes all completions; events among them are noted, and another is asked for. */
  #takeAdmin(commandId: number): NvmeAnswer | undefined {
    const admin = this.#admin;
    let answer: NvmeAnswer | undefined;
    let events = 0;
    while (admin.next()) {
      if (admin.commandId === commandId) answer = { status: admin.status, result: admin.result };
      else if (admin.commandId === EVENT_SLOT && this.#waitsForEvents && admin.status === 0) {
        this.events.push(admin.result);
        events++;
      }
    }
    admin.consumed();
    for (; events > 0; events--) this.#waitForEvent();
    return answer;
  }

  #waitForEvent(): void {
    this.#waitsForEvents = true;
    this.#admin.submit(EVENT_SLOT, { opcode: NVME_ADMIN.asyncEventRequest }, 0);
    this.#admin.ring();
  }
}

/** A command on blocks: Read, Write, Compare, Write Zeroes. */
export function blockCommand(opcode: number, namespaceId: number, block: number, blocks: number): NvmeCommand {
  return {
    opcode,
    namespaceId,
    dword10: block % 2 ** 32,
    dword11: Math.floor(block / 2 ** 32),
    dword12: blocks - 1,
  };
}

function writeAddress(mmio: Mmio, low: number, high: number, address: number): void {
  mmio.write32(low, address % 2 ** 32);
  mmio.write32(high, Math.floor(address / 2 ** 32));
}
