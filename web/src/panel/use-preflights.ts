import { useQuery } from "@tanstack/react-query";
import type { ApiAnswer } from "../../../src/client/api-client.ts";
import { api } from "../api/session.ts";
import { useObjects } from "../api/use-live.tsx";

export type PfPreflight = ApiAnswer<"GET /hosts/{host}/preflights">["items"][number];

/** Of a host's PFs by address, those of netdevsim excepted; read again when something has changed of a PF that decides it. */
export function usePreflights(host: string): {
  readonly preflights: ReadonlyMap<string, PfPreflight> | undefined;
  readonly error: Error | null;
} {
  const told = useObjects("PhysicalFunction")
    .map(({ metadata, status: { driver, driverLimit, numVfs } }) => [metadata.name, driver, driverLimit, numVfs].join())
    .join(" ");
  const { data, error } = useQuery({
    queryKey: ["preflights", host, told],
    queryFn: ({ signal }) => api.ask("GET /hosts/{host}/preflights", { path: { host } }, signal),
    select: byPf,
    // What was told of this host stays until it is known anew.
    placeholderData: (before, query) => (query?.queryKey[1] === host ? before : undefined),
    staleTime: 60_000,
    retry: false,
  });
  return { preflights: data, error };
}

function byPf({ items }: ApiAnswer<"GET /hosts/{host}/preflights">): ReadonlyMap<string, PfPreflight> {
  return new Map(items.map((preflight) => [preflight.bdf, preflight]));
}
