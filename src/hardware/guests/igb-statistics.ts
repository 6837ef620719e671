import { E1000, QUEUE_DWORDS } from "../nic/registers-82576.ts";
import type { FrameCounters } from "./descriptor-rings.ts";
import type { Mmio } from "./mmio.ts";

const QUEUE_BYTES = QUEUE_DWORDS * 4;

/** What the card has counted, since the driver began. */
export interface CardCounters {
  /** Frames of a source that is not the sender's (SSVPC). */
  readonly spoofed: number;
  /** For nobody who may have them: addresses, VLANs, pools that are off (SDPC). */
  readonly noReceiver: number;
  /** Whose bytes could not be fetched, or that met a dead link (HTDPMC). */
  readonly notFetched: number;
  /** That left for the network (GPTC). */
  readonly toNetwork: number;
}

/** igb's statistics (igb_update_stats): what its rings counted, and the card's counters, which a read clears. */
export class IgbStatistics implements FrameCounters {
  readonly #mmio: Mmio;
  readonly #card = { spoofed: 0, noReceiver: 0, notFetched: 0, toNetwork: 0 };
  readonly #dropped = new Map<number, number>();
  rxPackets = 0;
  rxBytes = 0;
  txPackets = 0;
  txBytes = 0;

  constructor(mmio: Mmio) {
    this.#mmio = mmio;
  }

  card(): CardCounters {
    const card = this.#card;
    card.spoofed += this.#take(E1000.SSVPC);
    card.noReceiver += this.#take(E1000.SDPC);
    card.notFetched += this.#take(E1000.HTDPMC);
    card.toNetwork += this.#take(E1000.GPTC);
    return { ...card };
  }

  /** Frames for a queue that found no descriptor (RQDPC). */
  dropped(queue: number): number {
    const total = (this.#dropped.get(queue) ?? 0) + this.#take(E1000.RQDPC + queue * QUEUE_BYTES);
    this.#dropped.set(queue, total);
    return total;
  }

  /** A card that is gone reads as all ones. */
  #take(register: number): number {
    const value = this.#mmio.read32(register);
    return value === 0xffff_ffff ? 0 : value;
  }
}
