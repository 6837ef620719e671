import { useLiveState } from "../api/use-live.tsx";

/** Says when what is shown is no longer what is. */
export function LiveNotice() {
  const live = useLiveState();
  if (live.state !== "cut off") return null;
  return (
    <p className="notice warn" role="status">
      What is shown is as it was: {live.error.message}. It is tried again; {live.error.remedy}.
    </p>
  );
}
