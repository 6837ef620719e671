import { NVME_LOG } from "./opcodes.ts";

/** Asynchronous Event Types (NVM Express Base 2.0 §5.2.1). */
const ERROR = 0;
const NOTICE = 2;
const NAMESPACE_ATTRIBUTE_NOTICES = 1 << 8;
/** AERL, which counts from 0: as many requests may wait, and events without one. */
export const ASYNC_EVENT_REQUEST_LIMIT = 3;
const MOST_EVENTS = 64;

export const ASYNC_EVENT = {
  invalidDoorbell: { type: ERROR, information: 0, logPage: NVME_LOG.error },
  invalidDoorbellValue: { type: ERROR, information: 1, logPage: NVME_LOG.error },
  namespaceChanged: { type: NOTICE, information: 0, logPage: NVME_LOG.changedNamespaces },
} as const;

export type AsyncEvent = (typeof ASYNC_EVENT)[keyof typeof ASYNC_EVENT];

interface EventsState {
  readonly requests: readonly number[];
  readonly waiting: readonly AsyncEvent[];
  readonly masked: readonly number[];
}

/**
 * Asynchronous events (Base 2.0 §5.2): each completes a request that waits for it; of its type there is no other then until the
 * host has read the log page that it names.
 */
export class AsyncEvents {
  readonly #complete: (commandId: number, result: number) => void;
  #requests: number[] = [];
  #waiting: AsyncEvent[] = [];
  readonly #masked = new Set<number>();

  constructor(complete: (commandId: number, result: number) => void) {
    this.#complete = complete;
  }

  /** @returns false where too many are waiting */
  request(commandId: number): boolean {
    if (this.#requests.length > ASYNC_EVENT_REQUEST_LIMIT) return false;
    this.#requests.push(commandId);
    return true;
  }

  /** @returns whether the command was one that waited, and waits no more (§5.1) */
  abort(commandId: number): boolean {
    const before = this.#requests.length;
    this.#requests = this.#requests.filter((id) => id !== commandId);
    return this.#requests.length < before;
  }

  /** @param configuration feature 0Bh */
  happen(event: AsyncEvent, configuration: number): void {
    if (event.type === NOTICE && (configuration & NAMESPACE_ATTRIBUTE_NOTICES) === 0) return;
    const known = this.#waiting.some((each) => each.type === event.type && each.information === event.information);
    if (known || this.#waiting.length >= MOST_EVENTS) return;
    this.#waiting.push(event);
    this.deliver();
  }

  /** A log page was read, without Retain Asynchronous Event. */
  read(logPage: number): void {
    if (logPage === NVME_LOG.error) this.#masked.delete(ERROR);
    if (logPage === NVME_LOG.changedNamespaces) this.#masked.delete(NOTICE);
    this.deliver();
  }

  deliver(): void {
    for (;;) {
      const at = this.#waiting.findIndex(({ type }) => !this.#masked.has(type));
      const event = this.#waiting[at];
      if (event === undefined || this.#requests.length === 0) return;
      this.#waiting.splice(at, 1);
      this.#masked.add(event.type);
      this.#complete(this.#requests.shift() as number, event.type | (event.information << 8) | (event.logPage << 16));
    }
  }

  reset(): void {
    this.restore({ requests: [], waiting: [], masked: [] });
  }

  save(): EventsState {
    return { requests: [...this.#requests], waiting: [...this.#waiting], masked: [...this.#masked] };
  }

  restore({ requests, waiting, masked }: EventsState): void {
    this.#requests = [...requests];
    this.#waiting = [...waiting];
    this.#masked.clear();
    for (const type of masked) this.#masked.add(type);
  }
}
