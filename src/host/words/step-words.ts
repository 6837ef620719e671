import type { Step, StepKind, StepOf } from "../plan/step.ts";
import { plural } from "./amounts.ts";
import { vfChanges } from "./vf-changes.ts";

/** What a step does, old -> new, for a person; lines of which only settings of many VFs have several. */
export function stepWords(step: Step): readonly string[] {
  switch (step.kind) {
    case "loadModule":
      return [`load the module ${step.module}`];
    case "setPfUp":
      return [step.from === step.to ? `wait for the link of ${step.netdev}` : `${step.netdev} ${linkChange(step)}`];
    case "setPfMtu":
      return [`${step.netdev} MTU ${step.from} -> ${step.to}`];
    case "setEswitchMode":
      return [`eSwitch ${step.from} -> ${step.to}`];
    case "setDriversAutoprobe":
      return [step.to ? "new VFs get their driver of themselves again" : "new VFs get no driver yet"];
    case "setNumVfs":
      return [`numVfs ${step.from} -> ${step.to}`];
    case "awaitVfs":
      return [`wait for ${plural(step.count, "VF")}`];
    default:
      return vfChanges([step]).map(({ vfs, text }) => `${vfs} ${text}`);
  }
}

/** `down -> up` */
export function linkChange({ from, to }: { readonly from: boolean; readonly to: boolean }): string {
  const word = (up: boolean) => (up ? "up" : "down");
  return `${word(from)} -> ${word(to)}`;
}

/** Steps that a person sees as one thing, by its name; others, as probing off and on, are nobody's news. */
export function stepGroup(step: Step): string | undefined {
  switch (step.kind) {
    case "setNumVfs":
      return step.to === 0 ? "VFs taken away" : "VFs created";
    case "bindDriver":
      if (step.to === "none") return "drivers unbound";
      return step.to === "default" ? "default drivers" : step.to;
    case "setDriversAutoprobe":
      return undefined;
    default:
      return GROUPS[step.kind];
  }
}

const GROUPS = {
  loadModule: "modules",
  setPfUp: "PF link",
  setPfMtu: "PF MTU",
  setEswitchMode: "eSwitch",
  awaitVfs: "VFs created",
  setVfNetwork: "settings",
  setMsixCount: "vectors",
  assignNvmeResources: "NVMe resources",
  setNvmeOnline: "NVMe online",
  resetVf: "reset",
  attachGuest: "given to guests",
  detachGuest: "taken from guests",
} as const satisfies Partial<Record<StepKind, string>>;

/** How many VFs, settings or steps; undefined of what is one thing. */
export function stepTotal(steps: readonly Step[]): number | undefined {
  let total = 0;
  for (const step of steps) {
    if (step.kind === "setNumVfs") total += Math.max(step.from, step.to);
    else if (step.kind === "setVfNetwork") total += settingCount(step);
    else if ("vfIndex" in step) total++;
  }
  return total === 0 ? undefined : total;
}

function settingCount({ changes }: StepOf<"setVfNetwork">): number {
  return changes.reduce((sum, { to }) => sum + Object.keys(to).length - 1, 0);
}
