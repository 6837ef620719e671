import { BridgeFunction, type Bus } from "./bridge-function.ts";
import { buildBridge, buildDevice } from "./build-function.ts";
import { ModelClock } from "./clock.ts";
import type { DeviceDescription } from "./device-description.ts";
import type { DeviceModel } from "./device-model.ts";
import type { DevicePort } from "./device-port.ts";
import { knownDevice } from "./devices/known-devices.ts";
import { HOST_BRIDGE, rootPort, switchDownstreamPort, switchUpstreamPort } from "./devices/ports.ts";
import { Fabric } from "./fabric.ts";
import type { Iommu } from "./function-port.ts";
import { integratedEndpoint } from "./integrated-endpoint.ts";
import {
  type BusAddresses,
  DEFAULT_WINDOWS,
  type DeviceEntry,
  type IntegratedEntry,
  type MachineDescription,
  type PortDescription,
  type SwitchEntry,
} from "./machine-description.ts";
import { PhysicalMemory } from "./memory.ts";
import type { PciFunction } from "./pci-function.ts";
import { Random } from "./random.ts";

/** What a model is made with. */
export interface ModelSurroundings {
  readonly device: DeviceDescription;
  readonly entry: Omit<DeviceEntry, "kind">;
  readonly fn: PciFunction;
  readonly functionIndex: number;
  readonly port: DevicePort;
  /** The port of a VF; of VFs that are enabled alone. */
  vfPort(vfIndex: number): DevicePort;
}

export interface MachineOptions {
  /** What is behind a function's BARs; undefined where there is nothing. */
  readonly model?: (surroundings: ModelSurroundings) => DeviceModel | undefined;
  readonly iommu?: (memory: PhysicalMemory, fabric: Fabric) => Iommu;
}

/** A machine that has been put together and powered on; nothing of it is assigned or enabled yet. */
export interface Machine {
  readonly description: MachineDescription;
  readonly clock: ModelClock;
  readonly memory: PhysicalMemory;
  readonly fabric: Fabric;
  /** What of bus addresses is for BARs. */
  readonly windows: BusAddresses;
  /** All functions but VFs, by their names, in the order of the description. */
  readonly functions: ReadonlyMap<string, PciFunction>;
  /** Cards that are out of their slots, by the port that they belong to. */
  readonly removed: Map<string, readonly PciFunction[]>;
  /** From the description's seed. */
  readonly random: Random;
}

/** Puts a machine together. */
export function buildMachine(description: MachineDescription, options: MachineOptions = {}): Machine {
  return new Builder(description, options).machine;
}

class Builder {
  readonly machine: Machine;
  readonly #options: MachineOptions;
  readonly #fabric: Fabric;
  readonly #functions = new Map<string, PciFunction>();

  constructor(description: MachineDescription, options: MachineOptions) {
    const clock = new ModelClock();
    const random = new Random(description.seed ?? 0);
    const memory = new PhysicalMemory(description.memoryBytes);
    this.#options = options;
    this.#fabric = new Fabric(memory, clock);
    if (options.iommu !== undefined) this.#fabric.iommu = options.iommu(memory, this.#fabric);
    const { root } = this.#fabric;
    const functions = this.#functions;
    const { windows = DEFAULT_WINDOWS } = description;
    if (description.memoryBytes > windows.low[0]) throw new RangeError("RAM reaches into the bus addresses for BARs");
    const removed = new Map<string, readonly PciFunction[]>();
    this.machine = { description, clock, memory, fabric: this.#fabric, windows, functions, removed, random };
    this.#device(root, { device: HOST_BRIDGE });
    for (const [index, entry] of description.root.entries()) {
      if (entry.kind === "root port") this.#port(root, entry, index, `root port ${index}`, rootPort);
      else this.#integrated(root, entry);
    }
    for (const fn of functions.values()) if (fn instanceof BridgeFunction) fn.link?.powerOn();
  }

  #port(
    bus: Bus,
    port: PortDescription,
    index: number,
    name: string,
    kind: (port: PortDescription, portNumber: number) => ReturnType<typeof rootPort>,
  ): void {
    const devfn = ((port.device ?? freeDevice(bus)) << 3) | (port.function ?? 0);
    const bridge = buildBridge(kind(port, index + 1), name, devfn, this.#fabric);
    bridge.leadsToAnyDevice = port.anyDevice === true;
    this.#add(bus, bridge);
    const { below } = port;
    if (below?.kind === "device") this.#device(bridge.below, below);
    else if (below !== undefined) this.#switch(bridge, below);
  }

  #switch(above: BridgeFunction, { name, ports }: SwitchEntry): void {
    const called = name ?? `switch below ${above.name}`;
    const upstream = buildBridge(switchUpstreamPort(), called, 0, this.#fabric);
    this.#add(above.below, upstream);
    for (const [index, port] of ports.entries()) {
      this.#port(upstream.below, port, index, `${called} port ${index}`, switchDownstreamPort);
    }
  }

  #integrated(root: Bus, entry: IntegratedEntry): void {
    const devfn = (entry.at ?? freeDevice(root)) << 3;
    this.#device(root, { ...entry, device: integratedEndpoint(this.#described(entry)) }, devfn);
  }

  #device(bus: Bus, entry: Omit<DeviceEntry, "kind">, devfn: number = 0): void {
    const device = this.#described(entry);
    const name = this.#freeName(entry.name ?? device.name);
    for (const [functionIndex, fn] of buildDevice(device, name, devfn, this.#fabric).entries()) {
      this.#add(bus, fn);
      const model = this.#options.model?.({
        device,
        entry,
        fn,
        functionIndex,
        port: this.#fabric.portOf(fn),
        vfPort: (vfIndex) => {
          const vf = fn.vfs?.vf(vfIndex);
          if (vf === undefined) throw new RangeError(`${fn.name} has no VF ${vfIndex} now`);
          return this.#fabric.portOf(vf);
        },
      });
      if (model !== undefined) fn.attach(model);
    }
  }

  #described({ device, options = {} }: Omit<DeviceEntry, "kind">): DeviceDescription {
    return typeof device === "string" ? knownDevice(device, options, this.machine.random.next()) : device;
  }

  #freeName(wanted: string): string {
    if (!this.#functions.has(wanted) && !this.#functions.has(`${wanted}.0`)) return wanted;
    for (let number = 2; ; number++) {
      const name = `${wanted} ${number}`;
      if (!this.#functions.has(name) && !this.#functions.has(`${name}.0`)) return name;
    }
  }

  #add(bus: Bus, fn: PciFunction): void {
    if (this.#functions.has(fn.name)) throw new RangeError(`two functions are called ${fn.name}`);
    bus.add(fn);
    this.#functions.set(fn.name, fn);
  }
}

/** The lowest device number that is free on a bus; 0 of the root bus is the host bridge's. */
function freeDevice(bus: Bus): number {
  const used = new Set([...bus.functions.keys()].map((devfn) => devfn >>> 3));
  let device = bus.bridge === undefined ? 1 : 0;
  while (used.has(device)) device++;
  if (device > 0x1f) throw new RangeError("a bus has 32 devices at the most");
  return device;
}
