import type { ErrorCode } from "../../errors/catalogue.ts";
import { catalogueEntry } from "../../errors/catalogue.ts";
import { VfleetError } from "../../errors/vfleet-error.ts";
import { known } from "../../kernel/port.ts";
import { type OperationSetting, runSetting } from "../apply/apply-plan.ts";
import { failureOf } from "../apply/go-back.ts";
import { Journal } from "../apply/journal.ts";
import type { Operation, OperationFailure } from "../apply/operation.ts";
import { recordedPf } from "../apply/recorded-pfs.ts";
import { runStep } from "../apply/run-steps.ts";
import type { HostState } from "../state/host-state.ts";
import type { MigrationCourse, MigrationEnd, MigrationPort, MigrationVerdict } from "./migration-port.ts";
import type { PlannedMove } from "./planned-move.ts";
import type { TrafficWatch } from "./traffic-watch.ts";

export interface MigrateRequest extends OperationSetting {
  readonly port: MigrationPort;
  readonly move: PlannedMove;
  /** Asks once more, now that nobody else can change the PFs. */
  readonly again: (state: HostState) => Promise<MigrationVerdict>;
  readonly title: string;
  /** As of `MigrationWish`. */
  readonly probe: string | null;
  readonly timeoutMs: number;
  /** Takes the move back, where that is possible yet. */
  readonly signal: AbortSignal;
}

/**
 * Moves a guest as one operation: it ends settled where the guest runs at the destination with its VF, undone where it stays
 * where it was, else stuck.
 * @throws VfleetError what stands in the way before anything is done: VFL-0306, VFL-0307, VFL-0308, VFL-0416, VFL-0417
 */
export async function runMigration(request: MigrateRequest): Promise<Operation> {
  const { port, move, store, locks, clock, planning, pid, title, onEvent } = request;
  const { release } = await locks.acquire(move.pfs);
  let watch: TrafficWatch | null = null;
  try {
    const state = await planning.observe();
    checkUnmoved(move, await request.again(state));
    watch = await port.watchTraffic(move, request.probe);
    if (request.signal.aborted)
      throw new VfleetError("VFL-0312", { message: "the move was called back before it began" });
    const pfs = state.pfs.filter(({ bdf }) => move.pfs.includes(bdf));
    const writer = await store.create({
      kind: "migrate",
      title,
      startedAt: clock.now().toISOString(),
      pid,
      bootId: known(state.bootId) ?? null,
      pfs: pfs.map(recordedPf),
      desired: [],
      before: [],
      steps: move.steps,
      migration: move,
    });
    const journal = new Journal(writer, clock, onEvent);
    try {
      const course = migrationCourse(move, state, request, journal);
      return await endMigration(() => watched(port.migrate(move, course), watch, journal), journal);
    } finally {
      await journal.close();
    }
  } finally {
    watch?.stop();
    release();
  }
}

/** Writes down what was seen of the guest's traffic, whatever comes of its move. */
async function watched<End>(move: Promise<End>, watch: TrafficWatch | null, journal: Journal): Promise<End> {
  try {
    return await move;
  } finally {
    if (watch !== null) await journal.tryWrite({ event: "traffic", ...(await watch.end()) });
  }
}

/** Writes down what comes of a move. */
export async function endMigration(move: () => Promise<MigrationEnd>, journal: Journal): Promise<Operation> {
  let end: MigrationEnd;
  try {
    end = await move();
  } catch (error) {
    end = { kind: "lost", why: failureOf(error) };
  }
  if (end.kind === "moved" && end.withoutVf === null) {
    await journal.write({ event: "ended", state: "settled" });
  } else if (end.kind === "rolledBack") {
    // Where nothing was to be taken back it has not gone back yet.
    if (journal.operation.state !== "undoing")
      await journal.tryWrite({ event: "undoBegun", why: end.why.message, steps: [] });
    await journal.tryWrite({ event: "ended", state: "undone", failure: end.why });
  } else {
    const why = end.kind === "moved" ? end.withoutVf : end.why;
    await journal.tryWrite({ event: "ended", state: "stuck", ...(why === null ? {} : { failure: why }) });
  }
  return journal.operation;
}

/** How a move is written down, and does its steps. */
export function migrationCourse(
  move: PlannedMove,
  state: HostState,
  request: OperationSetting & Pick<MigrateRequest, "signal" | "timeoutMs">,
  journal: Journal,
): MigrationCourse {
  const setting = runSetting(request, journal);
  return {
    signal: request.signal,
    timeoutMs: request.timeoutMs,
    async phase(phase, evidence, downtimeMs) {
      const told = { event: "phase", phase, evidence, ...(downtimeMs === undefined ? {} : { downtimeMs }) } as const;
      // On the way back nothing waits for a disk that is full; nor does a guest that has gone over.
      if (phase === "prepared" || phase === "unplugging") await journal.write(told);
      else await journal.tryWrite(told);
    },
    async step(place) {
      const step = move.steps[place];
      if (step === undefined || placesOf(journal, "stepDone").has(place)) return;
      const end = await runStep(step, place, state, setting, !isOver(journal));
      if (end.kind === "failed") throw asError(end.failure);
    },
    async takeBack(why) {
      const begun = placesOf(journal, "stepBegun");
      const steps = move.undoSteps.filter((_, place) => begun.has(place)).reverse();
      await journal.tryWrite({ event: "undoBegun", why, steps });
      for (const [place, step] of steps.entries()) {
        const end = await runStep(step, place, state, setting, false);
        if (end.kind === "failed") throw asError(end.failure);
      }
    },
  };
}

/** Whether the guest has gone over: then its way ends there, written down or not. */
function isOver({ operation }: Journal): boolean {
  return operation.events.some((event) => event.event === "phase" && event.phase === "moved");
}

/** Of the steps of the way there; those of the way back have places of their own. */
function placesOf(journal: Journal, kind: "stepBegun" | "stepDone"): ReadonlySet<number> {
  const places = new Set<number>();
  for (const event of journal.operation.events) {
    if (event.event === "undoBegun") break;
    if (event.event === kind) places.add(event.step);
  }
  return places;
}

function asError({ code, message, remedy, errno, target }: OperationFailure): VfleetError {
  const known: ErrorCode = catalogueEntry(code)?.code ?? "VFL-0305";
  return new VfleetError(known, { message, remedy, details: { errno, path: target } });
}

/** Between the verdict and the lock another may have changed the host. The socket's name is new each time. */
function checkUnmoved(move: PlannedMove, { move: now, checks }: MigrationVerdict): void {
  if (now !== null && JSON.stringify({ ...now, uri: move.uri }) === JSON.stringify(move)) return;
  const refused = checks.find(({ result }) => result === "refused");
  const why = now === null && refused ? refused.summary : "the move would be another one now";
  throw new VfleetError("VFL-0308", { message: `the host has changed since the verdict: ${why}` });
}
