import { NetworkSegment, type WireEnd } from "../../nic/wire.ts";
import type { Guest } from "../guest.ts";
import { IncomingGuest, type IncomingOptions } from "../incoming-guest.ts";
import type { MoveLink } from "../move-guest.ts";
import { OutgoingGuest } from "../outgoing-guest.ts";
import { TenantMachine, type TenantOptions } from "./tenant-machine.ts";

/** How far clocks of machines may be apart while time passes. */
const SLICE_NS = 100_000;

/** Two machines with an 82576 each on one network, whose clocks go together; at the other one there is a VF for who comes. */
export class TwoSites implements MoveLink {
  readonly wire = new NetworkSegment();
  readonly here: TenantMachine;
  readonly there: TenantMachine;
  /** Frames that the guest on the move got, wherever. */
  readonly received: Uint8Array[] = [];
  readonly bytesPerSecond: number;
  /** Happens after each slice of time. */
  onSlice: () => void = () => {};
  #nowNs = 0;
  readonly #began: readonly [number, number];

  /** @param options of both; there is one VF more at each than guests that stay */
  constructor(options: Partial<TenantOptions> = {}, bytesPerSecond = 125e6) {
    this.bytesPerSecond = bytesPerSecond;
    const both = { numVfs: 2, wire: this.wire, ...options };
    this.here = new TenantMachine({
      ...both,
      site: 1,
      receive: (guest, bytes, at, length) => {
        if (guest === 0) this.#receive(bytes, at, length);
        else this.here.received[guest]?.push(bytes.slice(at, at + length));
      },
    });
    this.there = new TenantMachine({ ...both, site: 2 });
    this.there.guest(0).detach();
    this.#began = [this.here.machine.clock.nowNs, this.there.machine.clock.nowNs];
  }

  /** The guest on the move, before it moves. */
  get moving(): Guest {
    return this.here.guest(0);
  }

  get nowNs(): number {
    return this.#nowNs;
  }

  outgoing(): OutgoingGuest {
    return new OutgoingGuest(this.moving);
  }

  incoming(options: Partial<IncomingOptions> = {}): IncomingGuest {
    return new IncomingGuest({
      host: this.there.host,
      base: this.there.baseOf(0),
      availableBytes: this.there.guestBytes,
      vfIndex: 0,
      receive: (bytes, at, length) => this.#receive(bytes, at, length),
      randomAddress: () => this.here.addressOf(0),
      ...options,
    });
  }

  /** A station of the network beside the machines. */
  station(receive: WireEnd["receive"]): WireEnd {
    const end = { receive };
    this.wire.join(end);
    return end;
  }

  /** Time for both; one whose own work has taken it ahead, as a reset does, is caught up with first. */
  pass(ns: number): void {
    const clocks = [this.here.machine.clock, this.there.machine.clock] as const;
    const ahead = Math.max(...clocks.map(({ nowNs }, index) => nowNs - (this.#began[index] as number)));
    for (const until = Math.max(this.#nowNs, ahead) + ns; this.#nowNs < until; ) {
      this.#nowNs = Math.min(until, this.#nowNs + SLICE_NS);
      clocks.forEach((clock, index) => {
        const behind = (this.#began[index] as number) + this.#nowNs - clock.nowNs;
        if (behind > 0) clock.advance(behind);
      });
      this.onSlice();
    }
  }

  #receive(bytes: Uint8Array, at: number, length: number): void {
    this.received.push(bytes.slice(at, at + length));
  }
}
