import { type ReactNode, useId, useLayoutEffect, useRef } from "react";
import "./dialog.css";

interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

/** A dialog over the page: the browser keeps the focus in it, and Escape closes it. */
export function Dialog({ title, onClose, children }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  useLayoutEffect(() => {
    const shown = element.current;
    shown?.showModal();
    // Closed before it is taken away: the browser gives the focus back to who had it.
    return () => shown?.close();
  }, []);
  return (
    <dialog
      ref={element}
      aria-labelledby={id}
      // What was taken away is told of afterwards: another dialog may be in its place.
      onClose={() => element.current?.open === false && onClose()}
    >
      <header className="row spread">
        <h2 id={id}>{title}</h2>
        <button type="button" className="plain" aria-label="Close" onClick={() => element.current?.close()}>
          ✕
        </button>
      </header>
      <div className="dialog-body">{children}</div>
    </dialog>
  );
}
