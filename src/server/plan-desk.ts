import { VfleetError } from "../errors/vfleet-error.ts";
import type { ChangeRequest } from "../fleet/changes/change-request.ts";
import { type ChangeToDo, doChange } from "../fleet/changes/do-change.ts";
import { planChange } from "../fleet/changes/plan-change.ts";
import { changeVerdict, type PlannedChange } from "../fleet/changes/planned-change.ts";
import { settingOf } from "../fleet/host-setting.ts";
import type { ObjectCache } from "../fleet/object-cache.ts";
import { operationObservation } from "../fleet/operation-list.ts";
import { foldOperation } from "../host/apply/fold-operation.ts";
import type { ApplyProgress } from "../host/apply/journal.ts";
import type { OperationEvent } from "../host/apply/operation.ts";
import type { MigrationVerdict } from "../host/migrate/migration-port.ts";
import { modelFile } from "../kernel/model/remote/state-folder.ts";
import { hostNamed, type ManagedHost } from "./managed-host.ts";

/** A plan that was shown, and can be done as it is. */
export interface PlanEntry extends Pick<PlannedChange, "kind" | "title" | "plan" | "ended" | "keeps"> {
  readonly id: string;
  readonly host: string;
  readonly verdict: ReturnType<typeof changeVerdict>;
  /** null of all but a move. */
  readonly migration: MigrationVerdict | null;
  /** Until when it can be done. */
  readonly expiresAt: Date;
}

interface Kept extends PlanEntry {
  readonly change: ChangeToDo;
  /** Whose it is. */
  readonly by: string;
}

const KEPT_MS = 15 * 60_000;
const MOST_KEPT = 200;
/** Who may only look may plan: no plan of others goes for theirs. */
const MOST_KEPT_OF_ONE = 20;

/**
 * Makes plans and does them. A plan is kept for a while, and done as it was shown or not at all: the host may have moved since,
 * which is seen under the lock.
 */
export class PlanDesk {
  readonly #hosts: readonly ManagedHost[];
  readonly #cache: ObjectCache;
  readonly #plans = new Map<string, Kept>();
  readonly #running = new Set<Promise<unknown>>();
  /** Of what is being done, by host and number. */
  readonly #stops = new Map<string, AbortController>();
  readonly #onProblem: (problem: unknown) => void;
  #isClosed = false;

  /** @param onProblem is told of what went wrong when nobody waited for it any more */
  constructor(hosts: readonly ManagedHost[], cache: ObjectCache, onProblem: (problem: unknown) => void) {
    this.#hosts = hosts;
    this.#cache = cache;
    this.#onProblem = onProblem;
  }

  /**
   * @param by the name of the token that it is asked for with
   * @throws VfleetError of a request that is wrong; a plan that is refused is an answer
   */
  async make(hostName: string, request: ChangeRequest, by: string): Promise<PlanEntry> {
    const host = hostNamed(this.#hosts, hostName);
    await host.recovered;
    // All that was read of the host goes with `state`: kept of each plan, it would be most of the server's memory.
    const { state: _, ...change } = await planChange(await settingOf(host.setting), this.#within(host, request));
    const { plan, kind, title, ended, keeps, migration } = change;
    const id = crypto.randomUUID();
    const kept: Kept = {
      ...{ id, host: hostName, kind, title, plan, ended, keeps },
      verdict: changeVerdict(change),
      migration: migration?.verdict ?? null,
      expiresAt: new Date(Date.now() + KEPT_MS),
      change,
      by,
    };
    this.#plans.set(id, kept);
    this.#forgetOld(by);
    return entryOf(kept);
  }

  get(id: string): PlanEntry {
    return entryOf(this.#kept(id));
  }

  /**
   * Begins to do a plan; what comes of it is in the operation.
   * @returns the operation's number, or null where nothing differs and there is only to write down what is desired
   * @throws VfleetError the plan's first refusal, VFL-0306, VFL-0308 where the host has moved
   */
  async apply(id: string): Promise<number | null> {
    if (this.#isClosed) throw new VfleetError("VFL-0514");
    const kept = this.#kept(id);
    this.#plans.delete(id);
    const { change, verdict } = kept;
    if (verdict === "settled") {
      await doChange(change);
      await this.#look(kept);
      return null;
    }
    const begun = Promise.withResolvers<number>();
    let hasBegun = false;
    const running: Promise<void> = this.#do(kept, (number) => {
      hasBegun = true;
      begun.resolve(number);
    })
      .catch((error: unknown) => {
        if (hasBegun) this.#onProblem(error);
        else begun.reject(error);
      })
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
    return begun.promise;
  }

  /** Ends an operation at its next step, and takes it back. @returns whether it is one that is being done */
  stop(host: string, operation: number): boolean {
    const stop = this.#stops.get(operationKey(host, operation));
    stop?.abort();
    return stop !== undefined;
  }

  /** Lets what is being done come to its end, and begins nothing any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#running);
  }

  async #do(kept: Kept, begun: (number: number) => void): Promise<void> {
    const { host: hostName, change } = kept;
    const stop = new AbortController();
    const events: OperationEvent[] = [];
    const onEvent = (progress: ApplyProgress): void => {
      const { number } = progress.header;
      this.#stops.set(operationKey(hostName, number), stop);
      begun(number);
      if (progress.kind !== "event") return;
      // Its end is seen with what it has made, by the look below.
      if (progress.event.event === "ended") return;
      events.push(progress.event);
      this.#cache.put(hostName, operationObservation(foldOperation(progress.header, events)));
    };
    try {
      const operation = await doChange(change, { onEvent, signal: stop.signal });
      if (operation) begun(operation.number);
    } finally {
      for (const [key, each] of this.#stops) if (each === stop) this.#stops.delete(key);
      await this.#look(kept);
    }
  }

  /** At all hosts that a change has reached. */
  async #look({ host, change: { migration } }: Kept): Promise<void> {
    const there = migration?.wish.destination;
    const reached = this.#hosts.filter(({ name, setting }) => name === host || setting.kernel.source.name === there);
    await Promise.all(reached.map(({ watched }) => watched.lookNow()));
  }

  /**
   * A guest of a modelled host moves to another host of this server, by its name: who may ask for a verdict may not have machines of
   * other files powered on.
   */
  #within({ setting }: ManagedHost, request: ChangeRequest): ChangeRequest {
    if (request.kind !== "migrate" || modelFile(setting.kernel.source.name) === undefined) return request;
    const { destination: to } = request;
    const there = this.#hosts.find((each) => each.name === to || each.setting.kernel.source.name === to);
    if (there !== undefined) return { ...request, destination: there.setting.kernel.source.name };
    throw new VfleetError("VFL-0415", {
      message: `${to} is no host of this server`,
      remedy: `name one of its hosts: ${this.#hosts.map(({ name }) => name).join(", ")}`,
      details: { destination: to },
    });
  }

  #kept(id: string): Kept {
    const kept = this.#plans.get(id);
    if (kept !== undefined && kept.expiresAt.getTime() > Date.now()) return kept;
    throw new VfleetError("VFL-0504", {
      message: `there is no plan ${id}`,
      remedy: "a plan is kept for 15 minutes, and done once: make it anew",
    });
  }

  /** What has expired, what one has too many of, and where there are too many in all, the oldest of who has most. */
  #forgetOld(by: string): void {
    for (const [id, { expiresAt }] of this.#plans) if (expiresAt.getTime() <= Date.now()) this.#plans.delete(id);
    const own = [...this.#plans.values()].filter((each) => each.by === by);
    if (own.length > MOST_KEPT_OF_ONE) this.#forgetOldest(own);
    if (this.#plans.size <= MOST_KEPT) return;
    const ofEach = [...Map.groupBy(this.#plans.values(), (each) => each.by).values()];
    this.#forgetOldest(ofEach.reduce((most, each) => (each.length > most.length ? each : most)));
  }

  #forgetOldest([oldest]: readonly Kept[]): void {
    if (oldest !== undefined) this.#plans.delete(oldest.id);
  }
}

function operationKey(host: string, number: number): string {
  return `${host} ${number}`;
}

function entryOf({ change: _change, by: _by, ...entry }: Kept): PlanEntry {
  return entry;
}
