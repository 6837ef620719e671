import type { ReactNode } from "react";
import { useId } from "react";

interface ActionButtonProps {
  readonly onClick: () => void;
  /** Why it can't be done now; undefined where it can. The button stays reachable, and says why. */
  readonly whyNot?: string | undefined;
  readonly isPrimary?: boolean;
  readonly children: ReactNode;
}

/** A button that, where it can do nothing, says why, by mouse and by keyboard. */
export function ActionButton({ onClick, whyNot, isPrimary = false, children }: ActionButtonProps) {
  const id = useId();
  return (
    <>
      <button
        type="button"
        className={isPrimary && whyNot === undefined ? "primary" : undefined}
        aria-disabled={whyNot !== undefined}
        aria-describedby={whyNot === undefined ? undefined : id}
        title={whyNot}
        onClick={whyNot === undefined ? onClick : undefined}
      >
        {children}
      </button>
      {whyNot !== undefined && (
        <span id={id} className="visually-hidden">
          {whyNot}
        </span>
      )}
    </>
  );
}
