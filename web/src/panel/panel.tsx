import { useObjects } from "../api/use-live.tsx";
import { ActionButton } from "../app/action-button.tsx";
import { useWhyNot } from "../app/person.tsx";
import { useChanges } from "../change/change-provider.tsx";
import { Rates } from "./rates.tsx";

interface PanelProps {
  readonly host: string;
  /** The name of an object: a PF's address, a VF's name, a guest's address. */
  readonly name: string;
  readonly onClose: () => void;
}

/** All of one PF, VF or guest. */
export function Panel({ name, onClose }: PanelProps) {
  const pf = useObjects("PhysicalFunction").find(({ metadata }) => metadata.name === name);
  const vfs = useObjects("VirtualFunction").filter(({ metadata, status }) => [metadata.name, status.pf].includes(name));
  const whyNot = useWhyNot("operator");
  const { propose } = useChanges();
  return (
    <aside className="panel card padded stack" aria-label={name}>
      <div className="row spread">
        <h2>{name}</h2>
        <button type="button" onClick={onClose}>
          Close
        </button>
      </div>
      {vfs.length > 0 && <Rates vfs={vfs.map(({ metadata }) => metadata.name)} />}
      {pf && (
        <ActionButton whyNot={whyNot} onClick={() => propose({ kind: "release", pfs: [name] })}>
          Release all VFs
        </ActionButton>
      )}
    </aside>
  );
}
