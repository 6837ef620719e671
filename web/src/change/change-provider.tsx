import { createContext, type ReactNode, use, useCallback, useMemo, useState } from "react";
import { ChangeDialog } from "./change-dialog.tsx";
import type { ChangeRequest } from "./change-request.ts";

interface Changes {
  /** Opens the conversation about a change: its plan first, and nothing is done before somebody says so. */
  propose(request: ChangeRequest): void;
}

const Change = createContext<Changes | undefined>(undefined);

/** Changes of one host; whoever is inside can propose one. */
export function ChangeProvider({ host, children }: { readonly host: string; readonly children: ReactNode }) {
  const [request, setRequest] = useState<ChangeRequest>();
  const changes = useMemo(() => ({ propose: setRequest }), []);
  const close = useCallback(() => setRequest(undefined), []);
  return (
    <Change value={changes}>
      {children}
      {request !== undefined && <ChangeDialog host={host} request={request} onClose={close} onNext={setRequest} />}
    </Change>
  );
}

export function useChanges(): Changes {
  const changes = use(Change);
  if (changes === undefined) throw new Error("not inside a ChangeProvider");
  return changes;
}
