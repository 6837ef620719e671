import { VfleetError } from "../errors/vfleet-error.ts";
import type { Operation } from "../host/apply/operation.ts";
import type { RecoverRequest } from "../host/apply/recover.ts";
import { endedClaims, leftByClaims } from "../host/desired/claim-lifetime.ts";
import type { PolicyFile } from "../host/desired/read-documents.ts";
import type { HostState } from "../host/state/host-state.ts";
import type { Kernel } from "../kernel/port.ts";
import type { ChangeRequest } from "./changes/change-request.ts";
import type { LocalOptions } from "./changes/plan-change.ts";
import { changeVerdict } from "./changes/planned-change.ts";
import type { HostAccess, HostStatus, OperationRecords, ShownChange } from "./host-access.ts";
import { type HostSetting, observeAll, operationSetting, type SeenHost } from "./host-setting.ts";

/** A host that this process has opened. What few commands need is loaded when it is asked for. */
export class LocalHost implements HostAccess {
  readonly #host: HostSetting;
  #seen: SeenHost | undefined;

  constructor(host: HostSetting) {
    this.#host = host;
  }

  get source(): string {
    return this.#host.kernel.source.name;
  }

  async kernel(): Promise<Kernel> {
    return this.#host.kernel;
  }

  async look(): Promise<HostState> {
    this.#seen = await observeAll(this.#host);
    return this.#host.planning.stateOf(this.#seen);
  }

  async plan(request: ChangeRequest, local?: LocalOptions): Promise<ShownChange> {
    const seen = this.#seen;
    this.#seen = undefined;
    const { planChange } = await import("./changes/plan-change.ts");
    const change = await planChange(this.#host, request, seen && (async () => seen), local);
    const { state, plan, title, ended, keeps, migration } = change;
    return {
      ...{ state, plan, title, ended, keeps },
      verdict: changeVerdict(change),
      migration: migration?.verdict ?? null,
      perform: async (doing) => (await import("./changes/do-change.ts")).doChange(change, doing),
    };
  }

  async status(files: readonly PolicyFile[] | undefined): Promise<HostStatus> {
    const { operations, damaged } = "write" in this.#host.kernel ? await this.operations() : NO_RECORDS;
    const unfinished = operations.filter(
      ({ state }) => state === "applying" || state === "undoing" || state === "stuck",
    );
    const { planWishes } = await import("./wishes.ts");
    try {
      const { state, plan, resolved } = await planWishes(this.#host, files);
      return { unfinished, damaged, ended: resolved.ended, plan, state };
    } catch (error) {
      // Nothing may be wanted yet.
      if (!(error instanceof VfleetError && error.code === "VFL-0232" && files === undefined)) throw error;
    }
    const state = await this.#host.planning.observe();
    const { claims } = this.#host;
    const over = endedClaims([], claims, state.guests, new Date());
    const ended = [...over, ...leftByClaims(claims, over)];
    return { unfinished, damaged, ended, plan: null, state };
  }

  async operations(): Promise<OperationRecords> {
    const damaged: VfleetError[] = [];
    const operations = await operationSetting(this.#host).store.list((damage) => damaged.push(damage));
    return { operations, damaged };
  }

  operation(number: number): Promise<Operation | undefined> {
    return operationSetting(this.#host).store.read(number);
  }

  async recover(how: Pick<RecoverRequest, "stuck" | "onEvent">): Promise<OperationRecords> {
    const damaged: VfleetError[] = [];
    const { recoverHost } = await import("./recover-host.ts");
    const operations = await recoverHost(this.#host, { ...how, onDamage: (damage) => damaged.push(damage) });
    return { operations, damaged };
  }
}

const NO_RECORDS: OperationRecords = { operations: [], damaged: [] };
