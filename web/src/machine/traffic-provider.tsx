import { createContext, type ReactNode, use, useCallback, useEffect, useMemo, useSyncExternalStore } from "react";
import type { VirtualFunctionObject } from "../api/objects.ts";
import { useLiveState, useObjects } from "../api/use-live.tsx";
import { TrafficHistory } from "./traffic.ts";

/** One history, and who is told of new samples. */
class TrafficFeed {
  readonly history: TrafficHistory;
  readonly #listeners = new Set<() => void>();
  #version = 0;

  constructor(intervalMs: number) {
    this.history = new TrafficHistory(intervalMs);
  }

  take(vfs: readonly VirtualFunctionObject[]): void {
    // Of a clock that is never set back.
    const atMs = performance.now();
    for (const vf of vfs) this.history.add(vf, atMs);
    if (this.history.version === this.#version) return;
    this.#version = this.history.version;
    for (const listener of this.#listeners) listener();
  }

  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

const Traffic = createContext<TrafficFeed | undefined>(undefined);
const TICK_MS = 1000;

/** Keeps what goes through the VFs of a host, as long as pages of it are open. Inside a LiveProvider. */
export function TrafficProvider({ children }: { readonly children: ReactNode }) {
  const vfs = useObjects("VirtualFunction");
  const [host] = useObjects("Host");
  // Nothing is taken before the host is known.
  const intervalMs = host?.status.intervalMs ?? Number.POSITIVE_INFINITY;
  const feed = useMemo(() => new TrafficFeed(intervalMs), [intervalMs]);
  const isSeen = useLiveState().state === "live" && host?.status.reachable === true;
  const names = useMemo(() => new Set(vfs.map(({ metadata }) => metadata.name)), [vfs]);
  useEffect(() => {
    // While nobody looks at the host, nothing is known of it.
    if (!isSeen) return;
    feed.history.keepOnly(names);
    feed.take(vfs);
    const timer = setInterval(() => feed.take(vfs), TICK_MS);
    return () => clearInterval(timer);
  }, [feed, vfs, names, isSeen]);
  return <Traffic value={feed}>{children}</Traffic>;
}

/** The traffic of the host's VFs; what calls it is drawn anew when there are new samples (`history.version`). */
export function useTraffic(): TrafficHistory {
  const feed = use(Traffic);
  if (feed === undefined) throw new Error("not inside a TrafficProvider");
  useSyncExternalStore(
    useCallback((listener) => feed.listen(listener), [feed]),
    useCallback(() => feed.history.version, [feed]),
  );
  return feed.history;
}
