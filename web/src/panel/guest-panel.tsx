import { useMemo } from "react";
import { useLocation } from "wouter";
import { plural } from "../../../src/host/words/amounts.ts";
import { ActionButton } from "../app/action-button.tsx";
import { useWhyNot } from "../app/person.tsx";
import { useChanges } from "../change/change-provider.tsx";
import type { GuestObject, VfObject } from "./chosen.ts";
import { FactList } from "./fact-list.tsx";
import { guestFacts } from "./facts.ts";
import { ThroughputOnDemand } from "./on-demand.tsx";
import { PanelLink } from "./panel-link.tsx";
import { Section } from "./section.tsx";
import { whyNotMigrated } from "./why-not.ts";

interface GuestPanelProps {
  readonly host: string;
  readonly guest: GuestObject;
  readonly vfs: readonly VfObject[];
}

/** All of a guest. */
export function GuestPanel({ host, guest, vfs }: GuestPanelProps) {
  const [, go] = useLocation();
  const role = useWhyNot("operator");
  const { name } = guest.metadata;
  const whyNot = role ?? whyNotMigrated(guest, vfs);
  const list = vfs.map(({ metadata }) => metadata.name).join();
  const counted = useMemo(() => list.split(",").filter((each) => each !== ""), [list]);
  return (
    <>
      <div className="row">
        <ActionButton
          whyNot={whyNot}
          onClick={() => go(`/hosts/${encodeURIComponent(host)}/guests?guest=${encodeURIComponent(name)}`)}
        >
          Migrate
        </ActionButton>
        {whyNot !== undefined && <p className="muted">{whyNot}</p>}
      </div>
      <FactList facts={guestFacts(guest)} />
      <Section title="VFs" brief={plural(vfs.length, "VF")} isOpenAtFirst>
        {() => <GuestDevices host={host} guest={guest} vfs={vfs} />}
      </Section>
      {vfs.length > 0 && (
        <Section title="Traffic" brief="its VFs together" isOpenAtFirst>
          {() => <ThroughputOnDemand vfs={counted} />}
        </Section>
      )}
    </>
  );
}

/** What it has of this host: VFs, and functions that are none. */
function GuestDevices({ host, guest, vfs }: GuestPanelProps) {
  const role = useWhyNot("operator");
  const { propose } = useChanges();
  const { devices, unreachable } = guest.status;
  const others = devices.filter(({ bdf }) => vfs.every(({ status }) => status.bdf !== bdf));
  if (devices.length + vfs.length === 0) {
    return <p className="muted">It has none: choose a VF in the machine, and attach it to this guest.</p>;
  }
  return (
    <ul className="plain-list">
      {vfs.map(({ metadata: { name }, status }) => (
        <li key={name} className="row spread">
          <span>
            <PanelLink host={host} name={name} />{" "}
            <span className="muted">
              {devices.find(({ bdf }) => bdf === status.bdf)?.byVfleet === false && "not given by vfleet"}
            </span>
          </span>
          <ActionButton whyNot={role ?? unreachable ?? undefined} onClick={() => propose({ kind: "detach", vf: name })}>
            Plan to detach {status.bdf}
          </ActionButton>
        </li>
      ))}
      {others.map(({ bdf }) => (
        <li key={bdf}>
          <PanelLink host={host} name={bdf} /> <span className="muted">no VF of this host</span>
        </li>
      ))}
    </ul>
  );
}
