import { createContext, type ReactNode, use, useCallback, useMemo, useState } from "react";
import type { ApiProblem } from "../../../src/client/api-problem.ts";
import { ChangeDialog } from "./change-dialog.tsx";
import type { ChangeRequest } from "./change-request.ts";

type OnWrong = (error: ApiProblem) => void;

interface Proposed {
  readonly request: ChangeRequest;
  readonly onWrong: OnWrong | undefined;
  readonly place: number;
}

interface Changes {
  /**
   * Opens the conversation about a change: its plan first, and nothing is done before somebody says so.
   * @param onWrong is told where the document is wrong, to be shown where it was written
   */
  propose(request: ChangeRequest, onWrong?: OnWrong): void;
}

const Change = createContext<Changes | undefined>(undefined);

/** Changes of one host; whoever is inside can propose one. */
export function ChangeProvider({ host, children }: { readonly host: string; readonly children: ReactNode }) {
  const [proposed, setProposed] = useState<Proposed>();
  const propose = useCallback(
    (request: ChangeRequest, onWrong?: OnWrong) =>
      setProposed((last) => ({ request, onWrong, place: (last?.place ?? 0) + 1 })),
    [],
  );
  const changes = useMemo(() => ({ propose }), [propose]);
  const close = useCallback(() => setProposed(undefined), []);
  return (
    <Change value={changes}>
      {children}
      {proposed !== undefined && (
        <ChangeDialog
          key={proposed.place}
          host={host}
          request={proposed.request}
          onWrong={proposed.onWrong}
          onClose={close}
          onNext={propose}
        />
      )}
    </Change>
  );
}

export function useChanges(): Changes {
  const changes = use(Change);
  if (changes === undefined) throw new Error("not inside a ChangeProvider");
  return changes;
}
