import type { MachineFlows } from "../kernel/model/remote/model-flows.ts";
import { modelFile } from "../kernel/model/remote/state-folder.ts";
import type { Kernel } from "../kernel/port.ts";

/** The traffic of a modelled machine; undefined of every other host. The machine is reached when it is asked for, and not powered on for it. */
export function openFlows({ source }: Kernel): MachineFlows | undefined {
  const file = modelFile(source.name);
  if (file === undefined) return undefined;
  let opened: Promise<MachineFlows> | undefined;
  const flows = (): Promise<MachineFlows> => {
    opened ??= flowsOf(file).catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
    return opened;
  };
  return {
    list: async () => (await flows()).list(),
    start: async (flow) => (await flows()).start(flow),
    stop: async (id) => (await flows()).stop(id),
  };
}

async function flowsOf(file: string): Promise<MachineFlows> {
  const { machineThatRuns } = await import("../kernel/model/remote/modelled-machine.ts");
  return (await machineThatRuns(file)).flows;
}
