import type { Operation } from "../../../src/host/apply/operation.ts";
import { stepWords } from "../../../src/host/words/step-words.ts";
import type { OperationObject } from "../api/objects.ts";

/** The operations that were about a PF, the newest first. */
export function operationsOf(operations: readonly OperationObject[], pf: string): readonly OperationObject[] {
  return operations.filter(({ status }) => status.pfs.includes(pf)).sort((a, b) => b.status.number - a.status.number);
}

/** What an operation was to do to one VF, in words; empty where it was about others. */
export function stepsOfVf({ steps }: Pick<Operation, "steps">, pf: string, vfIndex: number): readonly string[] {
  return steps.flatMap((step) => {
    if (!("pf" in step) || step.pf !== pf) return [];
    if (step.kind === "setVfNetwork") {
      const changes = step.changes.filter(({ to }) => to.vfIndex === vfIndex);
      return changes.length === 0 ? [] : stepWords({ ...step, changes });
    }
    if (step.kind === "setNumVfs") {
      const [fewer, more] = [Math.min(step.from, step.to), Math.max(step.from, step.to)];
      // It is made or taken away by it; where there were others before, the kernel takes all of them away first.
      return vfIndex < more && (vfIndex >= fewer || step.from === 0) ? stepWords(step) : [];
    }
    return "vfIndex" in step && step.vfIndex === vfIndex ? stepWords(step) : [];
  });
}
