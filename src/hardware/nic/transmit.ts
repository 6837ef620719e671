import type { DeviceState } from "../device-model.ts";
import type { DevicePort } from "../device-port.ts";
import { count } from "./counters.ts";
import { addressOf, DESCRIPTOR_BYTES, DescriptorCache } from "./descriptor-cache.ts";
import type { Interrupts } from "./interrupts.ts";
import { PacketBuffer } from "./packet-buffer.ts";
import { RateLimit } from "./rate-limit.ts";
import { E1000_QUEUE_ENABLE } from "./receive.ts";
import type { RegisterFile } from "./register-file.ts";
import { DWORD, POOLS, QUEUE_DWORDS, QUEUES } from "./registers-82576.ts";
import { insertChecksums, segment, type TransmitContext } from "./transmit-offload.ts";

const E1000_TCTL_EN = 0x0000_0002;
const E1000_MRQC_VMDQ = 0x1;
const E1000_TXD_CMD_EOP = 0x0100_0000;
const E1000_TXD_CMD_RS = 0x0800_0000;
const E1000_TXD_CMD_DEXT = 0x2000_0000;
const E1000_TXD_CMD_VLE = 0x4000_0000;
const E1000_ADVTXD_DCMD_TSE = 0x8000_0000;
const E1000_TXD_STAT_DD = 0x0000_0001;
const DTYP_CONTEXT = 2;
const DTYP_DATA = 3;
const TDWBAL_HEAD_WB_EN = 0x1;
const POTS_CHECKSUMS = 0x300;
/** Frames of one queue before the next queue's turn. */
const TURN = 16;
const LONGEST = 16384;
/** PAYLEN has 18 bits; headers come on top. */
const LONGEST_TO_SEGMENT = (1 << 18) + 512;
const CONTEXTS = 2;
const CONTEXT_DWORDS = 4;

/** Takes a frame that is ready: its tag is not inserted yet. `tag` is -1 where the descriptor asks for none. */
type Sender = (queue: number, packet: PacketBuffer, length: number, tag: number) => void;

/**
 * Reads transmit rings (82576 data sheet §7.2): gathers each frame from its descriptors, has it sent, and writes back that it
 * is done. Queues take turns. A frame whose last descriptor is not there yet is left in the ring.
 */
export class Transmitter {
  readonly #values: Uint32Array;
  readonly #interrupts: Interrupts;
  readonly #ports: readonly DevicePort[];
  readonly #send: Sender;
  readonly #cache = new DescriptorCache();
  readonly #rateLimit: RateLimit;
  readonly #packet = new PacketBuffer(LONGEST);
  /** There once a packet was to be segmented. */
  #large: PacketBuffer | undefined;
  readonly #contexts = new Uint32Array(QUEUES * CONTEXTS * CONTEXT_DWORDS);
  /** Descriptors of this turn that are to be written back. */
  readonly #done = new Uint32Array(0x10000);
  #doneCount = 0;
  #pending = 0;
  #busy = false;
  linkUp = false;
  /** Pools that may not send, and pools that may though there is no link, whatever registers say. */
  silencedPools = 0;
  forcedPools = 0;

  constructor(registers: RegisterFile, interrupts: Interrupts, ports: readonly DevicePort[], send: Sender) {
    this.#values = registers.values;
    this.#interrupts = interrupts;
    this.#ports = ports;
    this.#send = send;
    this.#rateLimit = new RateLimit(registers, (ports[0] as DevicePort).clock, (queue) => this.kick(1 << queue));
    for (const name of ["TDBAL", "TDBAH", "TDLEN", "TDH", "TXDCTL"] as const) {
      const dword = DWORD[name];
      registers.onWrite(name, (queue, value) => {
        this.#values[dword + queue * QUEUE_DWORDS] = value;
        this.#cache.forget(queue);
      });
    }
    registers.onWrite("TDT", (queue, value) => {
      this.#values[DWORD.TDT + queue * QUEUE_DWORDS] = value;
      this.kick(1 << queue);
    });
  }

  /** Lets queues send what is in their rings. While one sends, others wait for their turn. */
  kick(queues: number): void {
    this.#pending |= queues;
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (let queue = 0; this.#pending !== 0; queue = (queue + 1) % QUEUES) {
        if ((this.#pending & (1 << queue)) === 0) continue;
        this.#pending &= ~(1 << queue);
        if (this.#serve(queue)) this.#pending |= 1 << queue;
      }
    } finally {
      this.#busy = false;
    }
    this.#interrupts.flush();
  }

  forget(queue: number): void {
    this.#cache.forget(queue);
    this.#contextsOf(queue).fill(0);
  }

  reset(): void {
    for (let queue = 0; queue < QUEUES; queue++) this.forget(queue);
    this.#pending = 0;
    this.#rateLimit.reset();
  }

  get isBusy(): boolean {
    return this.#busy;
  }

  /** The contexts of a VF's two queues, which move with it. */
  saveContexts(vf: number): DeviceState {
    return [vf, vf + POOLS].map((queue) => [...this.#contextsOf(queue)]);
  }

  restoreContexts(vf: number, state: DeviceState): void {
    (state as number[][]).forEach((contexts, index) => {
      this.#contextsOf(vf + index * POOLS).set(contexts);
    });
  }

  save(): DeviceState {
    return { contexts: [...this.#contexts], rateLimit: this.#rateLimit.save() };
  }

  restore(state: DeviceState): void {
    const { contexts, rateLimit } = state as { contexts: number[]; rateLimit: DeviceState };
    this.reset();
    this.#contexts.set(contexts);
    this.#rateLimit.restore(rateLimit);
  }

  #isEnabled(queue: number): boolean {
    const values = this.#values;
    const pool = 1 << (queue & 7);
    const vmdq = ((values[DWORD.MRQC] as number) & E1000_MRQC_VMDQ) !== 0;
    return (
      (this.linkUp || (this.forcedPools & pool) !== 0) &&
      ((values[DWORD.TCTL] as number) & E1000_TCTL_EN) !== 0 &&
      ((values[DWORD.TXDCTL + queue * QUEUE_DWORDS] as number) & E1000_QUEUE_ENABLE) !== 0 &&
      (!vmdq || ((values[DWORD.VFTE] as number) & ~this.silencedPools & pool) !== 0)
    );
  }

  #contextsOf(queue: number): Uint32Array {
    return this.#contexts.subarray(queue * CONTEXTS * CONTEXT_DWORDS, (queue + 1) * CONTEXTS * CONTEXT_DWORDS);
  }

  /** One queue's turn. @returns whether it has more to send */
  #serve(queue: number): boolean {
    if (!this.#isEnabled(queue)) return false;
    const values = this.#values;
    const ring = queue * QUEUE_DWORDS;
    const entries = (values[DWORD.TDLEN + ring] as number) >>> 4;
    const base = addressOf(values[DWORD.TDBAL + ring] as number, values[DWORD.TDBAH + ring] as number);
    const port = this.#ports[queue] as DevicePort;
    this.#doneCount = 0;
    let more = true;
    for (let frame = 0; frame < TURN; frame++) {
      const head = values[DWORD.TDH + ring] as number;
      const tail = values[DWORD.TDT + ring] as number;
      more = head !== tail && tail < entries && head < entries;
      if (!more) break;
      if (this.#rateLimit.mustWait(queue)) {
        more = false;
        break;
      }
      const next = this.#frame(queue, port, base, head, tail, entries);
      if (next < 0) {
        more = false;
        break;
      }
      values[DWORD.TDH + ring] = next;
    }
    this.#writeBack(queue, port, base);
    return more;
  }

  /** Sends one frame. @returns the new head, or -1 where the frame is not whole or its descriptors cannot be read */
  #frame(queue: number, port: DevicePort, base: number, head: number, tail: number, entries: number): number {
    const dwords = this.#cache.dwords;
    const doneBefore = this.#doneCount;
    let packet = this.#packet;
    let index = head;
    let length = 0;
    let first = 0;
    let options = 0;
    let vlan = 0;
    let isFirst = true;
    let fetched = true;
    for (;;) {
      if (index === tail) {
        this.#doneCount = doneBefore;
        return -1;
      }
      const slot = this.#cache.find(port, queue, base, index, (tail > index ? tail : entries) - index);
      if (slot < 0) {
        this.#doneCount = doneBefore;
        return -1;
      }
      const command = dwords[slot + 2] as number;
      const type = (command >>> 20) & 0xf;
      if ((command & E1000_TXD_CMD_RS) !== 0) this.#done[this.#doneCount++] = index;
      index = index + 1 === entries ? 0 : index + 1;
      const advanced = (command & E1000_TXD_CMD_DEXT) !== 0;
      if (advanced && type !== DTYP_DATA) {
        if (type === DTYP_CONTEXT) this.#storeContext(queue, slot);
        // A context between frames is done with by itself.
        if (isFirst) return index;
        continue;
      }
      if (isFirst) {
        isFirst = false;
        first = command;
        options = advanced ? (dwords[slot + 3] as number) : 0;
        vlan = (dwords[slot + 3] as number) >>> 16;
        if (advanced && (command & E1000_ADVTXD_DCMD_TSE) !== 0) {
          this.#large ??= new PacketBuffer(LONGEST_TO_SEGMENT);
          packet = this.#large;
        }
      }
      const part = command & 0xffff;
      fetched &&= packet.fetch(port, addressOf(dwords[slot] as number, dwords[slot + 1] as number), length, part);
      length += part;
      if ((command & E1000_TXD_CMD_EOP) !== 0) break;
    }
    if (fetched) this.#emit(queue, packet, length, first, options, vlan);
    else count(this.#values, DWORD.HTDPMC);
    return index;
  }

  #emit(queue: number, packet: PacketBuffer, length: number, command: number, options: number, vlan: number): void {
    const advanced = (command & E1000_TXD_CMD_DEXT) !== 0;
    const wantsTag = (command & E1000_TXD_CMD_VLE) !== 0;
    const context = (queue * CONTEXTS + ((options >>> 4) & 1)) * CONTEXT_DWORDS;
    const tag = !wantsTag ? -1 : advanced ? (this.#contexts[context] as number) >>> 16 : vlan;
    if (packet !== this.#packet) {
      const sent = segment(packet, length, this.#contextAt(context), this.#packet, (size) => {
        this.#rateLimit.sent(queue, size);
        this.#send(queue, this.#packet, size, tag);
      });
      count(this.#values, sent ? DWORD.TSCTC : DWORD.HTDPMC);
      return;
    }
    if (advanced && (options & POTS_CHECKSUMS) !== 0) {
      insertChecksums(packet, length, options, this.#contextAt(context));
    }
    this.#rateLimit.sent(queue, length);
    this.#send(queue, packet, length, tag);
  }

  #storeContext(queue: number, slot: number): void {
    const dwords = this.#cache.dwords;
    const context = (queue * CONTEXTS + (((dwords[slot + 3] as number) >>> 4) & 1)) * CONTEXT_DWORDS;
    for (let dword = 0; dword < CONTEXT_DWORDS; dword++) {
      this.#contexts[context + dword] = dwords[slot + dword] as number;
    }
  }

  #contextAt(context: number): TransmitContext {
    return {
      lengths: this.#contexts[context] as number,
      command: this.#contexts[context + 2] as number,
      segment: this.#contexts[context + 3] as number,
    };
  }

  /** Tells software which descriptors are done: in each that asked for it, or by the head where TDWBAL says so. */
  #writeBack(queue: number, port: DevicePort, base: number): void {
    if (this.#doneCount === 0) return;
    const ring = queue * QUEUE_DWORDS;
    const headAddress = this.#values[DWORD.TDWBAL + ring] as number;
    if ((headAddress & TDWBAL_HEAD_WB_EN) !== 0) {
      const address = addressOf((headAddress & ~3) >>> 0, this.#values[DWORD.TDWBAH + ring] as number);
      const span = address < 0 ? undefined : port.span(address, 4, true);
      if (span !== undefined && span.length >= 4) {
        span.view.setUint32(span.offset, this.#values[DWORD.TDH + ring] as number, true);
      }
    } else {
      this.#writeBackStatus(port, base);
    }
    this.#interrupts.queueEvent(queue, true);
  }

  #writeBackStatus(port: DevicePort, base: number): void {
    for (let done = 0; done < this.#doneCount; ) {
      const first = this.#done[done] as number;
      let last = done;
      while (last + 1 < this.#doneCount && (this.#done[last + 1] as number) > first) last++;
      const from = base + first * DESCRIPTOR_BYTES;
      const span = port.span(from, ((this.#done[last] as number) - first + 1) * DESCRIPTOR_BYTES, true);
      // A page at a time; a descriptor that cannot be written is not.
      if (span === undefined || span.length < DESCRIPTOR_BYTES) {
        done++;
        continue;
      }
      for (; done <= last; done++) {
        const at = ((this.#done[done] as number) - first) * DESCRIPTOR_BYTES;
        if (at + DESCRIPTOR_BYTES > span.length) break;
        span.view.setUint32(span.offset + at + 12, E1000_TXD_STAT_DD, true);
      }
    }
  }
}
