import { PhysicalMemory } from "../../memory.ts";
import { IntelIommu } from "../intel-iommu.ts";
import type { InvalidateDevice } from "../invalidation-queue.ts";
import { PageAllocator } from "../page-allocator.ts";
import { Vtd } from "../vtd.ts";
import { SERVER_VTD, type VtdCapabilities } from "../vtd-capabilities.ts";

export type Message = readonly [address: number, data: number];

/** A unit with memory of its own, and who programs it. */
export class VtdDriver extends IntelIommu {
  readonly messages: Message[];

  constructor(options: Partial<VtdCapabilities> & { sizeBytes?: number; invalidateDevice?: InvalidateDevice } = {}) {
    const { sizeBytes = 8 * 2 ** 20, invalidateDevice = () => true, ...capabilities } = options;
    const messages: Message[] = [];
    const memory = new PhysicalMemory(sizeBytes);
    const vtd = new Vtd(
      memory,
      { ...SERVER_VTD, ...capabilities },
      {
        sendMessage: (address, data) => messages.push([address, data]),
        invalidateDevice,
      },
    );
    super(vtd, memory, new PageAllocator(memory, sizeBytes / 2, sizeBytes / 2));
    this.messages = messages;
  }
}
