import { useQuery } from "@tanstack/react-query";
import { api } from "../api/session.ts";
import type { PfObject } from "../panel/chosen.ts";
import type { PlacedFunction } from "./machine-plan.ts";

const NONE: readonly PlacedFunction[] = [];

/** Which ports PFs are below; read again when PFs come and go. Without it PFs are drawn in the root complex. */
export function useTopology(host: string, pfs: readonly PfObject[]): readonly PlacedFunction[] {
  const names = pfs.map(({ metadata }) => metadata.name).join(" ");
  const { data } = useQuery({
    queryKey: ["topology", host, names],
    queryFn: ({ signal }) => api.ask("GET /hosts/{host}/topology", { path: { host } }, signal),
    staleTime: 60_000,
    retry: false,
  });
  return data?.functions ?? NONE;
}
