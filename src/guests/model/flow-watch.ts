import { setTimeout as sleep } from "node:timers/promises";
import type { SeenTraffic, TrafficWatch } from "../../host/migrate/traffic-watch.ts";
import type { FlowToGuest } from "../../kernel/model/flow-report.ts";
import type { MachineMoves } from "../../kernel/model/remote/machine-moves.ts";
import type { Bdf } from "../../pci/bdf.ts";
import type { ModelMovePlan } from "./move-model-guest.ts";

const NS_PER_MS = 1e6;
const MS_PER_S = 1000;
/** Flows send in turns of so much (flows.ts). */
const TURN_MS = 1;
/** For the first frame at the destination, in the world's time, as its flow has it. */
const FIRST_MS = 3000;
const POLL_MS = 20;

type Traffic = Pick<MachineMoves, "traffic">;

/**
 * Flows to a guest of the model: no network joins two machines, so one at each sends, as its neighbours there would. By the models'
 * clocks, and what the link takes while the guest stands still: the calls between processes are no part of it.
 * @param close called once it is stopped
 * @returns null where no flow goes to the guest
 */
export async function watchFlows(
  source: Traffic,
  destination: Traffic,
  pairs: ModelMovePlan["pairs"],
  close: () => void,
): Promise<FlowWatch | null> {
  const before = densest(await source.traffic(pairs.map(({ from }) => from)));
  return before && new FlowWatch(source, destination, pairs, before, close);
}

export class FlowWatch implements TrafficWatch {
  readonly #source: Traffic;
  readonly #destination: Traffic;
  readonly #from: readonly Bdf[];
  readonly #to: readonly Bdf[];
  readonly #before: FlowToGuest;
  readonly #close: () => void;
  /** How long the guest stood still; undefined where it has not gone over. */
  stoppedNs: number | undefined;

  constructor(
    source: Traffic,
    destination: Traffic,
    pairs: ModelMovePlan["pairs"],
    before: FlowToGuest,
    close: () => void,
  ) {
    this.#close = close;
    this.#source = source;
    this.#destination = destination;
    this.#from = pairs.map(({ from }) => from);
    this.#to = pairs.map(({ to }) => to);
    this.#before = before;
  }

  async end(): Promise<SeenTraffic> {
    const { id, received, framesPerSecond } = this.#before;
    const seen = { intervalMs: intervalOf(framesPerSecond), lost: null, longestGapMs: null };
    try {
      const here = (await this.#source.traffic(this.#from)).find((flow) => flow.id === id);
      const got = (here?.move?.received ?? here?.received ?? received) - received;
      const none = (why: string): SeenTraffic => ({ ...seen, by: `flow ${id}`, answered: got, unmeasured: why });
      if (this.stoppedNs === undefined) return none("the guest has not gone over");
      if (!here?.move || here.move.silentNs === null) return none("no frame came to the guest before it stopped");
      const there = await this.#arrived();
      if (there === undefined) return none("no flow of the destination goes to its VF: start one there, too");
      if (there.move?.firstNs === undefined || there.move.firstNs === null)
        return none("no frame has come to the guest at the destination");
      const gapNs = here.move.silentNs + this.stoppedNs + there.move.firstNs;
      return {
        by: `flow ${id}, then flow ${there.id} of the destination`,
        intervalMs: Math.max(seen.intervalMs, intervalOf(there.framesPerSecond)),
        answered: got + there.received - there.move.received,
        lost: null,
        longestGapMs: Math.round((gapNs / NS_PER_MS) * 1000) / 1000,
        unmeasured: null,
      };
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return { ...seen, by: `flow ${id}`, answered: 0, unmeasured: `a machine does not tell: ${why}` };
    }
  }

  /** The traffic began by itself, and goes on. */
  stop(): void {
    this.#close();
  }

  async #arrived(): Promise<FlowToGuest | undefined> {
    const ends = performance.now() + FIRST_MS;
    for (;;) {
      const flow = densest(await this.#destination.traffic(this.#to));
      if (flow === null) return undefined;
      if ((flow.move && flow.move.firstNs !== null) || performance.now() > ends) return flow;
      await sleep(POLL_MS);
    }
  }
}

function densest(flows: readonly FlowToGuest[]): FlowToGuest | null {
  return flows.reduce<FlowToGuest | null>(
    (most, flow) => (most === null || flow.framesPerSecond > most.framesPerSecond ? flow : most),
    null,
  );
}

function intervalOf(framesPerSecond: number): number {
  return Math.max(TURN_MS, MS_PER_S / framesPerSecond);
}
