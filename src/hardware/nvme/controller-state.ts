import type { AsyncEvents } from "./async-events.ts";
import type { Features } from "./features.ts";
import type { Logs } from "./log-pages.ts";
import { MOST_QUEUE_ENTRIES } from "./queue-commands.ts";
import type { QueueEngine } from "./queue-engine.ts";

/** What a controller is amid its work, but for its namespaces, which are the subsystem's. */
export interface ControllerState {
  readonly registers: readonly number[];
  readonly queues: ReturnType<QueueEngine["save"]>;
  readonly features: ReturnType<Features["save"]>;
  readonly events: ReturnType<AsyncEvents["save"]>;
  readonly logs: ReturnType<Logs["save"]>;
}

const REGISTERS = 7;
/** Of lists that have no other limit here: events, log entries, features. */
const MOST_ENTRIES = 4096;
const DEEPEST = 6;

/** Whether a state, of wherever it may come from, is one that a controller with so many queues and vectors can have. */
export function isStateFor(limits: { readonly ioQueues: number; readonly vectors: number }, state: unknown): boolean {
  if (!isPlain(state, DEEPEST) || !isRecord(state)) return false;
  const { registers, queues, features, events, logs } = state;
  if (!isRecord(queues) || !isRecord(events) || !isRecord(logs) || !isRecord(logs.counters)) return false;
  const { submission, completion, maskedVectors } = queues;
  if (!isList(registers) || registers.length !== REGISTERS || !registers.every(isDword)) return false;
  if (!isList(submission) || !isList(completion) || !isDword(maskedVectors)) return false;
  const completionIds = completion.map((queue) => (isRecord(queue) ? queue.id : undefined));
  return (
    isList(features) &&
    features.every((pair) => isList(pair) && pair.length === 2 && pair.every(isNumber)) &&
    [events.requests, events.waiting, events.masked, logs.errors, logs.changed].every(isList) &&
    isDistinct(submission) &&
    isDistinct(completion) &&
    completion.every((queue) => isCompletionQueue(queue, limits.ioQueues, limits.vectors)) &&
    submission.every((queue) => isQueue(queue, limits.ioQueues) && completionIds.includes(queue.completionId))
  );
}

function isQueue(queue: unknown, ioQueues: number): queue is Record<string, unknown> {
  if (!isRecord(queue)) return false;
  const { id, base, size, head, tail } = queue;
  return (
    isBelow(id, ioQueues + 1) &&
    isNumber(base) &&
    isBelow(size, MOST_QUEUE_ENTRIES + 1) &&
    isBelow(head, size) &&
    isBelow(tail, size)
  );
}

function isCompletionQueue(queue: unknown, ioQueues: number, vectors: number): boolean {
  if (!isQueue(queue, ioQueues) || !isList(queue.backlog)) return false;
  const { vector, interrupts, phase, backlog } = queue;
  return (
    isBelow(vector, vectors) &&
    typeof interrupts === "boolean" &&
    (phase === 0 || phase === 1) &&
    backlog.every((each) => isRecord(each) && Object.values(each).length === 5 && Object.values(each).every(isDword))
  );
}

function isDistinct(queues: readonly unknown[]): boolean {
  return new Set(queues.map((queue) => (isRecord(queue) ? queue.id : undefined))).size === queues.length;
}

/** Numbers, truth values, and lists and records of them, none of them endless. */
function isPlain(value: unknown, depth: number): boolean {
  if (typeof value === "number") return isNumber(value);
  if (typeof value === "boolean") return true;
  if (typeof value !== "object" || value === null || depth === 0) return false;
  const parts = Object.values(value);
  return parts.length <= MOST_ENTRIES && parts.every((part) => isPlain(part, depth - 1));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isDword(value: unknown): value is number {
  return isNumber(value) && value <= 0xffff_ffff;
}

function isBelow(value: unknown, limit: unknown): value is number {
  return isNumber(value) && isNumber(limit) && value < limit;
}
