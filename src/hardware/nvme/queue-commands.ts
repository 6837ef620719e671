import type { Command } from "./command.ts";
import type { QueueEngine } from "./queue-engine.ts";
import { NVME_DNR, NVME_STATUS } from "./status.ts";

const PHYSICALLY_CONTIGUOUS = 0x1;
const INTERRUPTS_ENABLED = 0x2;
/** MQES, which counts from 0. */
export const MOST_QUEUE_ENTRIES = 2048;

/** What a controller has to make queues of. */
interface QueueLimits {
  readonly ioQueues: number;
  readonly vectors: number;
  readonly pageBytes: number;
}

/** Create I/O Completion Queue (NVM Express Base 2.0 §5.4). @returns a status */
export function createCompletionQueue(queues: QueueEngine, limits: QueueLimits, command: Command): number {
  const id = command.dword(10) & 0xffff;
  const size = (command.dword(10) >>> 16) + 1;
  const vector = command.dword(11) >>> 16;
  if (id === 0 || id > limits.ioQueues || queues.completion(id) !== undefined) {
    return NVME_STATUS.invalidQueueId | NVME_DNR;
  }
  const status = checkMemory(limits, command, size);
  if (status !== NVME_STATUS.success) return status;
  if (vector >= limits.vectors) return NVME_STATUS.invalidInterruptVector | NVME_DNR;
  const interrupts = (command.dword(11) & INTERRUPTS_ENABLED) !== 0;
  queues.addCompletion({ id, base: command.prp1, size, vector, interrupts });
  return NVME_STATUS.success;
}

/** Create I/O Submission Queue (§5.5). */
export function createSubmissionQueue(queues: QueueEngine, limits: QueueLimits, command: Command): number {
  const id = command.dword(10) & 0xffff;
  const size = (command.dword(10) >>> 16) + 1;
  const completionId = command.dword(11) >>> 16;
  if (completionId === 0 || queues.completion(completionId) === undefined) {
    return NVME_STATUS.completionQueueInvalid | NVME_DNR;
  }
  if (id === 0 || id > limits.ioQueues || queues.submission(id) !== undefined) {
    return NVME_STATUS.invalidQueueId | NVME_DNR;
  }
  const status = checkMemory(limits, command, size);
  if (status === NVME_STATUS.success) queues.addSubmission({ id, base: command.prp1, size, completionId });
  return status;
}

/** Delete I/O Completion Queue (§5.6): not before the submission queues that need it. */
export function deleteCompletionQueue(queues: QueueEngine, command: Command): number {
  const id = command.dword(10) & 0xffff;
  if (id === 0 || queues.completion(id) === undefined) return NVME_STATUS.invalidQueueId | NVME_DNR;
  if (queues.isUsed(id)) return NVME_STATUS.invalidQueueDeletion | NVME_DNR;
  queues.deleteCompletion(id);
  return NVME_STATUS.success;
}

/** Delete I/O Submission Queue (§5.7). Commands that were fetched have been carried out; the others never happen. */
export function deleteSubmissionQueue(queues: QueueEngine, command: Command): number {
  const id = command.dword(10) & 0xffff;
  if (id === 0 || queues.submission(id) === undefined) return NVME_STATUS.invalidQueueId | NVME_DNR;
  queues.deleteSubmission(id);
  return NVME_STATUS.success;
}

/** Two entries at least, all in one piece (CAP.CQR), from a page's beginning. */
function checkMemory({ pageBytes }: QueueLimits, command: Command, size: number): number {
  if (size < 2 || size > MOST_QUEUE_ENTRIES) return NVME_STATUS.invalidQueueSize | NVME_DNR;
  if (command.prp1 % pageBytes !== 0) return NVME_STATUS.invalidPrpOffset | NVME_DNR;
  if ((command.dword(11) & PHYSICALLY_CONTIGUOUS) === 0) return NVME_STATUS.invalidField | NVME_DNR;
  return NVME_STATUS.success;
}
