import type { ApiAnswer, ApiClient } from "../client/api-client.ts";
import type { ApiRoutes } from "../client/api-routes.ts";
import { catalogueEntry } from "../errors/catalogue.ts";
import { VfleetError } from "../errors/vfleet-error.ts";
import type { ChangeRequest } from "../fleet/changes/change-request.ts";
import type { LocalOptions } from "../fleet/changes/plan-change.ts";
import type { HostAccess, HostStatus, OperationRecords, ShownChange } from "../fleet/host-access.ts";
import type { Operation } from "../host/apply/operation.ts";
import type { RecoverRequest } from "../host/apply/recover.ts";
import type { PolicyFile } from "../host/desired/read-documents.ts";
import type { HostState } from "../host/state/host-state.ts";
import type { Kernel, KernelSource } from "../kernel/port.ts";
import { openCapture } from "../kernel/snapshot/snapshot-kernel.ts";
import { performPlan, replayRecovery } from "./follow-operation.ts";
import { told } from "./told.ts";

const MOST_HOSTS = 1000;

/** As errors come in JSON. */
interface Told {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}
type Sent<Shape> = Omit<Shape, "damaged"> & { readonly damaged: readonly Told[] };

/** A host behind a server: what is there is read by the server, and what is to be said of it is said here. */
export class RemoteHost implements HostAccess {
  /** As the server calls it. */
  readonly name: string;
  readonly source: string;
  readonly #client: ApiClient;
  #state: HostState | undefined;

  constructor(client: ApiClient, name: string, source: string) {
    this.#client = client;
    this.name = name;
    this.source = source;
  }

  async kernel(): Promise<Kernel> {
    const archive = await told<Blob>(this.#client.ask("GET /hosts/{host}/capture", this.#here));
    return openCapture(await archive.bytes(), this.name, { kind: kindOf(this.source), name: this.source });
  }

  async look(): Promise<HostState> {
    this.#state = await told<HostState>(this.#client.ask("GET /hosts/{host}/state", this.#here));
    return this.#state;
  }

  async plan(request: ChangeRequest, local: LocalOptions = {}): Promise<ShownChange> {
    if (Object.keys(local).length > 0) {
      throw new VfleetError("VFL-0001", {
        message: "--vf-token-file and --uri are places at the host itself: a server takes none from elsewhere",
        remedy: "run it at the host, without --server",
      });
    }
    const state = this.#state ?? (await this.look());
    const body = request as ApiRoutes["POST /hosts/{host}/plans"]["request"]["body"];
    const { id, ...planned } = await told<Omit<ShownChange, "state" | "perform"> & { id: string }>(
      this.#client.ask("POST /hosts/{host}/plans", { ...this.#here, body }),
    );
    const { plan, title, ended, keeps, verdict, migration } = planned;
    return {
      ...{ state, plan, title, ended, keeps, verdict, migration },
      perform: (doing = {}) => performPlan(this.#client, this.name, id, doing),
    };
  }

  async status(files: readonly PolicyFile[] | undefined): Promise<HostStatus> {
    const body = files ? { files } : {};
    return withErrors(
      await told<Sent<HostStatus>>(this.#client.ask("POST /hosts/{host}/status", { ...this.#here, body })),
    );
  }

  async operations(): Promise<OperationRecords> {
    return withErrors(await told<Sent<OperationRecords>>(this.#client.ask("GET /hosts/{host}/records", this.#here)));
  }

  async operation(number: number): Promise<Operation | undefined> {
    try {
      const path = { host: this.name, number };
      return await told<Operation>(this.#client.ask("GET /hosts/{host}/operations/{number}/record", { path }));
    } catch (error) {
      if (error instanceof VfleetError && error.code === "VFL-0504") return undefined;
      throw error;
    }
  }

  async recover({ stuck = false, onEvent }: Pick<RecoverRequest, "stuck" | "onEvent">): Promise<OperationRecords> {
    const body = { stuck };
    const found = withErrors(
      await told<Sent<OperationRecords>>(this.#client.ask("POST /hosts/{host}/recover", { ...this.#here, body })),
    );
    replayRecovery(found.operations, onEvent);
    return found;
  }

  get #here() {
    return { path: { host: this.name } };
  }
}

function kindOf(source: string): KernelSource["kind"] {
  const [kind] = (["linux", "model", "lspci"] as const).filter((each) => source.split(":", 1)[0] === each);
  return kind ?? "snapshot";
}

function withErrors<Shape extends Sent<object>>(sent: Shape): Omit<Shape, "damaged"> & { damaged: VfleetError[] } {
  const damaged = sent.damaged.map(
    ({ code, message, remedy }) => new VfleetError(catalogueEntry(code)?.code ?? "VFL-0309", { message, remedy }),
  );
  return { ...sent, damaged };
}

/**
 * Hosts of a server.
 * @param name the one that is meant; all where left out
 * @throws VfleetError VFL-0504 where there is none of that name
 */
export async function remoteHosts(client: ApiClient, name: string | undefined): Promise<readonly RemoteHost[]> {
  const { items } = await told<ApiAnswer<"GET /hosts">>(client.ask("GET /hosts", { query: { limit: MOST_HOSTS } }));
  const names = items.map(({ metadata }) => metadata.name);
  const meant = items.filter(({ metadata }) => name === undefined || metadata.name === name);
  if (meant.length === 0) {
    throw new VfleetError("VFL-0504", {
      message: `the server has no host ${name ?? "yet"}`,
      remedy: `name one of its hosts with --host: ${names.join(", ")}`,
    });
  }
  return meant.map(({ metadata, status }) => new RemoteHost(client, metadata.name, status.source));
}
