import { type RefObject, useEffect, useId, useLayoutEffect, useRef } from "react";
import { useObjects } from "../api/use-live.tsx";
import { type Chosen, chosenBy, chosenTitle } from "./chosen.ts";
import { FunctionPanel } from "./function-panel.tsx";
import { GuestPanel } from "./guest-panel.tsx";
import { PfPanel } from "./pf-panel.tsx";
import { VfPanel } from "./vf-panel.tsx";
import "./panel.css";

interface PanelProps {
  readonly host: string;
  /** The name of an object (a PF's address, a VF's name, a guest's address), or the address of any function. */
  readonly name: string;
  readonly onClose: () => void;
}

/** All of what is chosen in the machine. */
export function Panel({ host, name, onClose }: PanelProps) {
  const id = useId();
  const heading = useRef<HTMLHeadingElement>(null);
  const chosen = chosenBy(name, useObjects("PhysicalFunction"), useObjects("VirtualFunction"), useObjects("Guest"));
  useFocus(heading, name);
  return (
    <aside className="panel card" aria-labelledby={id}>
      <header className="row spread">
        <h2 id={id} ref={heading} tabIndex={-1}>
          {chosenTitle(chosen, name)}
        </h2>
        <button type="button" onClick={onClose}>
          Close
        </button>
      </header>
      <div key={name} className="stack">
        <Content host={host} name={name} chosen={chosen} />
      </div>
    </aside>
  );
}

function Content({ host, name, chosen }: Pick<PanelProps, "host" | "name"> & { readonly chosen: Chosen }) {
  switch (chosen.kind) {
    case "pf":
      return <PfPanel host={host} pf={chosen.pf} vfs={chosen.vfs} />;
    case "vf":
      return <VfPanel host={host} vf={chosen.vf} pf={chosen.pf} />;
    case "guest":
      return <GuestPanel host={host} guest={chosen.guest} vfs={chosen.vfs} />;
    case "function":
      return <FunctionPanel host={host} bdf={chosen.bdf} />;
    case "none":
      return <p>Nothing on this host is called {name}: it may have gone.</p>;
  }
}

/**
 * Whoever opens the panel by keyboard is taken into it, and back when it closes; whoever opens it by mouse stays where they are.
 * @param name what it shows: by a link inside, it shows another
 */
function useFocus(heading: RefObject<HTMLElement | null>, name: string): void {
  const opener = useRef<Element>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: whenever it shows another
  useEffect(() => {
    const { activeElement } = document;
    const panel = heading.current?.parentElement?.parentElement;
    const isLost = activeElement === null || activeElement === document.body;
    // The link that was followed is gone; where the page was opened at this address, nothing had the focus.
    if (isLost && opener.current !== null) heading.current?.focus();
    if (isLost || panel?.contains(activeElement)) return;
    opener.current = activeElement;
    if (activeElement.matches(":focus-visible")) heading.current?.focus();
  }, [name]);
  // Before it is taken away, and the focus with it.
  useLayoutEffect(
    () => () => {
      const panel = heading.current?.parentElement?.parentElement;
      const back = opener.current;
      if (panel?.contains(document.activeElement) && back instanceof HTMLElement && back.isConnected) back.focus();
    },
    [heading],
  );
}
