import type { Linux } from "./linux.ts";
import type { PciBus, PciDev } from "./pci-dev.ts";
import { isMem, PCI_BRIDGE_RESOURCES, type Resource } from "./resource.ts";

const VTD_BASE = 0xfed9_0000;
const DMAR_HEADER_BYTES = 48;
const DRHD_BYTES = 16;
const HOST_ADDRESS_WIDTH = 48;

/** /proc/interrupts: the legacy ones, and each vector of MSI and MSI-X that a driver has. */
export function showInterrupts({ devices, options }: Linux): string {
  const prefix = options.iommu && options.interruptRemapping ? "IR-" : "";
  const line = (irq: number, chip: string, name: string) =>
    `${String(irq).padStart(3)}:          0          0  ${prefix}${chip}      ${name}\n`;
  const rows = [...devices.values()].flatMap((dev) =>
    dev.msiIrqs.map(({ irq, mode }, index) => ({
      irq,
      chip: `PCI-MSI${mode === "msix" ? "X" : ""}-${dev.bdf}`,
      index,
      dev,
    })),
  );
  rows.sort((a, b) => a.irq - b.irq);
  return [
    "           CPU0       CPU1       \n",
    line(9, "IO-APIC   9-fasteoi", "acpi"),
    ...rows.map(({ irq, chip, index, dev }) => line(irq, `${chip}   ${index}-edge`, dev.driver?.name ?? "")),
  ].join("");
}

/** /proc/iomem: RAM, and what lies in the root bus's windows. */
export function showMemory({ rootBus, machine, devices }: Linux): string {
  const names = new Map<Resource, { readonly name: string; readonly driver?: string }>();
  for (const dev of devices.values()) nameResources(dev, names);
  const lines = [range(0, machine.description.memoryBytes - 1, "System RAM", 0)];
  const vfs = vfResources(devices.values());
  const show = (each: Resource, depth: number): void => {
    const { name, driver } = names.get(each) ?? { name: "PCI Bus 0000:00" };
    lines.push(range(each.start, each.end, name, depth));
    if (driver !== undefined) lines.push(range(each.start, each.end, driver, depth + 1));
    for (const inner of [...each.children, ...(vfs.get(each) ?? [])]) show(inner, depth + 1);
  };
  for (const window of rootBus.rootWindows) if (isMem(window)) show(window, 0);
  return lines.join("");
}

function range(start: number, end: number, name: string, depth: number): string {
  const hex = (value: number) => value.toString(16).padStart(8, "0");
  return `${"  ".repeat(depth)}${hex(start)}-${hex(end)} : ${name}\n`;
}

function nameResources(dev: PciDev, names: Map<Resource, { readonly name: string; readonly driver?: string }>): void {
  for (const [index, each] of dev.resources.entries()) {
    if (each === undefined) continue;
    const driver = index < 6 && dev.driver !== undefined ? { driver: dev.driver.name } : {};
    names.set(each, index < PCI_BRIDGE_RESOURCES ? { name: dev.bdf, ...driver } : { name: busName(dev.subordinate) });
  }
}

function busName(bus: PciBus | undefined): string {
  return `PCI Bus 0000:${(bus?.number ?? 0).toString(16).padStart(2, "0")}`;
}

/** The BARs of VFs, by the PF's resource that they lie in. */
function vfResources(devices: Iterable<PciDev>): Map<Resource, Resource[]> {
  const found = new Map<Resource, Resource[]>();
  for (const { isVf, bars } of devices) {
    if (!isVf) continue;
    for (const bar of bars) {
      if (bar?.parent !== undefined) found.set(bar.parent, [...(found.get(bar.parent) ?? []), bar]);
    }
  }
  return found;
}

/** The ACPI table DMAR: one unit for all functions (VT-d specification §8.1, §8.3). */
export function dmarTable(interruptRemapping: boolean): Uint8Array {
  const bytes = new Uint8Array(DMAR_HEADER_BYTES + DRHD_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode("DMAR"));
  view.setUint32(4, bytes.length, true);
  bytes[8] = 1;
  bytes.set(new TextEncoder().encode("VFLEETMODEL   "), 10);
  bytes[36] = HOST_ADDRESS_WIDTH - 1;
  bytes[37] = interruptRemapping ? 1 : 0;
  // DRHD: its length, INCLUDE_PCI_ALL, where its registers are.
  view.setUint16(DMAR_HEADER_BYTES + 2, DRHD_BYTES, true);
  bytes[DMAR_HEADER_BYTES + 4] = 1;
  view.setUint32(DMAR_HEADER_BYTES + 8, VTD_BASE, true);
  let sum = 0;
  for (const byte of bytes) sum += byte;
  bytes[9] = -sum & 0xff;
  return bytes;
}
