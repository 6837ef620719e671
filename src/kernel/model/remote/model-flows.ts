import { type Observed, unread } from "../../port.ts";
import type { FlowDescription, FlowReport, TrafficFlows } from "../flow-report.ts";
import { errnoOf } from "../kernel-error.ts";
import type { ModelKernel } from "../model-kernel.ts";

/** Traffic of a modelled machine that goes on while nobody asks. */
export interface MachineFlows {
  list(): Promise<readonly FlowReport[]>;
  /** @returns its number */
  start(flow: FlowDescription): Promise<Observed<number>>;
  /** @returns what came of it */
  stop(id: number): Promise<Observed<FlowReport>>;
}

/** The traffic of a machine in this process. */
export function modelFlows({ linux }: ModelKernel): MachineFlows {
  const call = <T>(what: string, ask: (flows: TrafficFlows) => T): Observed<T> => {
    linux.time.catchUp();
    try {
      return ask(linux.flows);
    } catch (error) {
      return unread(what, errnoOf(error));
    }
  };
  return {
    async list() {
      linux.time.catchUp();
      return linux.flows.all;
    },
    start: async (flow) => call(flow.netdev, (flows) => flows.start(flow)),
    stop: async (id) => call(`flow ${id}`, (flows) => flows.stop(id)),
  };
}
