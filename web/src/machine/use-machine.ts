import { useMemo } from "react";
import { useObjects } from "../api/use-live.tsx";
import { usePreflights } from "../panel/use-preflights.ts";
import { type MachinePlan, planMachine } from "./machine-plan.ts";
import { type MachineRates, machineRates } from "./machine-rates.ts";
import { type MachineSummary, summarize } from "./machine-summary.ts";
import { search } from "./search.ts";
import { useTraffic } from "./traffic-provider.tsx";
import { useTopology } from "./use-topology.ts";

export interface Machine {
  readonly plan: MachinePlan;
  readonly summary: MachineSummary;
  /** What goes through VFs; another object when there is news. */
  readonly rates: MachineRates;
  /** What is searched for; undefined where nothing is. */
  readonly found: readonly string[] | undefined;
}

/** All of a host that is drawn, or listed, as it is now. */
export function useMachine(host: string, words: string): Machine {
  const pfs = useObjects("PhysicalFunction");
  const vfs = useObjects("VirtualFunction");
  const guests = useObjects("Guest");
  const operations = useObjects("Operation");
  const [own] = useObjects("Host");
  const topology = useTopology(host, pfs);
  const { preflights } = usePreflights(host);
  const traffic = useTraffic();
  const { version } = traffic;
  const plan = useMemo(
    () => planMachine(pfs, vfs, guests, topology, preflights),
    [pfs, vfs, guests, topology, preflights],
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: the history is one; its version tells whether there is news
  const rates = useMemo(() => machineRates(plan, (name) => traffic.rateOf(name)), [plan, traffic, version]);
  const summary = useMemo(() => summarize(plan, own, operations, rates), [plan, own, operations, rates]);
  const found = useMemo(() => search(plan, words), [plan, words]);
  return { plan, summary, rates, found };
}
