import type { ObjectOf, ObservedKind, ObservedObject } from "../../../src/fleet/objects.ts";
import { ApiError } from "./problem.ts";
import { ask, send } from "./session.ts";

/** What is watched: all hosts, or all objects of one. */
export type Scope = { readonly host: string } | { readonly kind: "Host" };

export type LiveState =
  | { readonly state: "loading" | "live" }
  /** What is shown is as it was; it is tried again. */
  | { readonly state: "cut off"; readonly error: ApiError };

interface Page {
  readonly metadata: { readonly resourceVersion: string; readonly continue: string | null };
  readonly items: readonly ObservedObject[];
}

const WORDS = {
  Host: "hosts",
  PhysicalFunction: "physicalfunctions",
  VirtualFunction: "virtualfunctions",
  Guest: "guests",
  Operation: "operations",
} as const satisfies Record<ObservedKind, string>;
const OF_HOST = ["PhysicalFunction", "VirtualFunction", "Guest", "Operation"] as const;

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
  #isTold = false;

  constructor(scope: Scope) {
    this.#scope = scope;
    void this.#run();
  }

  get status(): LiveState {
    return this.#status;
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
    let waitMs = FIRST_WAIT_MS;
    while (!this.#end.signal.aborted) {
      try {
        if (this.#version === undefined) await this.#load();
        this.#say({ state: "live" });
        waitMs = FIRST_WAIT_MS;
        await this.#watch();
      } catch (error) {
        if (this.#end.signal.aborted) return;
        const told =
          error instanceof ApiError
            ? error
            : new ApiError({ status: 0, code: "", message: String(error), remedy: "reload the page" });
        // The server no longer has what happened since: everything is read anew.
        if (told.status === 410) {
          this.#version = undefined;
          continue;
        }
        this.#say({ state: "cut off", error: told });
        await pause(waitMs, this.#end.signal);
        waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
      }
    }
  }

  async #load(): Promise<void> {
    const { signal } = this.#end;
    const loaded = new Map<ObservedKind, Map<string, ObservedObject>>();
    let version: string | undefined;
    const isOfHost = "host" in this.#scope;
    const base = "host" in this.#scope ? `/hosts/${encodeURIComponent(this.#scope.host)}/` : "/";
    if ("host" in this.#scope) {
      const host = await ask<ObservedObject>(base.slice(0, -1), { signal });
      loaded.set("Host", new Map([[keyOf(host), host]]));
    }
    for (const kind of isOfHost ? OF_HOST : (["Host"] as const)) {
      const objects = new Map<string, ObservedObject>();
      let from: string | null = "";
      while (from !== null) {
        const query: string = from === "" ? "" : `&continue=${encodeURIComponent(from)}`;
        const page: Page = await ask<Page>(`${base}${WORDS[kind]}?limit=${PAGE_ITEMS}${query}`, { signal });
        // Of the first page: whatever has changed since is told once more.
        version ??= page.metadata.resourceVersion;
        for (const item of page.items) objects.set(keyOf(item), item);
        from = page.metadata.continue;
      }
      loaded.set(kind, objects);
    }
    this.#byKind.clear();
    for (const [kind, objects] of loaded) {
      this.#byKind.set(kind, objects);
      this.#unsorted.add(kind);
    }
    this.#lists.clear();
    this.#version = version;
  }

  async #watch(): Promise<void> {
    const query = "host" in this.#scope ? `host=${encodeURIComponent(this.#scope.host)}` : `kind=${this.#scope.kind}`;
    const response = await send(`/watch?resourceVersion=${this.#version}&${query}`, { signal: this.#end.signal });
    if (response.body === null) return;
    let text = "";
    for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
      text += piece;
      const end = text.lastIndexOf("\n\n");
      if (end < 0) continue;
      for (const event of text.slice(0, end).split("\n\n")) this.#take(event);
      text = text.slice(end + 2);
    }
  }

  #take(text: string): void {
    const fields = new Map(
      text.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]),
    );
    const [type, id, data] = [fields.get("event"), fields.get("id"), fields.get("data")];
    if (type === undefined || id === undefined || data === undefined) return;
    const object = JSON.parse(data) as ObservedObject;
    const objects = this.#byKind.get(object.kind) ?? new Map<string, ObservedObject>();
    this.#byKind.set(object.kind, objects);
    const key = keyOf(object);
    if (type === "DELETED") objects.delete(key);
    else {
      if (!objects.has(key)) this.#unsorted.add(object.kind);
      objects.set(key, object);
    }
    this.#version = id;
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
