import { isDeepStrictEqual } from "node:util";
import { API_VERSION, type ObjectOf, type Observation, type ObservedKind, type ObservedObject } from "./objects.ts";

/** What has become of an object. */
export interface ObjectEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  /** As it is now; of one that is gone, as it was, with the version at which it went. */
  readonly object: ObservedObject;
}

interface Place {
  readonly epoch: string;
  readonly revision: number;
}

/** Events that are kept for those who come back: a watcher that was away for longer lists anew. */
const KEPT_EVENTS = 20_000;

/**
 * What was observed of all hosts, each object with the version at which it changed last. Versions are of this process: those of
 * an earlier one are known as such, and nothing is said of what happened in between.
 */
export class ObjectCache {
  readonly #epoch: string;
  readonly #hosts = new Map<string, Map<string, ObservedObject>>();
  readonly #listeners = new Set<(event: ObjectEvent) => void>();
  /** The last events; the first of them brought the revision `#revision - #events.length + 1`. */
  #events: ObjectEvent[] = [];
  #revision = 0;

  /** @param epoch other than that of any cache before */
  constructor(epoch: string) {
    this.#epoch = epoch;
  }

  /** The version of all that is in it. */
  get version(): string {
    return this.#versionOf(this.#revision);
  }

  get hosts(): readonly string[] {
    return [...this.#hosts.keys()];
  }

  /** All of a kind, by host, each in the order in which it was observed. */
  *all<Kind extends ObservedKind>(kind: Kind, host?: string): Generator<ObjectOf<Kind>> {
    for (const [name, objects] of this.#hosts) {
      if (host !== undefined && host !== name) continue;
      for (const object of objects.values()) if (object.kind === kind) yield object as ObjectOf<Kind>;
    }
  }

  get<Kind extends ObservedKind>(kind: Kind, host: string, name: string): ObjectOf<Kind> | undefined {
    return this.#hosts.get(host)?.get(keyOf(kind, name)) as ObjectOf<Kind> | undefined;
  }

  /** What a host is now. What is as it was keeps its version, and nobody hears of it. */
  replace(host: string, observations: readonly Observation[]): void {
    const before = this.#hosts.get(host) ?? new Map<string, ObservedObject>();
    const after = new Map<string, ObservedObject>();
    this.#hosts.set(host, after);
    const events: ObjectEvent[] = [];
    for (const { kind, name, status } of observations) {
      const key = keyOf(kind, name);
      const old = before.get(key);
      before.delete(key);
      if (old !== undefined && isDeepStrictEqual(old.status, status)) {
        after.set(key, old);
        continue;
      }
      const object = this.#object(host, { kind, name, status } as Observation);
      after.set(key, object);
      events.push({ type: old === undefined ? "ADDED" : "MODIFIED", object });
    }
    for (const old of before.values()) {
      const { kind, metadata, status } = old;
      events.push({
        type: "DELETED",
        object: this.#object(host, { kind, name: metadata.name, status } as Observation),
      });
    }
    // All of them are in place before anybody hears of one.
    for (const event of events) this.#tell(event);
  }

  /** One object of a host, the others left as they are. */
  put(host: string, observation: Observation): void {
    const objects = this.#hosts.get(host) ?? new Map<string, ObservedObject>();
    this.#hosts.set(host, objects);
    const key = keyOf(observation.kind, observation.name);
    const old = objects.get(key);
    if (old !== undefined && isDeepStrictEqual(old.status, observation.status)) return;
    const object = this.#object(host, observation);
    objects.set(key, object);
    this.#tell({ type: old === undefined ? "ADDED" : "MODIFIED", object });
  }

  /**
   * What happened after a version; undefined where that is too long ago, or of an earlier process.
   * @param most so many of the first; all where left out
   */
  since(version: string, most = Number.POSITIVE_INFINITY): readonly ObjectEvent[] | undefined {
    const place = placeOf(version);
    if (place === undefined || place.epoch !== this.#epoch || place.revision > this.#revision) return undefined;
    const missed = this.#revision - place.revision;
    if (missed > this.#events.length) return undefined;
    const begin = this.#events.length - missed;
    return this.#events.slice(begin, begin + most);
  }

  /** @returns ends it */
  listen(listener: (event: ObjectEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #object(host: string, { kind, name, status }: Observation): ObservedObject {
    this.#revision++;
    const metadata = { name: kind === "Host" ? host : name, host, resourceVersion: this.#versionOf(this.#revision) };
    return { apiVersion: API_VERSION, kind, metadata, status } as ObservedObject;
  }

  #tell(event: ObjectEvent): void {
    this.#events.push(event);
    if (this.#events.length > 2 * KEPT_EVENTS) this.#events = this.#events.slice(-KEPT_EVENTS);
    for (const listener of this.#listeners) listener(event);
  }

  #versionOf(revision: number): string {
    return `${this.#epoch}.${revision}`;
  }
}

function placeOf(version: string): Place | undefined {
  const [, epoch, revision] = /^([\w-]{1,40})\.(\d{1,15})$/.exec(version) ?? [];
  return epoch === undefined ? undefined : { epoch, revision: Number(revision) };
}

function keyOf(kind: ObservedKind, name: string): string {
  return kind === "Host" ? kind : `${kind} ${name}`;
}
