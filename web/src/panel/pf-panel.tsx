import { useMemo } from "react";
import { useLocation } from "wouter";
import { plural } from "../../../src/host/words/amounts.ts";
import { ActionButton } from "../app/action-button.tsx";
import { useWhyNot } from "../app/person.tsx";
import { useChanges } from "../change/change-provider.tsx";
import type { PfObject, VfObject } from "./chosen.ts";
import { FactList } from "./fact-list.tsx";
import { pfFacts } from "./facts.ts";
import { RegistersOnDemand, ThroughputOnDemand } from "./on-demand.tsx";
import { PfHistory } from "./pf-history.tsx";
import { PfPreflights } from "./pf-preflights.tsx";
import { Section } from "./section.tsx";
import { usePreflights } from "./use-preflights.ts";
import { UserList } from "./user-list.tsx";
import { inUseBy } from "./users.ts";
import { VfTable } from "./vf-table.tsx";
import { whyNotMade, whyNotReleased } from "./why-not.ts";

interface PfPanelProps {
  readonly host: string;
  readonly pf: PfObject;
  readonly vfs: readonly VfObject[];
}

/** All of a PF. */
export function PfPanel({ host, pf, vfs }: PfPanelProps) {
  const { name } = pf.metadata;
  const { users, notLookedAt } = pf.status;
  const names = vfs.map(({ metadata }) => metadata.name);
  // The same list as long as the VFs are.
  const list = names.join();
  const counted = useMemo(() => list.split(",").filter((each) => each !== ""), [list]);
  return (
    <>
      <PfActions host={host} pf={pf} />
      <FactList facts={pfFacts(pf)} />
      <Section title="Users" brief={inUseBy(users) ?? "nobody is seen"}>
        {() => <UserList users={users} notLookedAt={notLookedAt} />}
      </Section>
      <Section title="VFs" brief={plural(vfs.length, "VF")}>
        {() => <VfTable host={host} vfs={vfs} />}
      </Section>
      <Section title="Traffic" brief="its VFs together" isOpenAtFirst={vfs.length > 0}>
        {() => <ThroughputOnDemand vfs={counted} />}
      </Section>
      <PreflightSection host={host} pf={name} />
      <Section title="Registers">{() => <RegistersOnDemand host={host} bdf={name} />}</Section>
      <Section title="History">{() => <PfHistory host={host} pf={name} />}</Section>
    </>
  );
}

/** Open where VFs are refused: who comes from the mark in the drawing looks for the reason. */
function PreflightSection({ host, pf }: { readonly host: string; readonly pf: string }) {
  const verdict = usePreflights(host).preflights?.get(pf)?.verdict;
  const isRefused = verdict === "refuse";
  const briefs = { refuse: "VFs are refused", warn: "VFs can be made, with a warning" } as const;
  const brief = verdict === "refuse" || verdict === "warn" ? briefs[verdict] : "whether VFs can be made";
  return (
    <Section key={String(isRefused)} title="Preflight" brief={brief} isOpenAtFirst={isRefused}>
      {() => <PfPreflights host={host} pf={pf} />}
    </Section>
  );
}

function PfActions({ host, pf }: Pick<PfPanelProps, "host" | "pf">) {
  const [, go] = useLocation();
  const role = useWhyNot("operator");
  const { propose } = useChanges();
  const { name } = pf.metadata;
  const whyNot = role ?? whyNotMade(pf);
  return (
    <div className="row">
      <ActionButton
        whyNot={whyNot}
        onClick={() => go(`/hosts/${encodeURIComponent(host)}/change?pf=${encodeURIComponent(name)}`)}
      >
        Make VFs
      </ActionButton>
      <ActionButton whyNot={role ?? whyNotReleased(pf)} onClick={() => propose({ kind: "release", pfs: [name] })}>
        Plan to release all VFs
      </ActionButton>
      {whyNot !== undefined && <p className="muted">{whyNot}</p>}
    </div>
  );
}
