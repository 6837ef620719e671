import { Dialog } from "../app/dialog.tsx";
import type { ChangeRequest } from "./change-request.ts";

interface ChangeDialogProps {
  readonly host: string;
  readonly request: ChangeRequest;
  readonly onClose: () => void;
  /** Another change that follows from this one, as its undoing. */
  readonly onNext: (request: ChangeRequest) => void;
}

export function ChangeDialog({ request, onClose }: ChangeDialogProps) {
  return (
    <Dialog title={request.kind} onClose={onClose}>
      {request.kind}
    </Dialog>
  );
}
