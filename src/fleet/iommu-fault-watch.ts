import { IommuFaultLines } from "../host/iommu-faults.ts";
import { isUnread } from "../kernel/port.ts";
import type { ChangeableKernel } from "../kernel/port-change.ts";
import { type Bdf, domainOf, formatBdf, parseBdf, routingIdOf } from "../pci/bdf.ts";

/** Domains of PCI segments have 16 bits. Larger ones are of Intel VMD, whose devices have the VMD's own address in faults. */
const MOST_SEGMENTS = 0x1_0000;

type Log = Pick<ChangeableKernel, "logMark" | "logSince" | "list">;

/** Counts faults of the IOMMU by device, as the kernel log tells of them from the first look on. */
export class IommuFaultWatch {
  readonly #kernel: Log;
  readonly #lines = new IommuFaultLines();
  readonly #faults = new Map<string, number>();
  #lostRecords = 0;
  #mark: number | undefined;
  #isReadable = false;

  constructor(kernel: Log) {
    this.#kernel = kernel;
  }

  /** Undefined where the log cannot be read. */
  get counts(): { readonly faults: ReadonlyMap<string, number>; readonly lostRecords: number } | undefined {
    return this.#isReadable ? { faults: this.#faults, lostRecords: this.#lostRecords } : undefined;
  }

  async look(): Promise<void> {
    if (this.#mark === undefined) {
      const mark = await this.#kernel.logMark();
      this.#isReadable = !isUnread(mark);
      if (!isUnread(mark)) this.#mark = mark;
      return;
    }
    let part = await this.#kernel.logSince(this.#mark);
    // A modelled host that was started anew numbers its records from 0.
    if (!isUnread(part) && part.end < this.#mark) part = await this.#kernel.logSince(0);
    this.#isReadable = !isUnread(part);
    if (isUnread(part)) return;
    this.#mark = part.end;
    this.#lostRecords += part.lost;
    const devices = this.#lines.take(part.lines);
    if (devices.length === 0) return;
    const addressOf = await addresses(this.#kernel);
    for (const device of devices) {
      const address = addressOf(device);
      this.#faults.set(address, (this.#faults.get(address) ?? 0) + 1);
    }
  }
}

/**
 * An address without a domain gets that of the host, if there is one only, else that of the only device of this name. What stays
 * unknown is left as it was told.
 */
async function addresses(kernel: Log): Promise<(device: string) => string> {
  const names = await kernel.list("/sys/bus/pci/devices");
  const known = (isUnread(names) ? [] : names).flatMap((name): Bdf[] => {
    const bdf = parseBdf(name);
    return bdf === undefined || domainOf(bdf) >= MOST_SEGMENTS ? [] : [bdf];
  });
  const domains = new Set(known.map(domainOf));
  return (device) => {
    const whole = parseBdf(device);
    if (whole === undefined) return device;
    if (device.length > "00:00.0".length) return whole;
    const [domain, ...others] = domains;
    if (domain !== undefined && others.length === 0) return formatBdf(domain, routingIdOf(whole));
    const [only, ...more] = known.filter((bdf) => bdf.endsWith(`:${device}`));
    return only !== undefined && more.length === 0 ? only : device;
  };
}
