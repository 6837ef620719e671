import { useMemo } from "react";
import type { PfObject, VfObject } from "./chosen.ts";
import { FactList } from "./fact-list.tsx";
import { vfFacts } from "./facts.ts";
import { RegistersOnDemand, ThroughputOnDemand } from "./on-demand.tsx";
import { PanelLink } from "./panel-link.tsx";
import { PfHistory } from "./pf-history.tsx";
import { Section } from "./section.tsx";
import { UserList } from "./user-list.tsx";
import { inUseBy } from "./users.ts";
import { VfDriver } from "./vf-driver.tsx";
import { VfFlows } from "./vf-flows.tsx";
import { VfGuest } from "./vf-guest.tsx";
import { VfSettings } from "./vf-settings.tsx";

interface VfPanelProps {
  readonly host: string;
  readonly vf: VfObject;
  readonly pf: PfObject | undefined;
}

/** All of a VF. */
export function VfPanel({ host, vf, pf }: VfPanelProps) {
  const { bdf, pf: pfName, vfIndex, users, notLookedAt, guest, driver } = vf.status;
  const { name } = vf.metadata;
  const counted = useMemo(() => [name], [name]);
  return (
    <>
      <p>
        {pf?.status.device} <PanelLink host={host} name={pfName} label={`PF ${pfName}`} />
        {guest !== null && (
          <>
            {" · "}
            <PanelLink host={host} name={guest} />
          </>
        )}
      </p>
      <FactList facts={vfFacts(vf)} />
      <Section title="Guest" brief={guest ?? "none"} isOpenAtFirst>
        {() => <VfGuest vf={vf} />}
      </Section>
      <Section title="Settings" isOpenAtFirst>
        {() => <VfSettings vf={vf} pf={pf} />}
      </Section>
      <Section title="Traffic" isOpenAtFirst>
        {() => (
          <>
            <ThroughputOnDemand vfs={counted} />
            <VfFlows host={host} vf={vf} pf={pf} />
          </>
        )}
      </Section>
      <Section title="Driver and reset" brief={driver ?? ""}>
        {() => <VfDriver vf={vf} />}
      </Section>
      <Section title="Users" brief={inUseBy(users) ?? "nobody is seen"}>
        {() => <UserList users={users} notLookedAt={notLookedAt} />}
      </Section>
      <Section title="Registers">
        {() =>
          bdf === null ? (
            <p className="muted">A VF that is no PCI function has no registers.</p>
          ) : (
            <RegistersOnDemand host={host} bdf={bdf} />
          )
        }
      </Section>
      <Section title="History">{() => <PfHistory host={host} pf={pfName} vfIndex={vfIndex} />}</Section>
    </>
  );
}
