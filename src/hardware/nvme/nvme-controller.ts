import type { DeviceState, MigratableModel, Quiet, ResetKind } from "../device-model.ts";
import type { DevicePort } from "../device-port.ts";
import { type AdminHost, executeAdmin } from "./admin-commands.ts";
import { ASYNC_EVENT, type AsyncEvent, AsyncEvents } from "./async-events.ts";
import type { Command } from "./command.ts";
import { type ControllerState, isStateFor } from "./controller-state.ts";
import { DataPointer } from "./data-pointer.ts";
import { Features } from "./features.ts";
import { type ControllerIdentity, NVME_VERSION } from "./identify.ts";
import { executeIo } from "./io-commands.ts";
import { Logs } from "./log-pages.ts";
import { NVME_FEATURE_ASYNC_EVENTS } from "./opcodes.ts";
import { MOST_QUEUE_ENTRIES } from "./queue-commands.ts";
import { QueueEngine, type QueueHost, type SubmissionQueue } from "./queue-engine.ts";
import {
  NVME_CC_CSS_MASK,
  NVME_CC_EN,
  NVME_CC_IOCQES_SHIFT,
  NVME_CC_IOSQES_SHIFT,
  NVME_CC_MPS_SHIFT,
  NVME_CC_SHN_MASK,
  NVME_CQES,
  NVME_CSTS_CFS,
  NVME_CSTS_RDY,
  NVME_CSTS_SHST_CMPLT,
  NVME_CSTS_SHST_MASK,
  NVME_REG_ACQ,
  NVME_REG_ACQ_HIGH,
  NVME_REG_AQA,
  NVME_REG_ASQ,
  NVME_REG_ASQ_HIGH,
  NVME_REG_CAP,
  NVME_REG_CAP_HIGH,
  NVME_REG_CC,
  NVME_REG_CSTS,
  NVME_REG_DBS,
  NVME_REG_INTMC,
  NVME_REG_INTMS,
  NVME_REG_VS,
  NVME_SQES,
} from "./registers.ts";
import type { Subsystem } from "./subsystem.ts";
import type { Virtualization } from "./virtualization.ts";

/** CAP: queues of 2048 entries, in one piece each, ready within 7.5 s (§3.1.3.1). */
const CAP_LOW = (MOST_QUEUE_ENTRIES - 1) | (1 << 16) | (15 << 24);
/** The NVM command set; pages of 4 to 64 KiB. */
const CAP_CSS_NVM = 1 << 5;
const CAP_MPSMAX = 4;
const SMALLEST_PAGE_BYTES = 4096;
const HIGH = 0x1_0000_0000;
const ALL_ONES = 0xffff_ffff;

/** What a controller is made with. */
export interface ControllerOptions {
  readonly id: number;
  /** Asked for when it is needed: a VF has its port once it is there. */
  readonly port: () => DevicePort;
  readonly subsystem: Subsystem;
  readonly identity: ControllerIdentity;
  /** CAP.DSTRD: doorbells are 4 << stride bytes from each other. */
  readonly doorbellStride: number;
  /** As far as there are such controllers in the subsystem. */
  readonly controllerIds: () => readonly number[];
  readonly isController: (id: number) => boolean;
  /** A secondary controller may be offline. */
  readonly online: () => boolean;
  /** What it has been given of queues and vectors. */
  readonly ioQueues: () => number;
  readonly vectors: () => number;
  /** Of a primary controller. */
  readonly virtualization?: Virtualization;
  readonly isVf: boolean;
  /** CC.EN was cleared. */
  readonly onControllerReset?: () => void;
}

/** An NVMe controller over PCIe: its registers, and by them its queues (NVM Express Base 2.0 §3). */
export class NvmeController implements MigratableModel, AdminHost, QueueHost {
  readonly stateKind = "NVMe controller";
  readonly stateVersion = 1;
  readonly id: number;
  readonly subsystem: Subsystem;
  readonly identity: ControllerIdentity;
  readonly virtualization: Virtualization | undefined;
  readonly isVf: boolean;
  readonly logs = new Logs();
  readonly features = new Features();
  readonly pointer = new DataPointer();
  readonly queues = new QueueEngine(this);
  readonly events = new AsyncEvents((commandId, result) => this.#completeEvent(commandId, result));
  readonly #options: ControllerOptions;
  #port: DevicePort | undefined;
  #cc = 0;
  #csts = 0;
  #aqa = 0;
  #asq = 0;
  #asqHigh = 0;
  #acq = 0;
  #acqHigh = 0;
  pageBytes = SMALLEST_PAGE_BYTES;
  #quiet: Quiet = "no";

  constructor(options: ControllerOptions) {
    this.#options = options;
    this.id = options.id;
    this.subsystem = options.subsystem;
    this.identity = options.identity;
    this.virtualization = options.virtualization;
    this.isVf = options.isVf;
  }

  get port(): DevicePort {
    this.#port ??= this.#options.port();
    return this.#port;
  }

  get ioQueues(): number {
    return this.#options.ioQueues();
  }

  get vectors(): number {
    return this.#options.vectors();
  }

  controllerIds(): readonly number[] {
    return this.#options.controllerIds();
  }

  isController(id: number): boolean {
    return this.#options.isController(id);
  }

  readBar(bar: number, offset: number, size: 1 | 2 | 4): number {
    const value = bar !== 0 ? 0 : this.#quiet === "all" ? ALL_ONES : this.#read(offset & ~3);
    if (size === 4) return value;
    return (value >>> ((offset & 3) * 8)) & (size === 2 ? 0xffff : 0xff);
  }

  get quiet(): Quiet {
    return this.#quiet;
  }

  set quiet(quiet: Quiet) {
    this.#quiet = quiet;
    this.queues.quiet = quiet !== "no";
  }

  /** Registers are written as dwords, doorbells too (§3.1.3). */
  writeBar(bar: number, offset: number, size: 1 | 2 | 4, value: number): void {
    if (bar !== 0 || size !== 4 || this.#quiet === "all" || !this.#options.online()) return;
    if (offset >= NVME_REG_DBS) this.#ring(offset - NVME_REG_DBS, value);
    else this.#write(offset, value);
  }

  reset(_kind: ResetKind): void {
    this.#resetController();
    this.quiet = "no";
    this.#cc = 0;
    this.#aqa = 0;
    this.#asq = 0;
    this.#asqHigh = 0;
    this.#acq = 0;
    this.#acqHigh = 0;
  }

  execute(queue: SubmissionQueue, command: Command): number {
    return queue.id === 0 ? executeAdmin(this, command) : executeIo(this, queue, command);
  }

  fail(): void {
    this.queues.clear();
    this.events.reset();
    this.#csts |= NVME_CSTS_CFS;
  }

  /** The namespace is another for this controller. */
  namespaceChanged(id: number): void {
    if (!this.#isReady) return;
    this.logs.namespaceChanged(id);
    this.#happen(ASYNC_EVENT.namespaceChanged);
  }

  save(): DeviceState {
    return {
      registers: [this.#cc, this.#csts, this.#aqa, this.#asq, this.#asqHigh, this.#acq, this.#acqHigh],
      queues: this.queues.save(),
      features: this.features.save(),
      events: this.events.save(),
      logs: this.logs.save(),
    } satisfies ControllerState;
  }

  /** Queues and vectors are those that this controller was given, where the state's was given as many. */
  accepts(state: DeviceState): boolean {
    return this.#options.online() && isStateFor({ ioQueues: this.ioQueues, vectors: this.vectors }, state);
  }

  restore(state: DeviceState): void {
    const { registers, queues, features, events, logs } = state as ControllerState;
    const [cc = 0, csts = 0, aqa = 0, asq = 0, asqHigh = 0, acq = 0, acqHigh = 0] = registers;
    this.#cc = cc;
    this.#csts = csts;
    this.#aqa = aqa;
    this.#asq = asq;
    this.#asqHigh = asqHigh;
    this.#acq = acq;
    this.#acqHigh = acqHigh;
    this.#setPageBytes();
    this.queues.restore(queues);
    this.features.restore(features);
    this.events.restore(events);
    this.logs.restore(logs);
    this.#port = undefined;
  }

  get #isReady(): boolean {
    return (this.#csts & NVME_CSTS_RDY) !== 0;
  }

  /** Of one that is offline there is nothing but Controller Fatal Status (§8.26.3; QEMU's `nvme_mmio_read`). */
  #read(offset: number): number {
    if (!this.#options.online()) return offset === NVME_REG_CSTS ? NVME_CSTS_CFS : 0;
    switch (offset) {
      case NVME_REG_CAP:
        return CAP_LOW >>> 0;
      case NVME_REG_CAP_HIGH:
        return (this.#options.doorbellStride | CAP_CSS_NVM | (CAP_MPSMAX << 20)) >>> 0;
      case NVME_REG_VS:
        return NVME_VERSION;
      case NVME_REG_INTMS:
      case NVME_REG_INTMC:
        return this.queues.maskedVectors;
      case NVME_REG_CC:
        return this.#cc >>> 0;
      case NVME_REG_CSTS:
        return this.#csts;
      case NVME_REG_AQA:
        return this.#aqa;
      case NVME_REG_ASQ:
        return this.#asq;
      case NVME_REG_ASQ_HIGH:
        return this.#asqHigh;
      case NVME_REG_ACQ:
        return this.#acq;
      case NVME_REG_ACQ_HIGH:
        return this.#acqHigh;
      default:
        return 0;
    }
  }

  #write(offset: number, value: number): void {
    switch (offset) {
      case NVME_REG_INTMS:
        this.queues.maskedVectors |= value;
        return;
      case NVME_REG_INTMC:
        this.queues.maskedVectors &= ~value;
        return;
      case NVME_REG_CC:
        this.#configure(value);
        return;
      case NVME_REG_AQA:
        this.#aqa = value & 0x0fff_0fff;
        return;
      // Addresses of whole pages (§3.1.3.9, §3.1.3.10).
      case NVME_REG_ASQ:
        this.#asq = (value & ~0xfff) >>> 0;
        return;
      case NVME_REG_ASQ_HIGH:
        this.#asqHigh = value;
        return;
      case NVME_REG_ACQ:
        this.#acq = (value & ~0xfff) >>> 0;
        return;
      case NVME_REG_ACQ_HIGH:
        this.#acqHigh = value;
        return;
    }
  }

  /** CC was written: enabled, disabled, told to shut down (§3.1.3.5). */
  #configure(value: number): void {
    const before = this.#cc;
    this.#cc = value;
    const enables = (value & NVME_CC_EN) !== 0;
    if (enables && (before & NVME_CC_EN) === 0) this.#enable();
    else if (!enables && (before & NVME_CC_EN) !== 0) {
      this.#resetController();
      this.#options.onControllerReset?.();
    }
    // What was to be kept has been: shutdown processing is over at once (§3.6.1).
    if ((value & NVME_CC_SHN_MASK) !== 0) this.#csts = (this.#csts & ~NVME_CSTS_SHST_MASK) | NVME_CSTS_SHST_CMPLT;
  }

  /** §3.5.1; what the controller does not support makes it fail, as QEMU's `nvme_start_ctrl` does. */
  #enable(): void {
    const cc = this.#cc;
    const submissionSize = (this.#aqa & 0xfff) + 1;
    const completionSize = (this.#aqa >>> 16) + 1;
    this.#setPageBytes();
    const base = this.#asqHigh * HIGH + this.#asq;
    const completionBase = this.#acqHigh * HIGH + this.#acq;
    const possible =
      ((cc >>> NVME_CC_MPS_SHIFT) & 0xf) <= CAP_MPSMAX &&
      (cc & NVME_CC_CSS_MASK) === 0 &&
      ((cc >>> NVME_CC_IOSQES_SHIFT) & 0xf) === NVME_SQES &&
      ((cc >>> NVME_CC_IOCQES_SHIFT) & 0xf) === NVME_CQES &&
      submissionSize > 1 &&
      completionSize > 1 &&
      base % this.pageBytes === 0 &&
      completionBase % this.pageBytes === 0;
    if (!possible) {
      this.#csts |= NVME_CSTS_CFS;
      return;
    }
    this.queues.addSubmission({ id: 0, base, size: submissionSize, completionId: 0 });
    this.queues.addCompletion({ id: 0, base: completionBase, size: completionSize, vector: 0, interrupts: true });
    this.#csts = NVME_CSTS_RDY;
  }

  /** A Controller Level Reset: the admin queue's registers alone stay, where it is by CC.EN (§3.7.2). */
  #resetController(): void {
    this.queues.clear();
    this.events.reset();
    this.features.reset();
    this.logs.reset();
    this.#csts = 0;
  }

  #setPageBytes(): void {
    this.pageBytes = SMALLEST_PAGE_BYTES << ((this.#cc >>> NVME_CC_MPS_SHIFT) & 0xf);
  }

  #ring(offset: number, value: number): void {
    if (!this.#isReady || (this.#csts & NVME_CSTS_CFS) !== 0) return;
    const index = offset >>> (2 + this.#options.doorbellStride);
    const id = index >>> 1;
    const rung =
      (index & 1) === 0 ? this.queues.ringTail(id, value & 0xffff) : this.queues.ringHead(id, value & 0xffff);
    if (rung === false) this.#happen(ASYNC_EVENT.invalidDoorbell);
    else if (rung === undefined) this.#happen(ASYNC_EVENT.invalidDoorbellValue);
  }

  #happen(event: AsyncEvent): void {
    this.events.happen(event, this.features.value(NVME_FEATURE_ASYNC_EVENTS));
  }

  #completeEvent(commandId: number, result: number): void {
    const queue = this.queues.submission(0);
    if (queue !== undefined) this.queues.complete(queue, commandId, 0, result);
  }
}
