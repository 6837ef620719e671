import type { DevicePort } from "../device-port.ts";
import type { Command } from "./command.ts";
import { NVME_DNR, NVME_STATUS } from "./status.ts";

const PRP_BYTES = 8;
/** MDTS: 2^7 of the smallest pages. */
export const MDTS = 7;
export const MOST_TRANSFER_BYTES = 4096 << MDTS;
/** As many pages, and one more where the first is not begun at its start. */
const MOST_SEGMENTS = (1 << MDTS) + 1;
const HIGH = 0x1_0000_0000;
const BUS_ADDRESSES_END = 2 ** 53;

/** The memory that a command's PRP entries and lists name (NVM Express Base 2.0 §4.1.1), in pieces of a page at the most. */
export class DataPointer {
  readonly addresses = new Float64Array(MOST_SEGMENTS);
  readonly lengths = new Uint32Array(MOST_SEGMENTS);
  count = 0;
  readonly #list = new Uint8Array(MOST_SEGMENTS * PRP_BYTES);
  readonly #view = new DataView(this.#list.buffer);

  /**
   * Finds out where `length` bytes of data are.
   * @param length up to MOST_TRANSFER_BYTES
   * @returns a status
   */
  collect(port: DevicePort, command: Command, length: number, pageBytes: number): number {
    this.count = 0;
    const { prp1, prp2 } = command;
    if (prp1 % 4 !== 0) return NVME_STATUS.invalidPrpOffset | NVME_DNR;
    const first = Math.min(length, pageBytes - (prp1 % pageBytes));
    this.#add(prp1, first);
    const left = length - first;
    if (left === 0) return NVME_STATUS.success;
    if (left > pageBytes) return this.#collectList(port, prp2, left, pageBytes);
    if (prp2 % pageBytes !== 0) return NVME_STATUS.invalidPrpOffset | NVME_DNR;
    this.#add(prp2, left);
    return NVME_STATUS.success;
  }

  /** Copies bytes to where the data goes. @returns a status */
  send(port: DevicePort, source: Uint8Array): number {
    for (let segment = 0, at = 0; segment < this.count; segment++) {
      const length = this.lengths[segment] as number;
      if (!port.write(this.addresses[segment] as number, source, at, length)) return NVME_STATUS.dataTransferError;
      at += length;
    }
    return NVME_STATUS.success;
  }

  /** Copies data from where it is. @returns a status */
  fetch(port: DevicePort, target: Uint8Array): number {
    for (let segment = 0, at = 0; segment < this.count; segment++) {
      const length = this.lengths[segment] as number;
      if (!port.read(this.addresses[segment] as number, target, at, length)) return NVME_STATUS.dataTransferError;
      at += length;
    }
    return NVME_STATUS.success;
  }

  /** The last entry of a list's page names the list's next page, where more entries are needed than it has room for. */
  #collectList(port: DevicePort, from: number, length: number, pageBytes: number): number {
    let list = from;
    let left = length;
    if (list % PRP_BYTES !== 0) return NVME_STATUS.invalidPrpOffset | NVME_DNR;
    for (;;) {
      const room = (pageBytes - (list % pageBytes)) / PRP_BYTES;
      const needed = Math.ceil(left / pageBytes);
      const entries = Math.min(room, needed);
      if (list >= BUS_ADDRESSES_END || !port.read(list, this.#list, 0, entries * PRP_BYTES)) {
        return NVME_STATUS.dataTransferError;
      }
      const pages = needed > room ? entries - 1 : entries;
      for (let index = 0; index < pages; index++) {
        const address = this.#entry(index);
        if (address % pageBytes !== 0) return NVME_STATUS.invalidPrpOffset | NVME_DNR;
        this.#add(address, Math.min(left, pageBytes));
        left -= Math.min(left, pageBytes);
      }
      if (left === 0) return NVME_STATUS.success;
      list = this.#entry(entries - 1);
      // A list that begins in a page's last entry would have no room for any.
      if (list % pageBytes !== 0) return NVME_STATUS.invalidPrpOffset | NVME_DNR;
    }
  }

  #entry(index: number): number {
    return this.#view.getUint32(index * PRP_BYTES + 4, true) * HIGH + this.#view.getUint32(index * PRP_BYTES, true);
  }

  #add(address: number, length: number): void {
    this.addresses[this.count] = address;
    this.lengths[this.count++] = length;
  }
}
