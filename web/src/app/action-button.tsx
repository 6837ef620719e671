import type { ReactNode } from "react";
import { useId } from "react";

interface ActionButtonProps {
  /** Left out of one that submits its form. */
  readonly onClick?: () => void;
  readonly type?: "button" | "submit";
  /** Why it can't be done now; undefined where it can. The button stays reachable, and says why. */
  readonly whyNot?: string | undefined;
  readonly isPrimary?: boolean;
  readonly children: ReactNode;
}

/** A button that, where it can do nothing, says why, by mouse and by keyboard. */
export function ActionButton({ onClick, type = "button", whyNot, isPrimary = false, children }: ActionButtonProps) {
  const id = useId();
  return (
    <>
      <button
        type={type}
        className={isPrimary && whyNot === undefined ? "primary" : undefined}
        aria-disabled={whyNot !== undefined}
        aria-describedby={whyNot === undefined ? undefined : id}
        title={whyNot}
        // A form is submitted by Enter, too, as if its button were pressed.
        onClick={whyNot === undefined ? onClick : (event) => event.preventDefault()}
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
