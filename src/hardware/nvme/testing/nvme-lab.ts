import { ModelClock } from "../../clock.ts";
import type { DeviceModel } from "../../device-model.ts";
import { GuestMemory } from "../../guests/guest-memory.ts";
import { NvmeDriver, type NvmeDriverOptions } from "../../guests/nvme-driver.ts";
import { PhysicalMemory } from "../../memory.ts";
import { FlatPort } from "../../testing/flat-port.ts";
import { NvmeDevice, type NvmeOptions } from "../nvme-device.ts";
import type { NamespaceDescription } from "../subsystem.ts";

const MEBIBYTE = 2 ** 20;
const DRIVER_BYTES = 2 * MEBIBYTE;
const TOTAL_VFS = 4;

export interface LabOptions {
  readonly numVfs?: number;
  readonly namespaces?: readonly NamespaceDescription[];
  readonly doorbellStride?: number;
  readonly keepsResources?: boolean;
}

/** A controller with secondary controllers, each with its part of a flat memory. */
export class NvmeLab {
  readonly clock = new ModelClock();
  readonly memory = new PhysicalMemory((TOTAL_VFS + 1) * DRIVER_BYTES);
  /** Vectors that interrupted, by controller id. */
  readonly interrupts: number[][] = Array.from({ length: TOTAL_VFS + 1 }, () => []);
  device: NvmeDevice;
  readonly #options: NvmeOptions;

  constructor({ numVfs = 0, namespaces, doorbellStride, keepsResources }: LabOptions = {}) {
    this.#options = {
      port: this.#port(0),
      vfPort: (vfIndex) => this.#port(vfIndex + 1),
      identity: {
        vendorId: 0x1b36,
        subsystemVendorId: 0x1af4,
        serial: "lab",
        model: "lab",
        firmware: "1.0",
        nqn: "nqn.2014-08.org.nvmexpress:lab",
      },
      totalBytes: 64 * MEBIBYTE,
      namespaces: namespaces ?? [{ id: 1, sizeBytes: 4 * MEBIBYTE }],
      virtualization: {
        totalVfs: TOTAL_VFS,
        vq: { flexible: 8, private: 5, secondaryMax: 4 },
        vi: { flexible: 8, private: 5, secondaryMax: 4 },
        ...(keepsResources === undefined ? {} : { keepsResources }),
      },
      ...(doorbellStride === undefined ? {} : { doorbellStride }),
    };
    this.device = new NvmeDevice(this.#options);
    if (numVfs > 0) this.device.enableVfs(numVfs);
  }

  /** The model of a controller, by its id. */
  controller(id: number): DeviceModel {
    return id === 0 ? this.device : this.device.vf(id - 1);
  }

  read(id: number, offset: number): number {
    return this.controller(id).readBar(0, offset, 4);
  }

  write(id: number, offset: number, value: number): void {
    this.controller(id).writeBar(0, offset, 4, value);
  }

  /** Where a controller's driver has its memory. */
  base(id: number): number {
    return id * DRIVER_BYTES;
  }

  /** A driver of a controller, which has not begun. */
  driver(id: number, options: Partial<NvmeDriverOptions> = {}): NvmeDriver {
    return new NvmeDriver({
      mmio: {
        read32: (offset) => this.read(id, offset),
        write32: (offset, value) => this.write(id, offset, value),
      },
      memory: new GuestMemory(this.memory, this.base(id), DRIVER_BYTES, this.base(id)),
      ioQueues: 1,
      vectors: 2,
      entries: 16,
      slotBytes: 16_384,
      ...options,
    });
  }

  /** A driver whose controller is ready and has its I/O queues. */
  started(id: number, options: Partial<NvmeDriverOptions> = {}): NvmeDriver {
    const driver = this.driver(id, options);
    driver.enable();
    const status = driver.setUpIoQueues();
    if (status !== 0) throw new Error(`controller ${id} gave no queues: ${status.toString(16)}`);
    return driver;
  }

  /** Puts another device in the place of this one, with its state as JSON has it. */
  replaceDevice(): void {
    const state = JSON.stringify(this.device.save());
    this.device = new NvmeDevice(this.#options);
    this.device.restore(JSON.parse(state));
  }

  #port(id: number): FlatPort {
    return new FlatPort(this.memory, this.clock, (vector) => this.interrupts[id]?.push(vector));
  }
}

/** Virtualization Management: gives two of each resource to a secondary controller, and puts it online. */
export function bringOnline(primary: NvmeDriver, controllerId: number): void {
  for (const [action, resource, count] of [
    [8, 0, 2],
    [8, 1, 2],
    [9, 0, 0],
  ] as const) {
    const { status } = manage(primary, action, controllerId, resource, count);
    if (status !== 0) throw new Error(`action ${action} of controller ${controllerId}: ${status.toString(16)}`);
  }
}

export function manage(primary: NvmeDriver, action: number, controllerId: number, resource = 0, count = 0) {
  return primary.admin({
    opcode: 0x1c,
    dword10: (action | (resource << 8) | (controllerId << 16)) >>> 0,
    dword11: count,
  });
}
