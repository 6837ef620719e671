import type { PhysicalMemory } from "../memory.ts";
import type { VfioDevice } from "../vfio/vfio-device.ts";
import type { Awaitable, GuestSoftware } from "./move-guest.ts";

/** A stretch of a guest's memory that its software writes to. */
export interface WrittenPart {
  /** Where in the guest's memory it begins. */
  readonly start: number;
  readonly memory: PhysicalMemory;
}

/** What a machine has of a guest that moves away, or comes. */
export interface MovableGuest {
  /** All of it, with addresses from 0, as its VFs have them. */
  readonly memory: PhysicalMemory;
  readonly parts: readonly WrittenPart[];
  /** Its VFs, in the order in which both ends count them. */
  readonly devices: readonly VfioDevice[];
  /** Its processor stands still: interrupts wait. */
  pause(): void;
  resume(): void;
  saveSoftware(): GuestSoftware;
  /** Of one that has come, and stands still: its software goes on in memory and VFs, which are there. */
  restoreSoftware(software: GuestSoftware): void;
  /** It is no more: VFs are reset and free. @param moved it goes on elsewhere, with its addresses */
  end(moved: boolean): Awaitable<void>;
}
