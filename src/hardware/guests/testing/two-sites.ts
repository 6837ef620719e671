import type { ModelClock } from "../../clock.ts";
import { NetworkSegment, type WireEnd } from "../../nic/wire.ts";
import { type ArrivalOptions, arrive, movable } from "../card-host-guest.ts";
import type { Guest } from "../guest.ts";
import { IncomingGuest } from "../incoming-guest.ts";
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
  onSlice: (sliceNs: number) => void = () => {};
  /** Gets the guest's frames in place of the list. */
  onFrame: ((bytes: Uint8Array) => void) | undefined;
  #nowNs = 0;
  #arrived: Guest | undefined;
  readonly #clocks: readonly { readonly clock: ModelClock; readonly beganNs: number }[];

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
    this.#clocks = [this.here, this.there].map(({ machine: { clock } }) => ({ clock, beganNs: clock.nowNs }));
    for (const { clock, beganNs } of this.#clocks) clock.schedule(SLICE_NS, () => this.#tick(clock, beganNs));
  }

  /** The guest on the move, before it moves. */
  get moving(): Guest {
    return this.here.guest(0);
  }

  get nowNs(): number {
    return this.#nowNs;
  }

  outgoing(): OutgoingGuest {
    return new OutgoingGuest(movable(this.moving));
  }

  incoming(options: Partial<ArrivalOptions> = {}): IncomingGuest {
    const { host } = this.there;
    return new IncomingGuest((memoryBytes) => {
      const { guest, moving } = arrive(
        {
          host,
          base: this.there.baseOf(0),
          availableBytes: this.there.guestBytes,
          vfIndex: 0,
          receive: (bytes, at, length) => this.#receive(bytes, at, length),
          randomAddress: () => this.here.addressOf(0),
          ...options,
        },
        memoryBytes,
      );
      this.#arrived = guest;
      return moving;
    });
  }

  /** The guest that came, or is to. */
  get arrived(): Guest {
    if (this.#arrived === undefined) throw new RangeError("no guest has come");
    return this.#arrived;
  }

  /** A station of the network beside the machines. */
  station(receive: WireEnd["receive"]): WireEnd {
    const end = { receive };
    this.wire.join(end);
    return end;
  }

  /** Lets time pass, for both. */
  pass(ns: number): void {
    const untilNs = this.#nowNs + ns;
    for (const { clock, beganNs } of this.#clocks) clock.advance(Math.max(0, beganNs + untilNs - clock.nowNs));
    this.#reach(untilNs);
  }

  /** One that is busy, as with a reset, takes the other along. */
  #tick(clock: ModelClock, beganNs: number): void {
    clock.schedule(SLICE_NS, () => this.#tick(clock, beganNs));
    this.#reach(clock.nowNs - beganNs);
  }

  #reach(nowNs: number): void {
    const sliceNs = nowNs - this.#nowNs;
    if (sliceNs <= 0) return;
    this.#nowNs = nowNs;
    for (const { clock, beganNs } of this.#clocks) {
      if (clock.nowNs < beganNs + nowNs) clock.advance(beganNs + nowNs - clock.nowNs);
    }
    this.onSlice(sliceNs);
  }

  #receive(bytes: Uint8Array, at: number, length: number): void {
    const copy = bytes.slice(at, at + length);
    if (this.onFrame === undefined) this.received.push(copy);
    else this.onFrame(copy);
  }
}
