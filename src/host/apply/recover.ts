import { VfleetError } from "../../errors/vfleet-error.ts";
import { known } from "../../kernel/port.ts";
import type { PfAddress } from "../pf-address.ts";
import type { Step } from "../plan/step.ts";
import type { HostState } from "../state/host-state.ts";
import { leftAfterReboot } from "./after-reboot.ts";
import { type OperationSetting, runSetting } from "./apply-plan.ts";
import { endStuck, failureOf, goBack } from "./go-back.ts";
import { Journal } from "./journal.ts";
import { DESIRED, type KeptPort, type Operation, type OperationEvent, type OperationFailure } from "./operation.ts";
import { type Overtaken, overtakenFailure, overtakenPfs } from "./overtaken.ts";
import { leftOf } from "./planning.ts";
import { atPlaces, findPfs, type PfPlaces } from "./recorded-pfs.ts";
import { operationFailure } from "./step-outcome.ts";

export interface RecoverRequest extends OperationSetting {
  /** Writes what operations keep; without it those that keep something are left as they are. */
  readonly kept?: KeptPort;
  /** Tries those again, too, that ended stuck. */
  readonly stuck?: boolean;
  /** Is told of records that are damaged; without it the first of them is thrown. */
  readonly onDamage?: (damage: VfleetError) => void;
  /** Ends an operation that moves a guest; without it those are left as they are. */
  readonly endMove?: (operation: Operation, state: HostState, journal: Journal) => Promise<Operation>;
}

/**
 * Ends operations whose process has died, by what the hardware shows: as wished they are settled, else they are taken
 * back, the newest first, since it was planned from what those before it had left. What a newer one has changed is left as that made
 * it. Those that another process is at work on are left alone.
 * @returns those that were looked at, as they are now
 */
export async function recoverOperations(request: RecoverRequest): Promise<readonly Operation[]> {
  const { store, stuck = false, onDamage } = request;
  const found: Operation[] = [];
  for (const { number, state } of (await store.list(onDamage)).toReversed()) {
    if (!isUnfinished(state, stuck)) continue;
    const operation = await recoverOne(number, request);
    if (operation) found.push(operation);
  }
  return found;
}

function isUnfinished(state: Operation["state"], stuck: boolean): boolean {
  return state === "applying" || state === "undoing" || (stuck && state === "stuck");
}

async function recoverOne(number: number, request: RecoverRequest): Promise<Operation | undefined> {
  const { store, locks, planning, clock, pid, onEvent, stuck = false } = request;
  const listed = await store.read(number);
  if (listed === undefined || (listed.migration && !request.endMove)) return undefined;
  if (listed.keeps && !request.kept) return undefined;
  const places = findPfs(listed.pfs, await planning.observe());
  let lock: Awaited<ReturnType<typeof locks.acquire>>;
  try {
    lock = await locks.acquire([
      ...listed.pfs.map(({ bdf }) => bdf),
      ...places.values(),
      ...(listed.keeps ? ([DESIRED] as const) : []),
    ]);
  } catch (error) {
    if (error instanceof VfleetError && error.code === "VFL-0306") return undefined;
    throw error;
  }
  try {
    // Till the locks were there somebody else may have ended it.
    const operation = await store.read(number);
    if (operation === undefined || !isUnfinished(operation.state, stuck)) return undefined;
    const writer = await store.resume(number);
    const journal = new Journal(writer, clock, onEvent, operation.events);
    try {
      await journal.write({ event: "resumed", pid, found: `${operation.state}, of process ${operation.pid}` });
      return await end(operation, places, journal, request);
    } finally {
      await journal.close();
    }
  } finally {
    lock.release();
  }
}

async function end(
  operation: Operation,
  places: PfPlaces,
  journal: Journal,
  request: RecoverRequest,
): Promise<Operation> {
  const { planning } = request;
  const state = await planning.observe();
  const bootId = known(state.bootId);
  if (operation.bootId !== null && bootId !== undefined && bootId !== operation.bootId) {
    const failure = await leftAfterReboot(operation, request.kept);
    await journal.write({ event: "ended", state: "overtaken", ...(failure && { failure }) });
    return journal.operation;
  }
  if (operation.migration && request.endMove) return request.endMove(operation, state, journal);
  const missing = operation.pfs.map(({ bdf }) => bdf).filter((pf) => !places.has(pf));
  if (missing.length === 0 && !lacksReset(operation)) {
    let left: string | undefined = "";
    try {
      left = leftOf(await planning.plan(state, atPlaces(operation.desired, places)));
    } catch (error) {
      left = failureOf(error).message;
    }
    if (left === undefined) {
      try {
        // It may have died before that, or in the middle of it.
        if (operation.keeps) await request.kept?.keep(operation.keeps);
        await journal.write({ event: "ended", state: "settled" });
        return journal.operation;
      } catch (error) {
        if (journal.operation.state === "settled") throw error;
        return takeBack({ ...operation, failure: failureOf(error) }, places, missing, journal, request);
      }
    }
  }
  return takeBack(operation, places, missing, journal, request);
}

async function takeBack(
  operation: Operation,
  places: PfPlaces,
  missing: readonly PfAddress[],
  journal: Journal,
  request: RecoverRequest,
): Promise<Operation> {
  const { planning, store, kept } = request;
  const cause = operation.failure ?? died(operation);
  // A write that was waited for in vain may be through by now: what is read next tells.
  const why: OperationFailure = cause.code === "VFL-0304" ? { ...cause, code: "VFL-0305" } : cause;
  let overtaken: Overtaken;
  try {
    overtaken = await overtakenPfs(operation, store);
    // What a newer one was planned with stays.
    if (overtaken.size === 0 && operation.keeps) await kept?.takeBack(operation.keeps);
  } catch (error) {
    await endStuck(failureOf(error), why, { journal });
    return journal.operation;
  }
  const isOwn = (pf: PfAddress) => !overtaken.has(pf);
  const own = operation.pfs.map(({ bdf }) => bdf).filter(isOwn);
  const told = overtaken.size > 0 ? { overtaken: overtakenFailure(overtaken, own, why) } : {};
  if (told.overtaken && own.length === 0) {
    await journal.write({ event: "ended", state: "overtaken", failure: told.overtaken });
    return journal.operation;
  }
  const before = atPlaces(
    operation.before.filter(({ pf }) => isOwn(pf)),
    places,
  );
  const way = { cause: why, before, missing: missing.filter(isOwn), places, ...told };
  return goBack(way, planning, runSetting(request, journal));
}

/** Whether it was to reset a VF and nobody wrote down that it did: the hardware cannot tell. */
function lacksReset({ steps, events }: Operation): boolean {
  const isReset = (step: Step | undefined) => step?.kind === "resetVf";
  const undoAt = events.findIndex(({ event }) => event === "undoBegun");
  const applied: readonly OperationEvent[] = undoAt === -1 ? events : events.slice(0, undoAt);
  const doneSteps = new Set(applied.flatMap((event) => (event.event === "stepDone" ? [event.step] : [])));
  return steps.some((step, place) => isReset(step) && !doneSteps.has(place));
}

function died({ pid }: Operation): OperationFailure {
  return operationFailure("VFL-0312", `its process ${pid} died`);
}
