import type { ApiClient } from "../client/api-client.ts";
import { VfleetError } from "../errors/vfleet-error.ts";
import type { Doing } from "../fleet/changes/do-change.ts";
import type { Operation, OperationEvent } from "../host/apply/operation.ts";
import type { Step } from "../host/plan/step.ts";
import { told } from "./told.ts";

/** Where nothing is heard, it is looked at all the same. */
const LOOK_MS = 1000;
/** For an answer that is read off a record. */
const ANSWER_MS = 30_000;
/** For an operation to begin: the host is read once more, and others may be at work at it. */
const BEGIN_MS = 300_000;

/**
 * Has a plan done by the server, and tells how it goes on as if it were done here. Who abandons it gets what was seen of it last, whether
 * the server answers or not.
 * @returns undefined where nothing was to be done
 * @throws VfleetError VFL-0522 where it is abandoned before anything was seen of it
 */
export async function performPlan(
  client: ApiClient,
  host: string,
  id: string,
  { onEvent, signal, abandon }: Doing,
): Promise<Operation | undefined> {
  const end = new AbortController();
  const news = new Bell();
  abandon?.addEventListener("abort", () => news.ring());
  const within = (ms: number) => AbortSignal.any([...(abandon ? [abandon] : []), AbortSignal.timeout(ms)]);
  let last: Operation | undefined;
  try {
    void listen(client, host, news, end.signal);
    const { operation: number } = await told<{ operation: number | null }>(
      client.ask("POST /plans/{id}/apply", { path: { id } }, within(BEGIN_MS)),
    );
    if (number === null) return undefined;
    const path = { host, number };
    // What has ended meanwhile cannot be stopped, and need not.
    const stop = () =>
      void client
        .ask("POST /hosts/{host}/operations/{number}/stop", { path }, within(ANSWER_MS))
        .catch(() => undefined);
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop, { once: true });
    const replay = new Replay(onEvent);
    for (;;) {
      last = await told<Operation>(
        client.ask("GET /hosts/{host}/operations/{number}/record", { path }, within(ANSWER_MS)),
      );
      replay.tell(last);
      if (last.endedAt !== null || abandon?.aborted) return last;
      await news.heard(LOOK_MS);
    }
  } catch (error) {
    if (!abandon?.aborted) throw error;
    if (last !== undefined) return last;
    throw new VfleetError("VFL-0522", {
      message: "the server had not said what it does when it was left to it",
      remedy: "once it answers, see what has come of it: vfleet operations",
      cause: error,
    });
  } finally {
    end.abort();
  }
}

async function listen(client: ApiClient, host: string, news: Bell, signal: AbortSignal): Promise<void> {
  try {
    // What it is about, whoever wants to know reads.
    for await (const _ of client.watch({ host, kind: "Operation", signal })) news.ring();
  } catch {
    // Who follows looks again of itself after a while.
  }
}

/** Tells of operations that a server has recovered, as if that had gone on here. */
export function replayRecovery(operations: readonly Operation[], onEvent: Doing["onEvent"]): void {
  for (const operation of operations) {
    const begun = operation.events.findLastIndex(({ event }) => event === "resumed");
    if (begun >= 0) new Replay(onEvent, begun).tell(operation);
  }
}

/** Tells of what is new in the records of one operation. */
class Replay {
  readonly #onEvent: Doing["onEvent"];
  #told: number;
  #steps: readonly Step[] | undefined;

  /** @param told how many events are known already */
  constructor(onEvent: Doing["onEvent"], told = 0) {
    this.#onEvent = onEvent;
    this.#told = told;
  }

  tell(operation: Operation): void {
    const { events } = operation;
    for (const event of events.slice(this.#told)) {
      this.#onEvent?.({ kind: "event", header: operation, event, steps: this.#stepsAt(event, operation) });
    }
    this.#told = events.length;
  }

  #stepsAt(event: OperationEvent, { steps }: Operation): readonly Step[] {
    if (event.event === "undoBegun") this.#steps = event.steps;
    this.#steps ??= steps;
    return this.#steps;
  }
}

/** Rings whoever waits, or who will. */
class Bell {
  #rung = Promise.withResolvers<void>();

  ring(): void {
    this.#rung.resolve();
  }

  async heard(timeoutMs: number): Promise<void> {
    const timeout = Promise.withResolvers<void>();
    const timer = setTimeout(timeout.resolve, timeoutMs);
    await Promise.race([this.#rung.promise, timeout.promise]);
    clearTimeout(timer);
    this.#rung = Promise.withResolvers();
  }
}
