import { useObjects } from "../api/use-live.tsx";
import { vfStateOf } from "./vf-state.ts";

interface MachineViewProps {
  readonly host: string;
  /** The name of an object: a PF's address, a VF's name, a guest's address. */
  readonly chosen: string | undefined;
  readonly onChoose: (name: string) => void;
}

export function MachineView({ chosen, onChoose }: MachineViewProps) {
  const pfs = useObjects("PhysicalFunction");
  const vfs = useObjects("VirtualFunction");
  return (
    <ul>
      {pfs.map(({ metadata, status }) => (
        <li key={metadata.name}>
          <button type="button" aria-pressed={metadata.name === chosen} onClick={() => onChoose(metadata.name)}>
            {metadata.name} {status.device}
          </button>
          {vfs
            .filter((vf) => vf.status.pf === metadata.name)
            .map((vf) => (
              <button key={vf.metadata.name} type="button" onClick={() => onChoose(vf.metadata.name)}>
                VF {vf.status.vfIndex}: {vfStateOf(vf)}
              </button>
            ))}
        </li>
      ))}
    </ul>
  );
}
