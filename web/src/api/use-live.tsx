import { useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, use, useCallback, useEffect, useState, useSyncExternalStore } from "react";
import { LiveObjects, type LiveState, type Scope } from "./live-objects.ts";
import type { ObjectOf, ObservedKind } from "./objects.ts";

const Live = createContext<LiveObjects | undefined>(undefined);

/** Watches a scope as long as it is shown; what is inside sees its objects by useObjects. */
export function LiveProvider({ scope, children }: { readonly scope: Scope; readonly children: ReactNode }) {
  const key = "host" in scope ? scope.host : "";
  const queries = useQueryClient();
  const [live, setLive] = useState<LiveObjects>();
  // biome-ignore lint/correctness/useExhaustiveDependencies: a scope is new at each rendering; its key tells whether it is another
  useEffect(() => {
    const opened = new LiveObjects(scope, {
      // Who the token is for is asked anew: it leads to signing in.
      onRefused: () => void queries.invalidateQueries({ queryKey: ["whoami"] }),
    });
    setLive(opened);
    return () => opened.close();
  }, [key]);
  return live === undefined ? null : <Live value={live}>{children}</Live>;
}

function useLive(): LiveObjects {
  const live = use(Live);
  if (live === undefined) throw new Error("not inside a LiveProvider");
  return live;
}

/** All objects of a kind, by name, as they are now. */
export function useObjects<Kind extends ObservedKind>(kind: Kind): readonly ObjectOf<Kind>[] {
  const live = useLive();
  return useSyncExternalStore(
    useCallback((listener) => live.listen(listener), [live]),
    useCallback(() => live.list(kind), [live, kind]),
  );
}

export function useLiveState(): LiveState {
  const live = useLive();
  return useSyncExternalStore(
    useCallback((listener) => live.listen(listener), [live]),
    useCallback(() => live.status, [live]),
  );
}

/** Whether all was read once: before, an empty list says nothing. */
export function useHasLoaded(): boolean {
  const live = useLive();
  return useSyncExternalStore(
    useCallback((listener) => live.listen(listener), [live]),
    useCallback(() => live.hasLoaded, [live]),
  );
}
