import { useCallback } from "react";
import { useSearchParams } from "wouter";
import { useKey } from "../app/keyboard.ts";
import { Panel } from "../panel/panel.tsx";
import { MachineView } from "./machine-view.tsx";
import "./machine-page.css";

/** The machine drawn, and beside it all of what is chosen in it. What is chosen is in the address, so that it can be linked to. */
export function MachinePage({ host }: { readonly host: string }) {
  const [params, setParams] = useSearchParams();
  const chosen = params.get("at") ?? undefined;
  const isOpen = chosen !== undefined;
  const choose = useCallback(
    // Back closes what was opened, and goes not through all that was looked at.
    (name: string | undefined) => setParams(name === undefined ? {} : { at: name }, { replace: isOpen }),
    [setParams, isOpen],
  );
  useKey(
    "Escape",
    useCallback(() => isOpen && choose(undefined), [choose, isOpen]),
  );
  return (
    <div className="machine-page">
      <MachineView host={host} chosen={chosen} onChoose={choose} />
      {chosen !== undefined && <Panel host={host} name={chosen} onClose={() => choose(undefined)} />}
    </div>
  );
}
