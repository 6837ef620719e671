import { VfleetError } from "../../errors/vfleet-error.ts";
import type { OperationFailure } from "../../host/apply/operation.ts";
import { operationFailure } from "../../host/apply/step-outcome.ts";
import { guestName } from "../../host/guest-port.ts";
import type {
  MigrationCheck,
  MigrationCourse,
  MigrationEnd,
  MigrationPort,
  MigrationVerdict,
  MigrationWish,
} from "../../host/migrate/migration-port.ts";
import type { MovedVf, PlannedMove } from "../../host/migrate/planned-move.ts";
import type { TrafficWatch } from "../../host/migrate/traffic-watch.ts";
import type { HostState } from "../../host/state/host-state.ts";
import { MoveRefused } from "../../kernel/model/remote/machine-moves.ts";
import { type ModelledMachine, openMachine, runningMachine } from "../../kernel/model/remote/modelled-machine.ts";
import { isKnownMachine, modelFile } from "../../kernel/model/remote/state-folder.ts";
import { type Bdf, parseBdf } from "../../pci/bdf.ts";
import { type FlowWatch, watchFlows } from "./flow-watch.ts";
import { LINK_BYTES_PER_SECOND, type ModelMovePlan, moveModelGuest, planModelMove } from "./move-model-guest.ts";

const PAIR = ">";

/** Guests of a modelled machine that move to another one: `model:FILE`. @param path of the machine's own file */
export function modelMigrations(path: string): MigrationPort {
  return new ModelMigrations(path);
}

class ModelMigrations implements MigrationPort {
  readonly #path: string;
  readonly #watches = new WeakMap<PlannedMove, FlowWatch>();

  constructor(path: string) {
    this.#path = path;
  }

  async verdict(wish: MigrationWish, state: HostState): Promise<MigrationVerdict> {
    const { destination } = wish;
    const path = modelFile(destination);
    if (path === undefined) {
      return refused("destination", `${destination} is no modelled machine`, "name its file: --to model:FILE");
    }
    return withMachine(openMachine(this.#path), (source) =>
      withMachine(openMachine(path), (there) => this.#verdictOn(wish, state, source, there)),
    );
  }

  async #verdictOn(
    wish: MigrationWish,
    state: HostState,
    source: ModelledMachine,
    there: ModelledMachine,
  ): Promise<MigrationVerdict> {
    const { method, guest } = wish;
    if (there.info.pid === source.info.pid) {
      return refused(
        "destination",
        "the guest and its destination are on one machine",
        "name another: --to model:FILE",
      );
    }
    const plan = await planModelMove(source, there, guestName(guest));
    const checks: MigrationCheck[] = [
      ok("destination", `${there.info.name} runs, process ${there.info.pid}`),
      ...plan.verdict.obstacles.map((text) =>
        plan.nameRemedy === null
          ? check("driver", "refused", text, REMEDY)
          : { ...check("guest", "refused", text, plan.nameRemedy), method: null },
      ),
      ...plan.pairs.map(({ from, to }) => check("vf", "ok", `the state of ${from} goes to ${to}`, "")),
      ...plan.verdict.notes.map((note) => check("settings", "ok", note, "")),
    ];
    if (method === "failover") {
      const text = "guests of the model have no virtio interface that could stand in for a VF";
      return { checks: [...checks, { ...check("standby", "refused", text, "use --method vfio"), method }], move: null };
    }
    const vfs = plan.pairs.flatMap(({ from }) => movedVf(state, from) ?? []);
    const isWhole = vfs.length > 0 && vfs.length === plan.pairs.length;
    if (plan.verdict.possible && !isWhole) {
      checks.push(check("vf", "refused", `${guest} has no VF here`, "give it one: vfleet attach VF GUEST"));
    }
    if (!plan.verdict.possible || !isWhole) return { checks, move: null };
    return { checks, move: plannedMove(wish, there.info.file, plan, vfs) };
  }

  async watchTraffic(move: PlannedMove): Promise<TrafficWatch | null> {
    const machines: ModelledMachine[] = [];
    // Until it is stopped they are asked by it.
    const close = () => {
      for (const machine of machines) machine.close();
    };
    try {
      for (const path of [this.#path, pathOf(move.destination)]) machines.push(await openMachine(path));
      const [source, there] = machines as [ModelledMachine, ModelledMachine];
      const watch = await watchFlows(source.moves, there.moves, planOf(move).pairs, close);
      if (watch === null) close();
      else this.#watches.set(move, watch);
      return watch;
    } catch (error) {
      close();
      throw error;
    }
  }

  async migrate(move: PlannedMove, course: MigrationCourse): Promise<MigrationEnd> {
    return withMachine(openMachine(this.#path), (source) =>
      withMachine(openMachine(pathOf(move.destination)), (there) => this.#moveTo(move, course, source, there)),
    );
  }

  async #moveTo(
    move: PlannedMove,
    course: MigrationCourse,
    source: ModelledMachine,
    there: ModelledMachine,
  ): Promise<MigrationEnd> {
    const ends = performance.now() + course.timeoutMs;
    let runsThere = false;
    try {
      const { stoppedNs } = await moveModelGuest(observed(source, course, ends), there, planOf(move), {
        bytesPerSecond: LINK_BYTES_PER_SECOND,
        prepared: () =>
          course.phase("prepared", `${there.info.name} has room for it, and VFs that wait for their state`),
        moving: () => course.phase("moving", "its memory is copied while it runs"),
        async moved(gapMs) {
          runsThere = true;
          await course.phase("moved", `${move.destination} runs the guest`, Math.round(gapMs));
        },
      });
      const watch = this.#watches.get(move);
      if (watch) watch.stoppedNs = stoppedNs;
      await course.phase("plugged", `its VFs' state is there (${move.details.vfs})`);
      return { kind: "moved", withoutVf: null };
    } catch (error) {
      const why = operationFailure("VFL-0411", error instanceof Error ? error.message : String(error));
      if (runsThere) {
        return {
          kind: "moved",
          withoutVf: operationFailure("VFL-0414", `${move.guest} was not ended here: ${why.message}`),
        };
      }
      return this.#stays(move, course, why);
    }
  }

  /** It has been called back, where its machine is there. */
  async #stays(move: PlannedMove, course: MigrationCourse, why: OperationFailure): Promise<MigrationEnd> {
    await course.phase("rollingBack", why.message);
    if (!(await runs(await runningMachine(this.#path), guestName(move.guest)))) {
      return { kind: "lost", why: operationFailure("VFL-0413", `${move.guest} is not where it was (${why.message})`) };
    }
    await course.takeBack(why.message);
    await course.phase("rolledBack", `${move.guest} runs where it was`);
    return { kind: "rolledBack", why };
  }

  /**
   * Whether the destination runs the guest decides; a machine that is off runs none. Where it is not known which machine that was, the
   * guest may run there, and is left as it is here.
   */
  async recover(move: PlannedMove, course: MigrationCourse): Promise<MigrationEnd> {
    const name = guestName(move.guest);
    const path = pathOf(move.destination);
    if (!isKnownMachine(path)) {
      const why = operationFailure(
        "VFL-0413",
        `${path} is not there any more: whether ${move.guest} runs there is not known`,
      );
      return { kind: "lost", why: { ...why, remedy: `${WHERE_GONE}, then: vfleet recover --stuck` } };
    }
    const isThere = await runs(await runningMachine(path), name);
    const why = operationFailure("VFL-0312", "the process that moved it died");
    await withMachine(openMachine(this.#path), async ({ moves }) => {
      const leaving = moves.leaving(name);
      try {
        await (isThere ? leaving.complete() : leaving.cancel());
      } catch (error) {
        // It has been ended, or goes on, already: its machine does that by itself where it can be sure.
        if (!(error instanceof MoveRefused)) throw error;
      }
    });
    if (isThere) {
      await course.phase("moved", `${move.destination} runs the guest`);
      await course.phase("plugged", `its VFs' state is there (${move.details.vfs})`);
      return { kind: "moved", withoutVf: null };
    }
    return this.#stays(move, course, why);
  }
}

const WHERE_GONE =
  "put the file back where it was; or, where that machine is gone for good, let the guest go on (guest resume NAME in the shell of its machine)";
const REMEDY =
  "see docs/model.md: the machine's file names model_vfio_pci among its modules, and the VFs are bound to it";

/** The source, whose time does not pass any more where the move is to end. */
function observed(source: ModelledMachine, { signal }: MigrationCourse, ends: number): ModelledMachine {
  const pass = async (ns: number): Promise<void> => {
    if (signal.aborted) throw new VfleetError("VFL-0312", { message: "the move was interrupted" });
    if (performance.now() > ends) throw new VfleetError("VFL-0411", { message: "it did not end in time" });
    await source.moves.pass(ns);
  };
  return { ...source, moves: { ...source.moves, pass } };
}

/** @param file of the destination: whoever recovers may be in another folder, where its name as it was typed is another file */
function plannedMove(
  wish: MigrationWish,
  file: string,
  { guest, pairs }: ModelMovePlan,
  vfs: readonly MovedVf[],
): PlannedMove {
  return {
    method: "vfio",
    guest: wish.guest,
    destination: `model:${file}`,
    uri: wish.uri,
    pfs: [...new Set(vfs.map(({ pf }) => pf))],
    vfs: vfs.map((source) => ({ source, destination: null, details: {} })),
    steps: [],
    undoSteps: [],
    details: { memoryMib: guest.memoryMib, vfs: pairs.map(({ from, to }) => `${from}${PAIR}${to}`).join(" ") },
  };
}

function planOf({ guest, details }: PlannedMove): Pick<ModelMovePlan, "guest" | "pairs"> {
  const pairs = String(details.vfs)
    .split(" ")
    .map((pair) => {
      const [from, to] = pair.split(PAIR).map(parseBdf);
      if (from === undefined || to === undefined) throw new VfleetError("VFL-0413", { message: `no VFs: ${pair}` });
      return { from, to };
    });
  return { guest: { name: guestName(guest), memoryMib: Number(details.memoryMib) }, pairs };
}

function movedVf({ pfs }: HostState, bdf: Bdf | undefined): MovedVf | undefined {
  for (const pf of pfs) {
    for (const vf of pf.vfs) if (bdf !== undefined && vf.bdf === bdf) return { pf: pf.bdf, vfIndex: vf.vfIndex, bdf };
  }
  return undefined;
}

function pathOf(destination: string): string {
  return modelFile(destination) ?? destination;
}

/** Does something with a machine, and leaves it. */
async function withMachine<Result>(
  opened: Promise<ModelledMachine>,
  work: (machine: ModelledMachine) => Promise<Result>,
): Promise<Result> {
  const machine = await opened;
  try {
    return await work(machine);
  } finally {
    machine.close();
  }
}

/** Whether a machine runs a guest; one that is off runs none. */
async function runs(machine: ModelledMachine | undefined, name: string): Promise<boolean> {
  if (machine === undefined) return false;
  return withMachine(Promise.resolve(machine), async ({ guests }) =>
    (await guests.list()).some((guest) => guest.name === name),
  );
}

function check(
  name: MigrationCheck["check"],
  result: MigrationCheck["result"],
  summary: string,
  remedy: string,
): MigrationCheck {
  return { check: name, method: "vfio", result, summary, evidence: [], remedy };
}

function ok(name: MigrationCheck["check"], summary: string): MigrationCheck {
  return { ...check(name, "ok", summary, ""), method: null };
}

function refused(name: MigrationCheck["check"], summary: string, remedy: string): MigrationVerdict {
  return { checks: [{ ...check(name, "refused", summary, remedy), method: null }], move: null };
}
