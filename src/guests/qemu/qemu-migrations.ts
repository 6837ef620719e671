import { rmdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { failureOf } from "../../host/apply/go-back.ts";
import type { OperationFailure } from "../../host/apply/operation.ts";
import { operationFailure } from "../../host/apply/step-outcome.ts";
import type {
  MigrationCourse,
  MigrationEnd,
  MigrationPort,
  MigrationVerdict,
  MigrationWish,
} from "../../host/migrate/migration-port.ts";
import type { PlannedMove } from "../../host/migrate/planned-move.ts";
import type { TrafficWatch } from "../../host/migrate/traffic-watch.ts";
import { readText } from "../../host/observe.ts";
import type { HostState } from "../../host/state/host-state.ts";
import { type Kernel, known } from "../../kernel/port.ts";
import type { ChangeableKernel } from "../../kernel/port-change.ts";
import type { Qmp } from "../../qmp/qmp.ts";
import { deviceIdOf } from "./device-id.ts";
import { lockableMemory } from "./locked-memory.ts";
import { qemuFacts } from "./migration-facts.ts";
import { check } from "./migration-verdict.ts";
import { atMonitor } from "./monitor.ts";
import { beginMove, completeMove, requireWanted, runStateOf, runsThere, staysHere } from "./move-guest.ts";
import { isIdle, stepPlace } from "./move-plan.ts";
import { watchByPing } from "./ping-watch.ts";
import { planQemuMove } from "./plan-qemu-move.ts";
import { findQemu, findQemuByPid } from "./qemu-guests.ts";
import { passedDevices } from "./query-guest.ts";
import { layStandbyPath, removeStandbyPath, type StandbyPath } from "./standby-path.ts";

/** VFIO pins the guest's memory as a VF is plugged in. */
const PLUG_MS = 120_000;
/** Zombie, dead: states of processes that have ended. */
const ENDED: readonly string[] = ["Z", "X"];
/** For the guest's driver to have its VF up: a host cannot see it, and till then frames go to the standby as well. */
const VF_UP_MS = 3000;
/** A folder of `makeMoveFolder`. */
const OWN_FOLDER = /\/moves\/move-\w{6}$/;

/** Virtual machines of QEMU that move to another QEMU of this host. */
export function qemuMigrations(kernel: ChangeableKernel): MigrationPort {
  return new QemuMigrations(kernel);
}

class QemuMigrations implements MigrationPort {
  readonly #kernel: ChangeableKernel;

  constructor(kernel: ChangeableKernel) {
    this.#kernel = kernel;
  }

  async verdict(wish: MigrationWish, state: HostState): Promise<MigrationVerdict> {
    const [source, destination] = await Promise.all([
      findQemu(this.#kernel, wish.guest),
      findQemu(this.#kernel, wish.destination),
    ]);
    if ("why" in source) return refused("guest", `it cannot be spoken to: ${source.why}`);
    if ("why" in destination) return refused("destination", `it cannot be spoken to: ${destination.why}`);
    if (source.pid === destination.pid) return refused("destination", "the guest and its destination are one QEMU");
    const [here, there] = await Promise.all([
      atMonitor(source.monitor, qemuFacts),
      atMonitor(destination.monitor, qemuFacts),
    ]);
    const pids = {
      sourcePid: source.pid,
      sourceStart: await startOf(this.#kernel, source.pid),
      destinationPid: destination.pid,
      destinationStart: await startOf(this.#kernel, destination.pid),
    };
    const lockableBytes = (await lockableMemory(this.#kernel, destination.pid)) ?? null;
    return planQemuMove({ kernel: this.#kernel, wish, state, here, there, lockableBytes, pids });
  }

  async watchTraffic(_move: PlannedMove, probe: string | null): Promise<TrafficWatch | null> {
    return probe === null ? null : watchByPing(probe);
  }

  async migrate(move: PlannedMove, course: MigrationCourse): Promise<MigrationEnd> {
    const monitors = await this.#monitors(move);
    if ("why" in monitors) return { kind: "rolledBack", why: operationFailure("VFL-0411", monitors.why) };
    const { source: here, destination: there } = monitors;
    if (here === null || there === null)
      return { kind: "rolledBack", why: operationFailure("VFL-0411", "one of both QEMUs has ended") };
    return atMonitor(here, (source) =>
      atMonitor(there, (destination) => this.#move(move, course, source, destination)),
    );
  }

  async #move(move: PlannedMove, course: MigrationCourse, source: Qmp, destination: Qmp): Promise<MigrationEnd> {
    const byFailover = move.method === "failover";
    try {
      // Nothing is begun of what somebody has called back already.
      requireWanted(course.signal);
      await this.#steps(move, course, "settings");
      // QEMU comes to wait for a guest once only.
      requireWanted(course.signal);
      await destination.execute("migrate-incoming", { uri: move.uri });
      await course.phase("prepared", `the destination listens at ${move.uri}`);
      if (byFailover) for (const path of pathsTo(move, "source")) await layStandbyPath(path);
      await beginMove(source, move.uri, course.signal, async () => {
        if (byFailover) await course.phase("unplugging", `the guest is to let go of ${bdfs(move, "source")}`);
      });
      if (byFailover) await this.#steps(move, course, "clear");
      await course.phase("moving", byFailover ? "the guest goes by its virtio interface" : "the guest has its VF");
      const downtimeMs = await completeMove(source, course.timeoutMs, course.signal);
      await runsThere(destination);
      await course.phase("moved", `${move.destination} runs the guest`, downtimeMs);
    } catch (error) {
      return this.#rollBack(move, course, source, destination, failureOf(error));
    }
    return this.#arrive(move, course, destination);
  }

  async #rollBack(
    move: PlannedMove,
    course: MigrationCourse,
    source: Qmp,
    destination: Qmp,
    why: OperationFailure,
  ): Promise<MigrationEnd> {
    await course.phase("rollingBack", why.message);
    let stays: boolean;
    try {
      stays = await staysHere(source);
    } catch (error) {
      return { kind: "lost", why: operationFailure("VFL-0413", `${failureOf(error).message} (after: ${why.message})`) };
    }
    if (!stays) {
      // It had gone over when it was to be called back.
      const gone = operationFailure(
        "VFL-0413",
        `the guest has left its QEMU, and the destination does not run it (${why.message})`,
      );
      try {
        if (!(await runStateOf(destination)).running) return { kind: "lost", why: gone };
      } catch {
        return { kind: "lost", why: gone };
      }
      await course.phase("moved", `${move.destination} runs the guest: it went over as it was called back`);
      return this.#arrive(move, course, destination);
    }
    return this.#stay(move, course, why);
  }

  /** The guest is where it was: its host is put in order. */
  async #stay(move: PlannedMove, course: MigrationCourse, why: OperationFailure): Promise<MigrationEnd> {
    await course.takeBack(why.message);
    await endStandby(move, ["source"]);
    removeOwnFolder(move.uri);
    await course.phase("rolledBack", `${move.guest} runs where it was`);
    const message = `the guest was not moved, and is where it was: ${why.message}`;
    return { kind: "rolledBack", why: { ...why, message } };
  }

  /** Both QEMUs have ended, and the guest with them: VFs and network are put back as they were before the move. */
  async #ended(move: PlannedMove, course: MigrationCourse): Promise<MigrationEnd> {
    const why = operationFailure("VFL-0413", `both QEMUs of ${move.guest} have ended, and the guest with them`);
    await course.phase("rollingBack", why.message);
    await course.takeBack(why.message);
    await endStandby(move, ["source", "destination"]);
    removeOwnFolder(move.uri);
    return { kind: "rolledBack", why };
  }

  /** The guest is at the destination, whatever comes of its VF. */
  async #arrive(move: PlannedMove, course: MigrationCourse, destination: Qmp): Promise<MigrationEnd> {
    try {
      if (move.method === "failover") for (const path of pathsTo(move, "destination")) await layStandbyPath(path);
      // Both have the address until the guest's driver is up: what comes twice, net_failover takes once.
      await this.#steps(move, course, "clear");
      await this.#steps(move, course, "give");
      if (move.method === "failover") await plugIn(move, destination);
      await course.phase("plugged", `${move.destination} has ${bdfs(move, "destination")}`);
      await endStandby(move, ["source", "destination"]);
    } catch (error) {
      const { message } = failureOf(error);
      const remedy = "do what the reason says, then: vfleet recover --stuck";
      return {
        kind: "moved",
        withoutVf: { ...operationFailure("VFL-0414", `the guest runs at ${move.destination}: ${message}`), remedy },
      };
    }
    removeOwnFolder(move.uri);
    return { kind: "moved", withoutVf: null };
  }

  async recover(move: PlannedMove, course: MigrationCourse): Promise<MigrationEnd> {
    const monitors = await this.#monitors(move);
    if ("why" in monitors) return { kind: "lost", why: operationFailure("VFL-0413", monitors.why) };
    const { source, destination } = monitors;
    const there = destination === null ? null : await atMonitor(destination, runStateOf);
    if (source === null) {
      if (destination !== null && there?.running)
        return atMonitor(destination, (qmp) => this.#arrive(move, course, qmp));
      if (destination === null) return this.#ended(move, course);
      return { kind: "lost", why: operationFailure("VFL-0413", "neither QEMU runs the guest any more") };
    }
    const stays = await atMonitor(source, async (qmp) => {
      // Where the destination runs, this one must not be let go on.
      const isHere = (await runStateOf(qmp)).running;
      return there?.running ? (isHere ? undefined : false) : staysHere(qmp);
    });
    if (stays === undefined)
      return { kind: "lost", why: operationFailure("VFL-0413", "both QEMUs say that they run the guest") };
    if (stays) return this.#stay(move, course, operationFailure("VFL-0312", "the process that moved it died"));
    const gone = "the guest has left its QEMU, and the destination does not run it";
    if (destination === null) return { kind: "lost", why: operationFailure("VFL-0413", gone) };
    return atMonitor(destination, async (qmp): Promise<MigrationEnd> => {
      if (!(await runStateOf(qmp)).running) return { kind: "lost", why: operationFailure("VFL-0413", gone) };
      return this.#arrive(move, course, qmp);
    });
  }

  /** Of all VFs. */
  async #steps(move: PlannedMove, course: MigrationCourse, step: Parameters<typeof stepPlace>[1]): Promise<void> {
    for (const pair of move.vfs.keys()) {
      const place = stepPlace(pair, step);
      if (!isIdle(move.steps[place])) await course.step(place);
    }
  }

  async #monitors(
    move: PlannedMove,
  ): Promise<{ readonly source: string | null; readonly destination: string | null } | { readonly why: string }> {
    const { sourcePid, sourceStart, destinationPid, destinationStart } = move.details;
    const find = async (pid: unknown, start: unknown) => {
      // Another process has the number now.
      if ((await startOf(this.#kernel, Number(pid))) !== start) return null;
      return findQemuByPid(this.#kernel, Number(pid));
    };
    const source = await find(sourcePid, sourceStart);
    const destination = await find(destinationPid, destinationStart);
    for (const each of [source, destination]) if (each !== null && typeof each !== "string") return each;
    return { source: source as string | null, destination: destination as string | null };
  }
}

/** When a process began, in ticks since the boot: field 22 of proc_pid_stat(5); null where that is not told. */
async function startOf(kernel: Kernel, pid: number): Promise<string | null> {
  const stat = known(await readText(kernel, `/proc/${pid}/stat`));
  // The second field is the program's name in brackets, and may hold anything.
  const [state = "", ...fields] = stat?.slice(stat.lastIndexOf(")") + 2).split(" ") ?? [];
  // One that has ended stays until its parent asks after it.
  return ENDED.includes(state) ? null : (fields[18] ?? null);
}

function refused(name: "guest" | "destination", summary: string): MigrationVerdict {
  return { checks: [check(name, null, "refused", summary, [], "see vfleet guests")], move: null };
}

/** The VFs that it does not have yet, each as the primary of its standby. */
async function plugIn({ vfs }: PlannedMove, destination: Qmp): Promise<void> {
  const passed = await passedDevices(destination);
  for (const { destination: vf, details } of vfs) {
    if (vf === null || passed.some(({ bdf }) => bdf === vf.bdf)) continue;
    const { bus, standbyId } = details;
    const device = { driver: "vfio-pci", id: deviceIdOf(vf.bdf), host: vf.bdf, failover_pair_id: standbyId, bus };
    await destination.execute("device_add", device, PLUG_MS);
  }
}

function bdfs({ vfs }: PlannedMove, end: "source" | "destination"): string {
  return vfs.map((pair) => pair[end]?.bdf ?? "its VF").join(", ");
}

function pathsTo({ vfs }: PlannedMove, end: "source" | "destination"): readonly StandbyPath[] {
  const text = (value: unknown) => (typeof value === "string" ? value : null);
  return vfs.map(({ details }) => ({
    mac: text(details.mac) ?? "",
    pf: text(details[`${end}Pf`]),
    tap: text(details[`${end}Tap`]),
  }));
}

/** Frames go to the VF alone again, once it is up. */
async function endStandby(move: PlannedMove, ends: readonly ("source" | "destination")[]): Promise<void> {
  const paths = ends.flatMap((end) => pathsTo(move, end)).filter(({ pf, tap }) => pf !== null && tap !== null);
  if (move.method !== "failover" || paths.length === 0) return;
  await sleep(VF_UP_MS);
  for (const path of paths) await removeStandbyPath(path);
}

/**
 * The socket is of no use any more, nor is its folder where vfleet has made it for one move (`makeMoveFolder`). A path that was given is
 * its giver's, and nothing is removed with what is in it.
 */
function removeOwnFolder(uri: string): void {
  const socket = uri.replace(/^unix:/, "");
  if (socket === uri || !OWN_FOLDER.test(dirname(socket))) return;
  rmSync(socket, { force: true });
  try {
    rmdirSync(dirname(socket));
  } catch {
    // It is gone, or somebody has put something into it.
  }
}
