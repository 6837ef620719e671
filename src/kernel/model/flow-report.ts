import type { Bdf } from "../../pci/bdf.ts";

/** An end of traffic on a card: a VF by its number, or the PF's own interface. */
export type TrafficEnd = number | "pf";

/** Frames at a rate from one end to another of a PF's card. */
export interface FlowDescription {
  /** The PF's interface. */
  readonly netdev: string;
  readonly from: TrafficEnd;
  readonly to: TrafficEnd;
  readonly framesPerSecond: number;
  /** Of each frame, its check sequence included. */
  readonly bytes: number;
}

/** Frames that were due and not sent. */
export interface UnsentFrames {
  /** Nobody drives the sender's end, or the receiver's has no address: a VF that is gone, an interface that is down. */
  readonly noDriver: number;
  /** The sender's ring was full. */
  readonly ringFull: number;
  /** More were due than the machine sends for all its flows. */
  readonly overload: number;
}

/** Frames that the card had, and did not deliver, by its own counters. */
export interface DroppedFrames {
  readonly spoofed: number;
  readonly noReceiver: number;
  readonly notFetched: number;
  /** They found no descriptor of the receiver's. */
  readonly noDescriptor: number;
  /** They left for the network, where nobody is. */
  readonly toNetwork: number;
}

export interface FlowReport extends FlowDescription {
  readonly id: number;
  /** Of the model's time. */
  readonly seconds: number;
  readonly sent: number;
  readonly received: number;
  readonly unsent: UnsentFrames;
  readonly dropped: DroppedFrames;
}

/** A flow to a guest that moves. */
export interface FlowToGuest {
  readonly id: number;
  readonly framesPerSecond: number;
  readonly received: number;
  /** When the guest stopped here, or began to run here, last; null where it did neither. By the model's clock. */
  readonly move: {
    /** From the last frame to then; null where none had come. */
    readonly silentNs: number | null;
    /** From then to the first frame; null where none has come. */
    readonly firstNs: number | null;
    /** Until then. */
    readonly received: number;
  } | null;
}

/** Traffic that goes on by itself. */
export interface TrafficFlows {
  readonly all: readonly FlowReport[];
  /** How many there are. */
  readonly count: number;
  /** @throws KernelError EINVAL, ENODEV where the interface is none of an 82576, ENETDOWN, ENOSPC where there are too many */
  start(description: FlowDescription): number;
  /** @returns what came of it @throws KernelError ENOENT */
  stop(id: number): FlowReport;
  /** Flows to these VFs. */
  to(vfs: readonly Bdf[]): readonly FlowToGuest[];
  /** The guest that has these VFs has stopped, as it moves away, or begins to run. */
  guestMoves(vfs: readonly Bdf[]): void;
  /** A number for traffic that somebody else sends, and counts. */
  listen(received: () => void): number;
  forget(id: number): void;
  /** A driver got a frame. */
  received(bytes: Uint8Array, at: number, length: number): void;
}
