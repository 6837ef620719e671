import type { ApiClient, ApiEvent } from "../../../src/client/api-client.ts";
import { ApiProblem, notAnswered } from "../../../src/client/api-problem.ts";
import type { ObjectOf, ObservedKind, ObservedObject } from "./objects.ts";
import { api } from "./session.ts";

interface LiveOptions {
  /** Told once that the token is known no longer; nothing is asked any more then. */
  readonly onRefused?: () => void;
  readonly client?: Pick<ApiClient, "ask" | "watch">;
}

/** What is watched: all hosts, or all objects of one. */
export type Scope = { readonly host: string } | { readonly kind: "Host" };

export type LiveState =
  | { readonly state: "loading" | "live" }
  /** What is shown is as it was; it is tried again. */
  | { readonly state: "cut off"; readonly error: ApiProblem };

interface Page {
  readonly metadata: { readonly resourceVersion: string; readonly continue: string | null };
  readonly items: readonly ObservedObject[];
}

interface PageQuery {
  readonly limit: number;
  readonly continue?: string;
}

const PAGE_ITEMS = 1000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;

/**
 * Objects as they are now: read once, then kept up to date by the server's events. Listeners are told once for all that came
 * together, so that a thousand changes are one rendering.
 */
export class LiveObjects {
  readonly #scope: Scope;
  /** In order, but for kinds in #unsorted. */
  readonly #byKind = new Map<ObservedKind, Map<string, ObservedObject>>();
  readonly #unsorted = new Set<ObservedKind>();
  /** Of each kind, as it was given last: the same array until something changes. */
  readonly #lists = new Map<ObservedKind, readonly ObservedObject[]>();
  readonly #listeners = new Set<() => void>();
  readonly #end = new AbortController();
  #status: LiveState = { state: "loading" };
  #version: string | undefined;
  #hasLoaded = false;
  #isTold = false;
  readonly #client: Pick<ApiClient, "ask" | "watch">;
  readonly #onRefused: (() => void) | undefined;

  constructor(scope: Scope, { onRefused, client = api }: LiveOptions = {}) {
    this.#scope = scope;
    this.#client = client;
    this.#onRefused = onRefused;
    void this.#run();
  }

  get status(): LiveState {
    return this.#status;
  }

  /** Whether all was read once: before, that there is nothing says nothing. */
  get hasLoaded(): boolean {
    return this.#hasLoaded;
  }

  /** By name; the same array as long as nothing of the kind has changed. */
  list<Kind extends ObservedKind>(kind: Kind): readonly ObjectOf<Kind>[] {
    let list = this.#lists.get(kind);
    if (list === undefined) {
      // A change of one of thousands leaves all in their places: only what has come makes them be put in order anew.
      if (this.#unsorted.delete(kind)) this.#sort(kind);
      list = [...(this.#byKind.get(kind)?.values() ?? [])];
      this.#lists.set(kind, list);
    }
    return list as readonly ObjectOf<Kind>[];
  }

  #sort(kind: ObservedKind): void {
    const sorted = [...(this.#byKind.get(kind)?.values() ?? [])].sort(byPlace);
    this.#byKind.set(kind, new Map(sorted.map((object) => [keyOf(object), object])));
  }

  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#end.abort();
  }

  async #run(): Promise<void> {
    const { signal } = this.#end;
    let waitMs = FIRST_WAIT_MS;
    while (!signal.aborted) {
      try {
        if (this.#version === undefined) await this.#load();
        const onState = (problem: ApiProblem | null) => {
          // Only now: a server that lets lists be read and no stream be opened is not asked at once for ever.
          if (problem === null) waitMs = FIRST_WAIT_MS;
          this.#say(problem === null ? { state: "live" } : { state: "cut off", error: problem });
        };
        for await (const event of this.#client.watch({ ...this.#scope, from: this.#version ?? "", signal, onState })) {
          this.#take(event);
        }
      } catch (error) {
        if (signal.aborted) return;
        const problem = error instanceof ApiProblem ? error : notAnswered(location.origin, error);
        // The server no longer has what happened since: everything is read anew.
        if (problem.status === 410) {
          this.#version = undefined;
          continue;
        }
        this.#say({ state: "cut off", error: problem });
        if (problem.status === 401) {
          this.#onRefused?.();
          return;
        }
        await pause(waitMs, signal);
        waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
      }
    }
  }

  async #load(): Promise<void> {
    const { signal } = this.#end;
    const api = this.#client;
    const loaded = new Map<ObservedKind, Map<string, ObservedObject>>();
    const versions: string[] = [];
    // Of the first page of all: whatever has changed since is told once more.
    const pages = async (kind: ObservedKind, ask: (query: PageQuery) => Promise<Page>) => {
      const objects = new Map<string, ObservedObject>();
      let from: string | null | undefined;
      while (from !== null) {
        const page: Page = await ask({ limit: PAGE_ITEMS, ...(from !== undefined && { continue: from }) });
        versions.push(page.metadata.resourceVersion);
        for (const item of page.items) objects.set(keyOf(item), item);
        from = page.metadata.continue;
      }
      loaded.set(kind, objects);
    };
    if ("host" in this.#scope) {
      const path = { host: this.#scope.host };
      await pages("PhysicalFunction", (query) =>
        api.ask("GET /hosts/{host}/physicalfunctions", { path, query }, signal),
      );
      // After the first page, from whose version on changes are told: what changed before is in it.
      const host = await api.ask("GET /hosts/{host}", { path }, signal);
      loaded.set("Host", new Map([[keyOf(host), host]]));
      await pages("VirtualFunction", (query) => api.ask("GET /hosts/{host}/virtualfunctions", { path, query }, signal));
      await pages("Guest", (query) => api.ask("GET /hosts/{host}/guests", { path, query }, signal));
      await pages("Operation", (query) => api.ask("GET /hosts/{host}/operations", { path, query }, signal));
    } else {
      await pages("Host", (query) => api.ask("GET /hosts", { query }, signal));
    }
    this.#byKind.clear();
    for (const [kind, objects] of loaded) {
      this.#byKind.set(kind, objects);
      this.#unsorted.add(kind);
    }
    this.#lists.clear();
    this.#version = versions[0];
    this.#hasLoaded = true;
    this.#tell();
  }

  #take({ type, resourceVersion, object }: ApiEvent): void {
    const objects = this.#byKind.get(object.kind) ?? new Map<string, ObservedObject>();
    this.#byKind.set(object.kind, objects);
    const key = keyOf(object);
    if (type === "DELETED") objects.delete(key);
    else {
      if (!objects.has(key)) this.#unsorted.add(object.kind);
      objects.set(key, object);
    }
    this.#version = resourceVersion;
    this.#lists.delete(object.kind);
    this.#tell();
  }

  #say(status: LiveState): void {
    if (this.#status.state === status.state && status.state !== "cut off") return;
    this.#status = status;
    this.#tell();
  }

  #tell(): void {
    if (this.#isTold) return;
    this.#isTold = true;
    setTimeout(() => {
      this.#isTold = false;
      for (const listener of this.#listeners) listener();
    });
  }
}

function keyOf({ metadata }: ObservedObject): string {
  return `${metadata.host}\n${metadata.name}`;
}

const COLLATOR = new Intl.Collator("en", { numeric: true });

/** By host and name; VFs by their PF and number. Addresses are hexadecimal, and of one width. */
function byPlace(a: ObservedObject, b: ObservedObject): number {
  if (a.kind === "VirtualFunction" && b.kind === "VirtualFunction") {
    return compare(a.status.pf, b.status.pf) || a.status.vfIndex - b.status.vfIndex;
  }
  if (a.kind === "PhysicalFunction") return compare(a.metadata.name, b.metadata.name);
  return COLLATOR.compare(a.metadata.host, b.metadata.host) || COLLATOR.compare(a.metadata.name, b.metadata.name);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
