/** What goes wrong where VFs of a PF are made (kernel-fault.ts). */
export class IovFaults {
  refusal: string | undefined;
  limit = Number.POSITIVE_INFINITY;
  withoutMemory: number | undefined;
  #stall: PromiseWithResolvers<void> | undefined;

  stall(): void {
    this.#stall ??= Promise.withResolvers();
  }

  /** Until the driver's firmware answers. */
  async answered(): Promise<void> {
    await this.#stall?.promise;
  }

  recover(): void {
    this.refusal = undefined;
    this.limit = Number.POSITIVE_INFINITY;
    this.withoutMemory = undefined;
    this.#stall?.resolve();
    this.#stall = undefined;
  }
}
