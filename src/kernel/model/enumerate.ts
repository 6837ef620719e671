import { isDownstreamPort } from "../../pci/device-port-type.ts";
import { addDevice } from "./add-device.ts";
import { type Linux, logOf } from "./linux.ts";
import { PciBus, PciDev } from "./pci-dev.ts";
import { busesText, setupDevice } from "./setup-device.ts";

const PCI_VENDOR_ID = 0x00;
const PCI_PRIMARY_BUS = 0x18;
const PCI_SECONDARY_BUS = 0x19;
const PCI_SUBORDINATE_BUS = 0x1a;
const PCI_ARI_CAP = 0x04;
const LAST_BUS = 0xff;

/**
 * `pci_scan_child_bus`: the functions of a bus, then what is below its bridges.
 * @returns the highest bus that is used there
 */
export async function scanChildBus(linux: Linux, bus: PciBus): Promise<number> {
  for (let device = 0; device < 32; device++) await scanSlot(linux, bus, device << 3);
  // pci_iov_bus_range: buses that VFs may come to lie on.
  let last = Math.max(bus.number, ...bus.devices.map(({ sriov }) => sriov?.maxVfBuses ?? 0));
  const bridges = bus.devices.filter((dev) => dev.isBridge && dev.subordinate === undefined);
  for (const bridge of bridges.filter(isNumbered)) last = Math.max(last, await scanNumbered(linux, bridge));
  for (const bridge of bridges.filter((each) => each.subordinate === undefined)) {
    last = await scanNew(linux, bridge, last);
  }
  for (const { subordinate } of bus.devices) if (subordinate !== undefined) last = Math.max(last, subordinate.last);
  return last;
}

/** `pci_scan_slot`: function 0 first, then those that it, or ARI, tells of. */
async function scanSlot(linux: Linux, bus: PciBus, first: number): Promise<void> {
  // only_one_child: there is one device at the end of a link.
  if (first > 0 && isDownstreamPort(bus.self?.expressType)) return;
  for (let devfn: number | undefined = first; devfn !== undefined; ) {
    const dev = await scanFunction(linux, bus, devfn);
    devfn = nextFunction(bus, dev, devfn);
  }
}

/** `next_fn`: by the ARI capability where the bridge forwards so. */
function nextFunction(bus: PciBus, dev: PciDev | undefined, devfn: number): number | undefined {
  if (bus.self?.ariEnabled === true) {
    const ari = dev?.capabilities.ari ?? 0;
    if (dev === undefined || ari === 0) return undefined;
    const next = (dev.read(ari + PCI_ARI_CAP, 2) >>> 8) & 0xff;
    return next > devfn ? next : undefined;
  }
  const zero = bus.devices.find((each) => each.devfn === (devfn & ~7));
  return zero?.multifunction === true && (devfn & 7) < 7 ? devfn + 1 : undefined;
}

/** `pci_scan_single_device`: one that is there already, or a new one. */
async function scanFunction(linux: Linux, bus: PciBus, devfn: number): Promise<PciDev | undefined> {
  const there = bus.devices.find((dev) => dev.devfn === devfn);
  if (there !== undefined) return there;
  const vendor = linux.access.configRead((bus.number << 8) | devfn, PCI_VENDOR_ID, 4);
  // pci_bus_generic_read_dev_vendor_id: some boards give zeros where nothing is.
  if ([0xffff_ffff, 0, 0xffff, 0xffff_0000].includes(vendor)) return undefined;
  const dev = new PciDev(bus, devfn, linux.access);
  setupDevice(linux, dev);
  // Linux takes any function above 0 for one of several.
  if ((devfn & 7) > 0) dev.multifunction = true;
  await addDevice(linux, dev);
  return dev;
}

function isNumbered(bridge: PciDev): boolean {
  const primary = bridge.read(PCI_PRIMARY_BUS, 1);
  const secondary = bridge.read(PCI_SECONDARY_BUS, 1);
  const subordinate = bridge.read(PCI_SUBORDINATE_BUS, 1);
  return primary === bridge.bus.number && secondary > bridge.bus.number && secondary <= subordinate;
}

/** `pci_scan_bridge_extend`: the firmware's bus numbers are kept. */
async function scanNumbered(linux: Linux, bridge: PciDev): Promise<number> {
  const secondary = bridge.read(PCI_SECONDARY_BUS, 1);
  const subordinate = bridge.read(PCI_SUBORDINATE_BUS, 1);
  const child = new PciBus(secondary, subordinate, bridge, bridge.bus);
  bridge.subordinate = child;
  const last = await scanChildBus(linux, child);
  if (last > subordinate) {
    logOf(linux, bridge, `bridge has subordinate ${hex2(subordinate)} but max busn ${hex2(last)}`);
  }
  logOf(linux, bridge, `PCI bridge to ${busesText(secondary, subordinate)}`);
  return subordinate;
}

/** `pci_scan_bridge_extend`: the next number that is free. */
async function scanNew(linux: Linux, bridge: PciDev, last: number): Promise<number> {
  if (last >= LAST_BUS) return last;
  const secondary = last + 1;
  const child = new PciBus(secondary, LAST_BUS, bridge, bridge.bus);
  bridge.subordinate = child;
  bridge.write(PCI_PRIMARY_BUS, 1, bridge.bus.number);
  bridge.write(PCI_SECONDARY_BUS, 1, secondary);
  bridge.write(PCI_SUBORDINATE_BUS, 1, LAST_BUS);
  const highest = Math.min(LAST_BUS, Math.max(secondary, await scanChildBus(linux, child)));
  child.last = highest;
  bridge.write(PCI_SUBORDINATE_BUS, 1, highest);
  logOf(linux, bridge, `PCI bridge to ${busesText(secondary, highest)}`);
  return highest;
}

function hex2(value: number): string {
  return value.toString(16).padStart(2, "0");
}
