import type { Operation, OperationStore } from "../host/apply/operation.ts";
import { pfOf } from "../host/plan/step.ts";
import type { Observation, OperationObject } from "./objects.ts";

/** A host's operations, those of other processes too: what has ended is read once. */
export class OperationList {
  readonly #store: OperationStore;
  readonly #ended = new Map<number, Observation<OperationObject>>();

  constructor(store: OperationStore) {
    this.#store = store;
  }

  async observe(): Promise<readonly Observation[]> {
    const numbers = new Set(await this.#store.numbers());
    for (const number of this.#ended.keys()) if (!numbers.has(number)) this.#ended.delete(number);
    const found: Observation[] = [];
    for (const number of numbers) {
      const known = this.#ended.get(number) ?? (await this.#read(number));
      if (known) found.push(known);
    }
    return found;
  }

  async #read(number: number): Promise<Observation<OperationObject> | undefined> {
    // One that is damaged is told of by `vfleet operations`; the others are to be seen all the same.
    const operation = await this.#store.read(number).catch(() => undefined);
    if (operation === undefined) return undefined;
    const seen = operationObservation(operation);
    // One that is stuck may go on yet.
    if (operation.endedAt !== null && operation.state !== "stuck") this.#ended.set(number, seen);
    return seen;
  }
}

/** An operation in short. */
export function operationObservation(operation: Operation): Observation<OperationObject> {
  const { number, kind, title, state, startedAt, endedAt, pfs, events, failure } = operation;
  const undoing = events.findLast(({ event }) => event === "undoBegun");
  const steps = undoing?.event === "undoBegun" ? undoing.steps : operation.steps;
  const after = undoing === undefined ? events : events.slice(events.indexOf(undoing));
  const begun = after.findLast(({ event }) => event === "stepBegun");
  const current = endedAt === null && begun?.event === "stepBegun" ? steps[begun.step] : undefined;
  return {
    kind: "Operation",
    name: String(number),
    status: {
      number,
      kind,
      title,
      state,
      startedAt,
      endedAt,
      pfs: pfs.map(({ bdf }) => bdf),
      steps: steps.length,
      stepsDone: after.filter(({ event }) => event === "stepDone").length,
      current: current === undefined ? null : { kind: current.kind, pf: pfOf(current) ?? null },
      failure: failure && { code: failure.code, message: failure.message, remedy: failure.remedy },
    },
  };
}
