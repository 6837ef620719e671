import type { ModelClock } from "./clock.ts";

/** Memory as a device gets hold of it. One object a port, written anew by each `span`: it is good until the next. */
export interface Span {
  readonly bytes: Uint8Array;
  /** The same bytes. */
  readonly view: DataView;
  /** Where in them the address asked for is. */
  readonly offset: number;
  /** From there on, how many belong to it: as many as were asked for, or up to where the page or region ends. */
  readonly length: number;
}

/**
 * All that a device sees of the world around it: memory by DMA under its own Requester ID, its interrupts, time. The same
 * device so serves the model's own machines and, by vfio-user, real ones. Everything is synchronous.
 */
export interface DevicePort {
  readonly clock: ModelClock;
  /**
   * Memory at a bus address. Addresses are numbers below 2^53.
   * @returns undefined where the access fails: no Bus Master Enable, a fault of the IOMMU, nothing there (the device then
   * sees Unsupported Request or Completer Abort), a poisoned completion.
   */
  span(address: number, length: number, write: boolean): Span | undefined;
  /** Copies from memory, over as many pages as it takes. @returns false where any part of it fails */
  read(address: number, target: Uint8Array, at: number, length: number): boolean;
  /** Copies to memory. @returns false where any part of it fails; what stands before that part is written */
  write(address: number, source: Uint8Array, at: number, length: number): boolean;
  /** Sends the message of an MSI-X or MSI vector, unless it is masked, in which case it becomes pending. */
  interrupt(vector: number): void;
  /** What an INTx would tell of is there, or is no more: a level, which counts while neither MSI-X nor MSI is enabled. */
  setIntx(pending: boolean): void;
}
