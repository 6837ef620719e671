import { type KeyboardEvent, type ReactNode, useCallback, useRef, useState } from "react";
import { useObjects } from "../api/use-live.tsx";
import { useKey } from "../app/keyboard.ts";
import { Legend } from "./legend.tsx";
import { MachineDrawing } from "./machine-drawing.tsx";
import { MachineList } from "./machine-list.tsx";
import { NoPfs } from "./no-pfs.tsx";
import { SummaryLine } from "./summary-line.tsx";
import { useMachine } from "./use-machine.ts";
import { useSize } from "./use-size.ts";
import "./machine-view.css";

interface MachineViewProps {
  readonly host: string;
  /** The name of an object: a PF's address, a VF's name, a guest's address. */
  readonly chosen: string | undefined;
  readonly onChoose: (name: string) => void;
}

/** Below this there is no room for a drawing. */
const LEAST_DRAWN_PX = 560;

/** A host's PFs, VFs and guests: the answer in a line, then the drawing of it, or, where it is narrow or wanted so, a list. */
export function MachineView({ host, chosen, onChoose }: MachineViewProps) {
  const [words, setWords] = useState("");
  const [isList, setList] = useState(false);
  const own = useRef<HTMLDivElement>(null);
  const { width } = useSize(own);
  const machine = useMachine(host, words);
  const isWithout = useObjects("Host")[0]?.status.physicalFunctions === 0;
  const isNarrow = width > 0 && width < LEAST_DRAWN_PX;
  // What is measured stays there while PFs come and go: a server that was started anew has none at first.
  const inside = (children: ReactNode) => (
    <div ref={own} className="machine stack">
      {children}
    </div>
  );
  if (machine.plan.bars.length === 0) {
    return inside(isWithout ? <NoPfs /> : <p className="muted">The PFs of {host} are not read yet…</p>);
  }
  return inside(
    <>
      <SummaryLine host={host} summary={machine.summary} onChoose={onChoose} />
      <div className="row">
        <Search words={words} onWords={setWords} found={machine.found} onOpen={onChoose} />
        {!isNarrow && (
          <label>
            <input type="checkbox" checked={isList} onChange={({ target }) => setList(target.checked)} />
            as a list
          </label>
        )}
      </div>
      {isList || isNarrow ? (
        <MachineList host={host} machine={machine} chosen={chosen} onChoose={onChoose} />
      ) : (
        width > 0 && <MachineDrawing host={host} machine={machine} chosen={chosen} onChoose={onChoose} />
      )}
      <Legend />
    </>,
  );
}

interface SearchProps {
  readonly words: string;
  readonly onWords: (words: string) => void;
  readonly found: readonly string[] | undefined;
  readonly onOpen: (name: string) => void;
}

function Search({ words, onWords, found, onOpen }: SearchProps) {
  const field = useRef<HTMLInputElement>(null);
  useKey(
    "/",
    useCallback((event) => {
      event.preventDefault();
      field.current?.focus();
    }, []),
  );
  const pressed = ({ key }: KeyboardEvent) => {
    const [first] = found ?? [];
    if (key === "Enter" && first !== undefined) onOpen(first);
    if (key === "Escape") onWords("");
  };
  return (
    <>
      <input
        ref={field}
        type="search"
        className="machine-search"
        aria-label="Search this machine"
        placeholder="Address, guest, interface, MAC, VLAN  /"
        value={words}
        onChange={({ target }) => onWords(target.value)}
        onKeyDown={pressed}
      />
      <span className="muted" role="status">
        {found === undefined ? "" : foundWords(found.length)}
      </span>
    </>
  );
}

function foundWords(count: number): string {
  if (count === 0) return "nothing is like that";
  return count === 1 ? "1 is like that; Enter opens it" : `${count} are like that; Enter opens the first`;
}
