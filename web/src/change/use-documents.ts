import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { api } from "../api/session.ts";
import { useObjects } from "../api/use-live.tsx";

/** What is desired of a host, as it was written. */
export interface DesiredDocument {
  readonly name: string;
  readonly text: string;
  readonly resourceVersion: string;
  /** null where it is not valid. */
  readonly objects: ReadonlyArray<{ readonly kind: string; readonly name: string }> | null;
}

/** Read anew when an operation ends: with it a document may have come. */
export function useDocuments(host: string) {
  const ended = useObjects("Operation").filter(({ status }) => status.endedAt !== null).length;
  const desired = useObjects("Host")[0]?.status.desired;
  return useQuery({
    queryKey: ["documents", host, ended, desired],
    queryFn: async () => (await api.ask("GET /hosts/{host}/documents", { path: { host } })).items,
    placeholderData: (last) => last,
  });
}

/** Takes a document away, as it was when it was read. @returns does it @throws ApiProblem where it is another by now */
export function useDeleteDocument(host: string): (document: DesiredDocument) => Promise<void> {
  const queries = useQueryClient();
  return useCallback(
    async ({ name, resourceVersion }) => {
      await api.ask("DELETE /hosts/{host}/documents/{name}", { path: { host, name }, query: { resourceVersion } });
      await queries.invalidateQueries({ queryKey: ["documents", host] });
    },
    [host, queries],
  );
}
