import { useState } from "react";
import { vfStateOf } from "../machine/vf-state.ts";
import type { VfObject } from "./chosen.ts";
import { PanelLink } from "./panel-link.tsx";

/** Shown at once; a PF can have thousands. */
const PAGE = 32;

/** The VFs of a PF or a guest, each linked to its panel. */
export function VfTable({ host, vfs }: { readonly host: string; readonly vfs: readonly VfObject[] }) {
  const [shown, setShown] = useState(PAGE);
  if (vfs.length === 0) return <p className="muted">There are none.</p>;
  return (
    <>
      <table>
        <thead>
          <tr>
            <th>VF</th>
            <th>State</th>
            <th>Driver</th>
            <th>Guest</th>
          </tr>
        </thead>
        <tbody>
          {vfs.slice(0, shown).map((vf) => (
            <tr key={vf.metadata.name}>
              <th scope="row">
                <PanelLink host={host} name={vf.metadata.name} label={vf.status.bdf ?? `VF ${vf.status.vfIndex}`} />
              </th>
              <td>{vfStateOf(vf)}</td>
              <td>{vf.status.driver ?? ("driver" in vf.status.unknown ? "unknown" : "none")}</td>
              <td>{vf.status.guest ?? ""}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {vfs.length > shown && (
        <div>
          <button type="button" onClick={() => setShown(shown + PAGE * 4)}>
            Show more of {vfs.length}
          </button>
        </div>
      )}
    </>
  );
}
