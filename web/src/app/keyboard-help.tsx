import { useCallback, useState } from "react";
import { Dialog } from "./dialog.tsx";
import { useKey } from "./keyboard.ts";

const KEYS = [
  ["/", "search"],
  ["arrows", "from cell to cell in the drawing"],
  ["Enter", "open what has the focus"],
  ["p", "plan a change of this host"],
  ["+ and -", "zoom the drawing; 0 shows all of it"],
  ["Escape", "close a panel or a dialog"],
  ["?", "this help"],
] as const;

export function KeyboardHelp() {
  const [isOpen, setOpen] = useState(false);
  useKey(
    "?",
    useCallback(() => setOpen(true), []),
  );
  return (
    <>
      <button type="button" className="plain" aria-label="Keyboard help" onClick={() => setOpen(true)}>
        ?
      </button>
      {isOpen && (
        <Dialog title="Keyboard" onClose={() => setOpen(false)}>
          <dl className="facts">
            {KEYS.map(([key, what]) => (
              <KeyRow key={key} name={key} what={what} />
            ))}
          </dl>
        </Dialog>
      )}
    </>
  );
}

function KeyRow({ name, what }: { readonly name: string; readonly what: string }) {
  return (
    <>
      <dt>
        <kbd>{name}</kbd>
      </dt>
      <dd>{what}</dd>
    </>
  );
}
