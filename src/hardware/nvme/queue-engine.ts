import type { DevicePort } from "../device-port.ts";
import { Command } from "./command.ts";
import { CQE_BYTES, SQE_BYTES } from "./registers.ts";

export interface SubmissionQueue {
  readonly id: number;
  readonly base: number;
  readonly size: number;
  readonly completionId: number;
  head: number;
  tail: number;
}

interface Completion {
  readonly submissionId: number;
  readonly submissionHead: number;
  readonly commandId: number;
  readonly status: number;
  readonly result: number;
}

export interface CompletionQueue {
  readonly id: number;
  readonly base: number;
  readonly size: number;
  readonly vector: number;
  readonly interrupts: boolean;
  head: number;
  tail: number;
  phase: 0 | 1;
  /** What found the queue full: it comes when there is room. */
  readonly backlog: Completion[];
}

/** What the queues are for. */
export interface QueueHost {
  readonly port: DevicePort;
  /** Carries a command out. @returns its status, or NO_COMPLETION where it completes another time */
  execute(queue: SubmissionQueue, command: Command): number;
  /** Memory of the queues cannot be reached: Controller Fatal Status. */
  fail(): void;
}

interface QueuesState {
  readonly submission: readonly SubmissionQueue[];
  readonly completion: readonly CompletionQueue[];
  readonly maskedVectors: number;
}

export const NO_COMPLETION = -1;
const STATUS_SHIFT = 1;

/**
 * Submission and completion queues in memory (NVM Express Base 2.0 §3.3.3): commands are fetched from the queues in turn, one
 * of each (§3.4.4.1), while their completion queues have room; interrupts follow when no command is left.
 */
export class QueueEngine {
  readonly #host: QueueHost;
  readonly #submission: (SubmissionQueue | undefined)[] = [];
  readonly #completion: (CompletionQueue | undefined)[] = [];
  readonly #command = new Command();
  readonly #entry = new Uint8Array(CQE_BYTES);
  readonly #view = new DataView(this.#entry.buffer);
  /** Queues with completions that no interrupt has told of. */
  readonly #untold = new Set<CompletionQueue>();
  /** Dword 0 of the completion of the command that is being carried out. */
  result = 0;
  #maskedVectors = 0;
  #running = false;
  #quiet = false;
  #intx = false;

  constructor(host: QueueHost) {
    this.#host = host;
  }

  submission(id: number): SubmissionQueue | undefined {
    return this.#submission[id];
  }

  completion(id: number): CompletionQueue | undefined {
    return this.#completion[id];
  }

  /** There are queues beside the admin queues. */
  get hasIoQueues(): boolean {
    return this.#submission.length > 1 || this.#completion.length > 1;
  }

  /** Some submission queue has its completions there. */
  isUsed(completionId: number): boolean {
    return this.#submission.some((queue) => queue?.completionId === completionId);
  }

  addSubmission(queue: Pick<SubmissionQueue, "id" | "base" | "size" | "completionId">): void {
    this.#submission[queue.id] = { ...queue, head: 0, tail: 0 };
  }

  addCompletion(queue: Pick<CompletionQueue, "id" | "base" | "size" | "vector" | "interrupts">): void {
    this.#completion[queue.id] = { ...queue, head: 0, tail: 0, phase: 1, backlog: [] };
  }

  deleteSubmission(id: number): void {
    this.#submission[id] = undefined;
    trim(this.#submission);
  }

  deleteCompletion(id: number): void {
    const queue = this.#completion[id];
    if (queue !== undefined) this.#untold.delete(queue);
    this.#completion[id] = undefined;
    trim(this.#completion);
    this.#settleIntx();
  }

  clear(): void {
    this.#submission.length = 0;
    this.#completion.length = 0;
    this.#untold.clear();
    this.#maskedVectors = 0;
    this.#settleIntx();
  }

  /** While it is quiet nothing is fetched, completed or told: it is, afterwards. */
  set quiet(quiet: boolean) {
    this.#quiet = quiet;
    if (quiet) return;
    for (const queue of this.#completion) if (queue !== undefined) this.#drain(queue);
    this.run();
  }

  /** INTMS and INTMC, of vectors 0 to 31 (§3.1.3.3, §3.1.3.4). */
  get maskedVectors(): number {
    return this.#maskedVectors;
  }

  set maskedVectors(mask: number) {
    this.#maskedVectors = mask >>> 0;
    this.#interrupt();
  }

  /** A tail doorbell was written. @returns false where there is no such queue; undefined where the value is none of it */
  ringTail(id: number, tail: number): boolean | undefined {
    const queue = this.#submission[id];
    if (queue === undefined) return false;
    if (tail >= queue.size) return undefined;
    queue.tail = tail;
    this.run();
    return true;
  }

  /** A head doorbell was written: entries were consumed. */
  ringHead(id: number, head: number): boolean | undefined {
    const queue = this.#completion[id];
    if (queue === undefined) return false;
    if (head >= queue.size) return undefined;
    queue.head = head;
    this.#drain(queue);
    this.run();
    return true;
  }

  /** Carries out what has been submitted; whoever is told of completions may submit more meanwhile. */
  run(): void {
    if (this.#running || this.#quiet) return;
    this.#running = true;
    for (let busy = true; busy; ) {
      busy = false;
      for (let id = 0; id < this.#submission.length; id++) if (this.#step(this.#submission[id])) busy = true;
    }
    this.#running = false;
    this.#interrupt();
  }

  /** Completes a command, now or when its completion queue has room. */
  complete(queue: SubmissionQueue, commandId: number, status: number, result: number): void {
    const to = this.#completion[queue.completionId];
    if (to === undefined) return;
    if (this.#quiet || to.backlog.length > 0 || isFull(to)) {
      to.backlog.push({ submissionId: queue.id, submissionHead: queue.head, commandId, status, result });
    } else this.#write(to, queue.id, queue.head, commandId, status, result);
    if (!this.#running) this.#interrupt();
  }

  save(): QueuesState {
    return {
      submission: this.#submission.filter((queue) => queue !== undefined).map((queue) => ({ ...queue })),
      completion: this.#completion
        .filter((queue) => queue !== undefined)
        .map((queue) => ({ ...queue, backlog: [...queue.backlog] })),
      maskedVectors: this.#maskedVectors,
    };
  }

  restore({ submission, completion, maskedVectors }: QueuesState): void {
    this.clear();
    this.#maskedVectors = maskedVectors;
    for (const queue of submission) this.#submission[queue.id] = { ...queue };
    for (const each of completion) {
      const queue = { ...each, backlog: [...each.backlog] };
      this.#completion[queue.id] = queue;
      // Between commands, only a masked vector has not told of what there is.
      if (queue.interrupts && this.#isMasked(queue)) this.#untold.add(queue);
    }
    this.#settleIntx();
  }

  #drain(queue: CompletionQueue): void {
    if (this.#quiet) return;
    for (let first = queue.backlog[0]; first !== undefined && !isFull(queue); first = queue.backlog[0]) {
      queue.backlog.shift();
      this.#write(queue, first.submissionId, first.submissionHead, first.commandId, first.status, first.result);
    }
  }

  /** One command of a queue, if it has one whose completion has room. */
  #step(queue: SubmissionQueue | undefined): boolean {
    if (queue === undefined || queue.head === queue.tail) return false;
    const completion = this.#completion[queue.completionId];
    if (completion === undefined || completion.backlog.length > 0 || isFull(completion)) return false;
    const command = this.#command;
    if (!this.#host.port.read(queue.base + queue.head * SQE_BYTES, command.bytes, 0, SQE_BYTES)) {
      this.#host.fail();
      return false;
    }
    queue.head = queue.head + 1 === queue.size ? 0 : queue.head + 1;
    this.result = 0;
    const status = this.#host.execute(queue, command);
    if (status !== NO_COMPLETION && this.#submission[queue.id] === queue) {
      this.complete(queue, command.id, status, this.result);
    }
    return true;
  }

  /** A completion queue entry (§3.3.3.2), with the Phase Tag that tells it from what was there before. */
  #write(
    queue: CompletionQueue,
    submissionId: number,
    submissionHead: number,
    commandId: number,
    status: number,
    result: number,
  ): void {
    const view = this.#view;
    view.setUint32(0, result, true);
    view.setUint16(8, submissionHead, true);
    view.setUint16(10, submissionId, true);
    view.setUint16(12, commandId, true);
    view.setUint16(14, (status << STATUS_SHIFT) | queue.phase, true);
    if (!this.#host.port.write(queue.base + queue.tail * CQE_BYTES, this.#entry, 0, CQE_BYTES)) {
      this.#host.fail();
      return;
    }
    if (++queue.tail === queue.size) {
      queue.tail = 0;
      queue.phase = queue.phase === 1 ? 0 : 1;
    }
    if (queue.interrupts) this.#untold.add(queue);
  }

  #isMasked({ vector }: CompletionQueue): boolean {
    return vector < 32 && (this.#maskedVectors & (1 << vector)) !== 0;
  }

  #interrupt(): void {
    if (this.#running || this.#quiet) return;
    for (const queue of this.#untold) {
      if (this.#isMasked(queue)) continue;
      this.#untold.delete(queue);
      // What has been consumed meanwhile needs no interrupt.
      if (queue.head !== queue.tail) this.#host.port.interrupt(queue.vector);
    }
    this.#settleIntx();
  }

  /** Pin-based, an interrupt is a level: while an entry waits in a queue whose vector is not masked. */
  #settleIntx(): void {
    const waits = this.#completion.some(
      (queue) => queue?.interrupts === true && queue.head !== queue.tail && !this.#isMasked(queue),
    );
    if (waits === this.#intx) return;
    this.#intx = waits;
    this.#host.port.setIntx(waits);
  }
}

function isFull({ head, tail, size }: CompletionQueue): boolean {
  return (tail + 1 === size ? 0 : tail + 1) === head;
}

function trim(queues: unknown[]): void {
  while (queues.length > 0 && queues.at(-1) === undefined) queues.length--;
}
