import { NS_PER_MS } from "../clock.ts";
import type { DeviceDescription } from "../device-description.ts";
import { assignResources } from "../firmware.ts";
import { buildMachine, type Machine, type MachineOptions } from "../machine.ts";
import type { DeviceEntry, MachineDescription, PortDescription } from "../machine-description.ts";
import type { PciFunction } from "../pci-function.ts";

/** 1 MiB of RAM, and what is given, as firmware leaves it: buses numbered, BARs placed, memory and bus mastering enabled. */
export function assignedMachine(root: MachineDescription["root"], options: MachineOptions = {}): Machine {
  const machine = buildMachine({ memoryBytes: 1 << 20, seed: 1, root }, options);
  assignResources(machine.fabric, machine.windows);
  return machine;
}

/** A root port with a device below it. */
export function below(
  device: string | DeviceDescription,
  options: NonNullable<DeviceEntry["options"]> = {},
  port: Omit<PortDescription, "below"> = {},
): MachineDescription["root"][number] {
  return { kind: "root port", ...port, below: { kind: "device", device, options } };
}

/** A function by its name. */
export function functionNamed({ functions }: Pick<Machine, "functions">, name: string): PciFunction {
  const fn = functions.get(name);
  if (fn === undefined) throw new Error(`no function is called ${name}; there are ${[...functions.keys()].join(", ")}`);
  return fn;
}

const PCI_SRIOV_CTRL = 0x08;
const PCI_SRIOV_NUM_VF = 0x10;

/** Sets NumVFs, VF Enable and VF MSE of a PF, and waits until its VFs answer. @param offset of its SR-IOV capability */
export function enableVfs({ fabric, clock }: Machine, pf: PciFunction, offset: number, numVfs: number): void {
  const ari = fabric.configRead(pf.routingId, offset + PCI_SRIOV_CTRL, 2) & 0x10;
  fabric.configWrite(pf.routingId, offset + PCI_SRIOV_NUM_VF, 2, numVfs);
  fabric.configWrite(pf.routingId, offset + PCI_SRIOV_CTRL, 2, ari | 0x9);
  clock.advance(100 * NS_PER_MS);
}

/** Forwarding by ARI below a root port of these tests, and the ARI Capable Hierarchy bit of a PF. */
export function useAri({ fabric }: Machine, port: PciFunction, pf: PciFunction, offset: number): void {
  const at = port.express(0x28);
  if (at === undefined) throw new Error(`${port.name} has no Device Control 2`);
  fabric.configWrite(port.routingId, at, 2, 0x20);
  fabric.configWrite(pf.routingId, offset + PCI_SRIOV_CTRL, 2, 0x10);
}
