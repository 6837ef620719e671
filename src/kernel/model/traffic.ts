import type { IgbvfDriver } from "../../hardware/guests/igbvf-driver.ts";
import type { Fault } from "../../hardware/iommu/intel-iommu.ts";
import type { TrafficEnd } from "./flow-report.ts";
import { KernelError } from "./kernel-error.ts";
import type { Linux } from "./linux.ts";
import { type EndDriver, TrafficEnds } from "./traffic-ends.ts";
import { flowFrame, isWithin, LONGEST_FRAME, SHORTEST_FRAME } from "./traffic-frame.ts";

const MOST_FRAMES = 1_000_000;
/** Preamble and gap between frames. */
const WIRE_OVERHEAD_BYTES = 20;
/** Of a bit, at a gigabit a second. */
const NS_PER_BIT = 1;
const QUIET_NS = 10_000_000;
/** A VF that could not hand over a frame for so long has stopped: with 1 Mbit/s, a full ring takes 3 s. */
const STUCK_NS = 5_000_000_000;
const WAIT_NS = 100_000;

/** What is to be sent: from an end to another. */
interface Traffic {
  readonly from: TrafficEnd;
  readonly to: TrafficEnd;
  readonly frames: number;
  /** Of each frame, its check sequence included. */
  readonly bytes: number;
}

/** What a VF's own counters say of the traffic. */
interface VfTraffic {
  readonly vf: number;
  readonly rxPackets: number;
  readonly rxBytes: number;
  readonly txPackets: number;
  readonly txBytes: number;
  /** Frames for it that found no descriptor of its driver, or whose descriptor led nowhere. */
  readonly dropped: number;
}

interface TrafficReport {
  /** Frames that the sender could hand to its card. */
  readonly sent: number;
  readonly received: number;
  /** Of the model's time. */
  readonly tookNs: number;
  readonly vfs: readonly VfTraffic[];
  /** Frames that the card did not deliver, by its own counters. */
  readonly drops: {
    /** Of a source that is not the VF's (SSVPC). */
    readonly spoofed: number;
    /** For nobody who may have them: MAC filters, VLANs, pools that are off (SDPC). */
    readonly noReceiver: number;
    /** Whose bytes could not be fetched, or that met a dead link (HTDPMC). */
    readonly notFetched: number;
  };
  /** That left the card for the network. */
  readonly toNetwork: number;
  readonly faults: readonly Fault[];
}

/**
 * Frames between VFs of an 82576 and its PF's interface, at the speed of the wire: from the rings of whoever drives the sender,
 * through IOMMU and the card's switch, to the rings of the receiver.
 * @throws KernelError where the interface is none of an 82576, or an end has nobody who uses it
 */
export function sendTraffic(linux: Linux, pfNetdev: string, traffic: Traffic): TrafficReport {
  const { from, to, frames, bytes } = traffic;
  if (!isWithin(frames, 1, MOST_FRAMES) || !isWithin(bytes, SHORTEST_FRAME, LONGEST_FRAME)) {
    throw new KernelError("EINVAL");
  }
  const { clock } = linux.time;
  const ends = new TrafficEnds(linux, pfNetdev);
  const { driver, address } = ends.driver(from);
  let received = 0;
  const id = linux.flows.listen(() => {
    received++;
  });
  const frame = flowFrame(id, bytes, ends.address(to), address);
  const faults = linux.dma.faultCount;
  const vfs = [...ends.drivenVfs].map(([vf, each]) => ({ each, before: countsOf(vf, each) }));
  const before = ends.card.statistics.card();
  const began = clock.nowNs;
  let sent = 0;
  while (sent < frames && hand(linux, driver, frame)) {
    sent++;
    clock.advance((bytes + WIRE_OVERHEAD_BYTES) * 8 * NS_PER_BIT);
  }
  // Until all that is in the ring has been sent, which may take as long as a rate wants.
  for (let waited = 0; driver.sending && waited < STUCK_NS; waited += WAIT_NS) clock.advance(WAIT_NS);
  clock.advance(QUIET_NS);
  linux.flows.forget(id);
  const after = ends.card.statistics.card();
  return {
    sent,
    received,
    tookNs: clock.nowNs - began,
    vfs: vfs.map((vf) => difference(countsOf(vf.before.vf, vf.each), vf.before)),
    drops: {
      spoofed: after.spoofed - before.spoofed,
      noReceiver: after.noReceiver - before.noReceiver,
      notFetched: after.notFetched - before.notFetched,
    },
    toNetwork: after.toNetwork - before.toNetwork,
    faults: linux.dma.faultsSince(faults),
  };
}

/** @returns false where the sender's ring is full, and stays so */
function hand({ time: { clock } }: Linux, driver: EndDriver["driver"], frame: Uint8Array): boolean {
  for (let waited = 0; waited < STUCK_NS; waited += WAIT_NS) {
    if (driver.send(frame)) return true;
    clock.advance(WAIT_NS);
  }
  return false;
}

function countsOf(vf: number, driver: IgbvfDriver): VfTraffic {
  const { rxPackets, rxBytes, txPackets, txBytes } = driver.statistics();
  return { vf, rxPackets, rxBytes, txPackets, txBytes, dropped: driver.dropped() };
}

function difference(after: VfTraffic, before: VfTraffic): VfTraffic {
  return {
    vf: after.vf,
    rxPackets: after.rxPackets - before.rxPackets,
    rxBytes: after.rxBytes - before.rxBytes,
    txPackets: after.txPackets - before.txPackets,
    txBytes: after.txBytes - before.txBytes,
    dropped: after.dropped - before.dropped,
  };
}
