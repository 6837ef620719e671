import type { PfPlan } from "../plan/plan.ts";
import type { Step, StepKind, StepOf } from "../plan/step.ts";
import { linkChange } from "./step-words.ts";

/** What is changed of a PF itself. */
export interface PfChange {
  /** `numVfs`, `MTU` */
  readonly what: string;
  /** `0 -> 7` */
  readonly text: string;
  /** The interface that it is about, or what comes with it; empty where there is no more to say. */
  readonly note: string;
}

/** What steps change of the PF itself, old -> new. */
export function pfChanges({ steps, resetsAllVfs }: Pick<PfPlan, "steps" | "resetsAllVfs">): readonly PfChange[] {
  const of = <Kind extends StepKind>(kind: Kind) =>
    steps.filter((step: Step): step is StepOf<Kind> => step.kind === kind);
  const changes: PfChange[] = of("loadModule").map(({ module }) => ({
    what: "module",
    text: `load ${module}`,
    note: "",
  }));
  for (const { from, to, netdev } of of("setPfMtu")) {
    changes.push({ what: "MTU", text: `${from} -> ${to}`, note: netdev });
  }
  // Waiting for a link that was brought up before is no change of its own.
  for (const step of of("setPfUp").filter(({ from, to }, place) => from !== to || place === 0)) {
    changes.push({
      what: "link",
      text: step.from === step.to ? "is waited for" : linkChange(step),
      note: step.netdev,
    });
  }
  for (const { from, to } of of("setEswitchMode")) {
    changes.push({ what: "eSwitch", text: `${from} -> ${to}`, note: "" });
  }
  const numVfs = of("setNumVfs");
  const [first] = numVfs;
  const last = numVfs.at(-1);
  if (first && last) {
    const anew = last.to > 0 ? ", and makes them anew" : "";
    const note = resetsAllVfs && first.from > 0 ? `takes every VF of this PF away${anew}` : "";
    changes.push({ what: "numVfs", text: `${first.from} -> ${last.to}`, note });
  }
  return changes;
}
