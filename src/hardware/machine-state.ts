import { BridgeFunction } from "./bridge-function.ts";
import type { ModelClock } from "./clock.ts";
import type { DeviceState } from "./device-model.ts";
import type { Fabric } from "./fabric.ts";
import type { FaultTarget } from "./fault.ts";
import type { FunctionState } from "./function-part.ts";
import type { PhysicalMemory } from "./memory.ts";
import type { Random } from "./random.ts";

/** A whole machine, as JSON keeps it; it goes back into a machine of the same description. */
export interface MachineState {
  readonly nowNs: number;
  readonly random: number;
  readonly memory: DeviceState;
  /** Ports whose cards are out. */
  readonly removed: readonly string[];
  readonly functions: Readonly<Record<string, FunctionState>>;
  /** Null where there is no IOMMU. */
  readonly iommu: DeviceState;
}

interface Stateful extends FaultTarget {
  readonly clock: ModelClock;
  readonly memory: PhysicalMemory;
  readonly random: Random;
  readonly fabric: Fabric;
}

export function saveMachine({ clock, memory, random, functions, removed, fabric }: Stateful): MachineState {
  return {
    nowNs: clock.nowNs,
    random: random.save(),
    memory: memory.save(),
    removed: [...removed.keys()],
    functions: Object.fromEntries([...functions].map(([name, fn]) => [name, fn.save()])),
    iommu: fabric.iommu?.save() ?? null,
  };
}

/** @throws RangeError where the state is of a machine with other functions */
export function restoreMachine(machine: Stateful, state: MachineState): void {
  const { clock, memory, random, functions, fabric } = machine;
  const names = Object.keys(state.functions);
  const strangers = names.filter((name) => !functions.has(name));
  if (names.length !== functions.size || strangers.length > 0) {
    throw new RangeError(`the state is of another machine: ${strangers.join(", ") || "functions are missing"}`);
  }
  clock.restore(state.nowNs);
  memory.restore(state.memory);
  random.restore(state.random);
  if (state.iommu !== null) fabric.iommu?.restore(state.iommu);
  placeCards(machine, state.removed);
  for (const [name, fn] of functions) fn.restore(state.functions[name] as FunctionState);
}

/** Puts in and takes out cards, without what would come of it: that is in the state. */
function placeCards({ functions, removed }: FaultTarget, out: readonly string[]): void {
  for (const [name, port] of functions) {
    if (!(port instanceof BridgeFunction)) continue;
    const card = removed.get(name);
    if (card !== undefined && !out.includes(name)) {
      for (const fn of card) port.below.add(fn);
      removed.delete(name);
    } else if (card === undefined && out.includes(name)) {
      removed.set(name, port.below.clear());
    }
  }
}
