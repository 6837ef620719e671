import { VfleetError } from "../errors/vfleet-error.ts";
import { operationSetting, settingOf } from "../fleet/host-setting.ts";
import type { ObjectCache } from "../fleet/object-cache.ts";
import { operationObservation } from "../fleet/operation-list.ts";
import { checkClaims, type NamedText, type PlannedChange, planApply, planUndo } from "../fleet/planned-change.ts";
import { type ApplyRequest, applyPlan } from "../host/apply/apply-plan.ts";
import { foldOperation } from "../host/apply/fold-operation.ts";
import type { ApplyProgress } from "../host/apply/journal.ts";
import type { OperationEvent } from "../host/apply/operation.ts";
import { type Plan, verdictOf } from "../host/plan/plan.ts";
import { hostNamed, type ManagedHost } from "./managed-host.ts";

/** What a plan is asked for. */
export type ChangeRequest =
  | { readonly kind: "apply"; readonly document?: NamedText | undefined }
  | { readonly kind: "undo"; readonly operation: number };

/** A plan that was shown, and can be done as it is. */
export interface PlanEntry {
  readonly id: string;
  readonly host: string;
  readonly kind: string;
  readonly title: string;
  readonly verdict: ReturnType<typeof verdictOf>;
  readonly plan: Plan;
  /** Until when it can be done. */
  readonly expiresAt: Date;
}

interface Kept extends PlanEntry {
  readonly change: PlannedChange;
}

const KEPT_MS = 15 * 60_000;
const MOST_KEPT = 200;

/**
 * Makes plans and does them. A plan is kept for a while, and done as it was shown or not at all: the host may have moved since,
 * which is seen under the lock.
 */
export class PlanDesk {
  readonly #hosts: readonly ManagedHost[];
  readonly #cache: ObjectCache;
  readonly #plans = new Map<string, Kept>();
  readonly #running = new Set<Promise<unknown>>();
  readonly #onProblem: (problem: unknown) => void;
  #isClosed = false;

  /** @param onProblem is told of what went wrong when nobody waited for it any more */
  constructor(hosts: readonly ManagedHost[], cache: ObjectCache, onProblem: (problem: unknown) => void) {
    this.#hosts = hosts;
    this.#cache = cache;
    this.#onProblem = onProblem;
  }

  /** @throws VfleetError of a request that is wrong; a plan that is refused is an answer */
  async make(hostName: string, request: ChangeRequest): Promise<PlanEntry> {
    const setting = await settingOf(hostNamed(this.#hosts, hostName).setting);
    const change =
      request.kind === "apply"
        ? await planApply(setting, request.document)
        : await planUndo(setting, request.operation);
    const { plan, kind, title } = change;
    const id = crypto.randomUUID();
    const kept = {
      id,
      host: hostName,
      kind,
      title,
      verdict: verdictOf(plan),
      plan,
      expiresAt: new Date(Date.now() + KEPT_MS),
      change,
    } as const;
    this.#forgetOld();
    this.#plans.set(id, kept);
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
      await checkClaims(change);
      await change.keep?.();
      await hostNamed(this.#hosts, kept.host).watched.lookNow();
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

  /** Lets what is being done come to its end, and begins nothing any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#running);
  }

  async #do({ host: hostName, change }: Kept, begun: (number: number) => void): Promise<void> {
    const { host, plan, kind, title, keep } = change;
    const { watched } = hostNamed(this.#hosts, hostName);
    const events: OperationEvent[] = [];
    const onEvent = (progress: ApplyProgress): void => {
      begun(progress.header.number);
      if (progress.kind !== "event") return;
      // Its end is seen with what it has made, by the look below.
      if (progress.event.event === "ended") return;
      events.push(progress.event);
      this.#cache.put(hostName, operationObservation(foldOperation(progress.header, events)));
    };
    const request: ApplyRequest = { ...operationSetting(host), plan, kind, title, onEvent };
    try {
      await checkClaims(change);
      const operation = await applyPlan(request);
      begun(operation.number);
      if (operation.state === "settled") await keep?.();
    } finally {
      await watched.lookNow();
    }
  }

  #kept(id: string): Kept {
    const kept = this.#plans.get(id);
    if (kept !== undefined && kept.expiresAt.getTime() > Date.now()) return kept;
    throw new VfleetError("VFL-0504", {
      message: `there is no plan ${id}`,
      remedy: "a plan is kept for 15 minutes, and done once: make it anew",
    });
  }

  #forgetOld(): void {
    for (const [id, { expiresAt }] of this.#plans) if (expiresAt.getTime() <= Date.now()) this.#plans.delete(id);
    for (const id of this.#plans.keys()) {
      if (this.#plans.size < MOST_KEPT) return;
      this.#plans.delete(id);
    }
  }
}

function entryOf({ change: _, ...entry }: Kept): PlanEntry {
  return entry;
}
