import type { Timer } from "../../hardware/clock.ts";
import type { Bdf } from "../../pci/bdf.ts";
import type {
  DroppedFrames,
  FlowDescription,
  FlowReport,
  FlowToGuest,
  TrafficEnd,
  TrafficFlows,
  UnsentFrames,
} from "./flow-report.ts";
import { errnoOf, KernelError } from "./kernel-error.ts";
import type { Linux } from "./linux.ts";
import { TrafficEnds } from "./traffic-ends.ts";
import { flowFrame, flowOfFrame, isWithin, LONGEST_FRAME, SHORTEST_FRAME } from "./traffic-frame.ts";

const NS_PER_SECOND = 1e9;
/** No two turns are closer than this. */
const TURN_NS = 1_000_000;
/** Frames of all flows together in a turn: 50,000 a second, which one core carries beside its other work. */
const FRAMES_OF_TURN = 50;
const MOST_FLOWS = 64;
/** Beyond the numbers of flows. */
const LISTENERS_FROM = 0x8000_0000;
/** A gigabit a second in the shortest frames. */
const HIGHEST_RATE = 1_488_095;

type Counts<T> = { -readonly [Name in keyof T]: T[Name] };

interface Flow {
  readonly id: number;
  readonly description: FlowDescription;
  readonly ends: TrafficEnds;
  readonly beganNs: number;
  /** How many were due so far: each is in one of the counts below. */
  due: number;
  sent: number;
  received: number;
  lastNs: number | undefined;
  move: (Counts<NonNullable<FlowToGuest["move"]>> & { readonly atNs: number }) | undefined;
  readonly unsent: Counts<UnsentFrames>;
  readonly dropped: Counts<DroppedFrames>;
}

/**
 * Traffic that goes on with the model's clock, in turns of which none has more frames than can be sent at once. The clock does
 * not go on for its sake: where time is let pass, frames are sent in it.
 */
export class Flows implements TrafficFlows {
  readonly #linux: () => Linux;
  readonly #flows = new Map<number, Flow>();
  readonly #listeners = new Map<number, () => void>();
  #nextId = 1;
  #nextListener = LISTENERS_FROM;
  #turns = 0;
  #timer: Timer | undefined;

  constructor(linux: () => Linux) {
    this.#linux = linux;
  }

  get all(): readonly FlowReport[] {
    return [...this.#flows.values()].map((flow) => this.#report(flow));
  }

  get count(): number {
    return this.#flows.size;
  }

  start(description: FlowDescription): number {
    const { netdev, framesPerSecond, bytes } = description;
    if (!isWithin(framesPerSecond, 1, HIGHEST_RATE) || !isWithin(bytes, SHORTEST_FRAME, LONGEST_FRAME)) {
      throw new KernelError("EINVAL");
    }
    if (this.#flows.size >= MOST_FLOWS) throw new KernelError("ENOSPC");
    const linux = this.#linux();
    const ends = new TrafficEnds(linux, netdev);
    // That the card is there now, and the sender: who is mistaken hears of it.
    ends.driver(description.from);
    const id = this.#nextId++;
    this.#flows.set(id, {
      id,
      description,
      ends,
      beganNs: linux.time.clock.nowNs,
      due: 0,
      sent: 0,
      received: 0,
      lastNs: undefined,
      move: undefined,
      unsent: { noDriver: 0, ringFull: 0, overload: 0 },
      dropped: { spoofed: 0, noReceiver: 0, notFetched: 0, noDescriptor: 0, toNetwork: 0 },
    });
    this.#schedule();
    return id;
  }

  stop(id: number): FlowReport {
    const flow = this.#flows.get(id);
    if (flow === undefined) throw new KernelError("ENOENT");
    this.#flows.delete(id);
    this.#schedule();
    return this.#report(flow);
  }

  listen(received: () => void): number {
    const id = this.#nextListener++;
    this.#listeners.set(id, received);
    return id;
  }

  forget(id: number): void {
    this.#listeners.delete(id);
  }

  received(bytes: Uint8Array, at: number, length: number): void {
    const id = flowOfFrame(bytes, at, length);
    if (id === undefined) return;
    const flow = this.#flows.get(id);
    if (flow === undefined) {
      this.#listeners.get(id)?.();
      return;
    }
    flow.received++;
    flow.lastNs = this.#linux().time.clock.nowNs;
    if (flow.move) flow.move.firstNs ??= flow.lastNs - flow.move.atNs;
  }

  to(vfs: readonly Bdf[]): readonly FlowToGuest[] {
    return this.#flowsTo(vfs).map(({ id, description: { framesPerSecond }, received, move }) => ({
      id,
      framesPerSecond,
      received,
      move: move ? { silentNs: move.silentNs, firstNs: move.firstNs, received: move.received } : null,
    }));
  }

  guestMoves(vfs: readonly Bdf[]): void {
    const atNs = this.#linux().time.clock.nowNs;
    for (const flow of this.#flowsTo(vfs)) {
      const { lastNs, received } = flow;
      flow.move = { atNs, silentNs: lastNs === undefined ? null : atNs - lastNs, firstNs: null, received };
    }
  }

  #flowsTo(vfs: readonly Bdf[]): readonly Flow[] {
    return [...this.#flows.values()].filter(({ ends, description: { to } }) => {
      const bdf = ends.bdf(to);
      return bdf !== undefined && vfs.includes(bdf);
    });
  }

  #report({ id, description, beganNs, sent, received, unsent, dropped }: Flow): FlowReport {
    const seconds = (this.#linux().time.clock.nowNs - beganNs) / NS_PER_SECOND;
    return { id, ...description, seconds, sent, received, unsent: { ...unsent }, dropped: { ...dropped } };
  }

  /** The next turn: when a frame is due. */
  #schedule(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#flows.size === 0) return;
    const { clock } = this.#linux().time;
    const dueNs = [...this.#flows.values()].map(
      ({ beganNs, due, description }) => beganNs + Math.ceil(((due + 1) * NS_PER_SECOND) / description.framesPerSecond),
    );
    const delayNs = Math.max(TURN_NS, Math.min(...dueNs) - clock.nowNs);
    this.#timer = clock.scheduleBackground(delayNs, () => this.#turn());
  }

  /** All flows have their share; who is first changes, so that nobody always gets what is left. */
  #turn(): void {
    const { nowNs } = this.#linux().time.clock;
    const flows = [...this.#flows.values()];
    const first = this.#turns++ % flows.length;
    let left = FRAMES_OF_TURN;
    for (let index = 0; index < flows.length; index++) {
      const flow = flows[(first + index) % flows.length] as Flow;
      const total = Math.floor(((nowNs - flow.beganNs) * flow.description.framesPerSecond) / NS_PER_SECOND);
      const due = total - flow.due;
      flow.due = total;
      const frames = Math.min(due, Math.ceil(left / (flows.length - index)));
      flow.unsent.overload += due - frames;
      left -= frames;
      if (frames > 0) send(flow, frames);
    }
    this.#schedule();
  }
}

function send(flow: Flow, frames: number): void {
  const { id, description, ends, unsent, dropped } = flow;
  const { from, to, bytes } = description;
  try {
    const { driver, address } = ends.driver(from);
    const frame = flowFrame(id, bytes, ends.address(to), address);
    const before = lossesOf(ends, to);
    for (let count = 0; count < frames; count++) {
      if (driver.send(frame)) flow.sent++;
      else unsent.ringFull++;
    }
    const after = lossesOf(ends, to);
    for (const name of Object.keys(dropped) as (keyof DroppedFrames)[]) dropped[name] += after[name] - before[name];
  } catch (error) {
    errnoOf(error);
    unsent.noDriver += frames;
  }
}

/** What the card has lost so far, and the receiver for want of descriptors. */
function lossesOf(ends: TrafficEnds, to: TrafficEnd): DroppedFrames {
  const { statistics, pool } = ends.card;
  const noDescriptor = to === "pf" ? statistics.dropped(pool) : (ends.drivenVf(to)?.dropped() ?? 0);
  return { ...statistics.card(), noDescriptor };
}
