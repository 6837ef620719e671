import { hex } from "../../pci/bdf.ts";
import { AER_ATTRIBUTES } from "./aer-attributes.ts";
import { type Attribute, attributeTable } from "./attributes.ts";
import { showConfig, storeConfig } from "./config-attribute.ts";
import { disableDevice, enableDevice } from "./enable-device.ts";
import { sriovAttributes } from "./iov-attributes.ts";
import { KernelError } from "./kernel-error.ts";
import { LINK_ATTRIBUTES } from "./link-attributes.ts";
import { type Linux, pciUevent, pciUeventProperties } from "./linux.ts";
import { cString, kstrtoul } from "./parse-value.ts";
import type { PciDev } from "./pci-dev.ts";
import { removeDevice } from "./remove-device.ts";
import { rescanBus } from "./rescan.ts";
import { resetFunction } from "./reset.ts";
import { showResetMethods, storeResetMethods } from "./reset-methods.ts";
import { PCI_BRIDGE_RESOURCES, PCI_NUM_RESOURCES, type Resource } from "./resource.ts";

const PAGE_BYTES = 4096;
const UEVENT_ACTIONS = ["add", "remove", "change", "move", "online", "offline", "bind", "unbind"];
const isVf = ({ physfn }: PciDev) => physfn !== undefined;
const isNoVf = (dev: PciDev) => !isVf(dev);
const isBridge = (dev: PciDev) => dev.isBridge;
/** pci_dev_reset_attr_is_visible: as it was when the device came. */
const canReset = ({ resettable }: PciDev) => resettable;

/** What is in the folder of a function: drivers/pci/pci-sysfs.c, in the order of its groups. */
export function pciAttributes(linux: () => Linux): ReadonlyMap<string, Attribute<PciDev>> {
  return attributeTable<PciDev>([
    { name: "power_state", show: ({ powerState }) => powerState },
    { name: "resource", showRaw: showResources },
    { name: "vendor", show: ({ vendor }) => `0x${hex(vendor, 4)}` },
    { name: "device", show: ({ device }) => `0x${hex(device, 4)}` },
    { name: "subsystem_vendor", show: ({ subsystemVendor }) => `0x${hex(subsystemVendor, 4)}` },
    { name: "subsystem_device", show: ({ subsystemDevice }) => `0x${hex(subsystemDevice, 4)}` },
    { name: "revision", show: ({ revision }) => `0x${hex(revision, 2)}` },
    { name: "class", show: ({ classCode }) => `0x${hex(classCode, 6)}` },
    { name: "irq", show: ({ irq, msiIrqs }) => String(msiIrqs.find(({ mode }) => mode === "msi")?.irq ?? irq) },
    { name: "local_cpus", show: () => "3" },
    { name: "local_cpulist", show: () => "0-1" },
    { name: "modalias", show: ({ modalias }) => modalias },
    { name: "numa_node", show: () => "-1", store: () => refuse("EINVAL") },
    { name: "dma_mask_bits", show: () => "64" },
    { name: "consistent_dma_mask_bits", show: () => "64" },
    {
      name: "enable",
      show: ({ enableCount }) => String(enableCount),
      store: (dev, text) => storeEnable(linux(), dev, text),
    },
    { name: "broken_parity_status", show: () => "0", store: (_, text) => void kstrtoul(text) },
    { name: "msi_bus", show: ({ noMsi }) => (noMsi ? "0" : "1"), store: storeMsiBus },
    { name: "d3cold_allowed", show: ({ d3coldAllowed }) => (d3coldAllowed ? "1" : "0"), store: storeD3cold },
    { name: "ari_enabled", show: ({ bus }) => (bus.self?.ariEnabled === true ? "1" : "0") },
    { name: "driver_override", show: ({ driverOverride }) => driverOverride ?? "(null)", store: storeOverride },
    { name: "uevent", showRaw: showUevent, store: (dev, text) => storeUevent(linux(), dev, text) },
    { name: "config", mode: 0o644, showRaw: showConfig, storeRaw: storeConfig },
    { name: "remove", visible: isNoVf, mode: 0o200, store: (dev, text) => storeRemove(linux(), dev, text) },
    { name: "rescan", visible: isNoVf, mode: 0o200, store: (dev, text) => storeRescan(linux(), dev, text) },
    { name: "reset", visible: canReset, mode: 0o200, store: (dev, text) => storeReset(linux(), dev, text) },
    {
      name: "reset_method",
      visible: canReset,
      showRaw: showResetMethods,
      store: (dev, text) => storeResetMethods(linux(), dev, text),
    },
    { name: "secondary_bus_number", visible: isBridge, show: ({ subordinate }) => String(subordinate?.number ?? 0) },
    { name: "subordinate_bus_number", visible: isBridge, show: ({ subordinate }) => String(subordinate?.last ?? 0) },
    ...LINK_ATTRIBUTES,
    ...AER_ATTRIBUTES,
    ...sriovAttributes(linux),
  ]);
}

function refuse(errno: string): never {
  throw new KernelError(errno);
}

/** `resource_show`: BARs, ROM, VF BARs; of a bridge its windows, too. */
function showResources(dev: PciDev): string {
  const count = dev.isBridge ? PCI_NUM_RESOURCES : PCI_BRIDGE_RESOURCES;
  return Array.from({ length: count }, (_, index) => resourceLine(dev.resources[index])).join("");
}

function resourceLine(each: Resource | undefined): string {
  const open = each !== undefined && each.end >= each.start;
  const words = open ? [each.start, each.end, each.flags] : [0, 0, 0];
  return `${words.map((word) => `0x${hex(word, 16)}`).join(" ")}\n`;
}

/** `enable_store` */
async function storeEnable(linux: Linux, dev: PciDev, text: string): Promise<void> {
  const value = kstrtoul(text);
  await dev.lock.run(() => {
    if (dev.driver !== undefined) refuse("EBUSY");
    if (value !== 0n) enableDevice(linux, dev);
    else if (dev.enableCount > 0) disableDevice(dev);
    else refuse("EIO");
  });
}

function storeMsiBus(dev: PciDev, text: string): void {
  dev.noMsi = kstrtoul(text) === 0n;
}

function storeD3cold(dev: PciDev, text: string): void {
  dev.d3coldAllowed = kstrtoul(text) !== 0n;
}

/** `driver_set_override` (drivers/base/driver.c): up to the first newline; nothing takes it away. */
function storeOverride(dev: PciDev, text: string): void {
  if (new TextEncoder().encode(text).length >= PAGE_BYTES - 1) refuse("EINVAL");
  const [name = ""] = text.split("\n");
  dev.driverOverride = name === "" ? undefined : cString(name);
}

function showUevent(dev: PciDev): string {
  const properties = Object.entries(pciUeventProperties(dev));
  return properties.map(([name, value]) => `${name}=${value}\n`).join("");
}

/** `uevent_store`: the event is sent anew (`kobject_synth_uevent`). */
function storeUevent(linux: Linux, dev: PciDev, text: string): void {
  const [action = ""] = cString(text).trimEnd().split(" ");
  if (!UEVENT_ACTIONS.includes(action)) refuse("EINVAL");
  pciUevent(linux, action, dev);
}

/** `remove_store` */
async function storeRemove(linux: Linux, dev: PciDev, text: string): Promise<void> {
  if (kstrtoul(text) === 0n) return;
  await linux.rescanRemove.run(() => removeDevice(linux, dev));
}

/** `dev_rescan_store`: all of its bus. */
async function storeRescan(linux: Linux, dev: PciDev, text: string): Promise<void> {
  if (kstrtoul(text) === 0n) return;
  await linux.rescanRemove.run(() => rescanBus(linux, dev.bus));
}

/** `reset_store` */
async function storeReset(linux: Linux, dev: PciDev, text: string): Promise<void> {
  if (kstrtoul(text) !== 1n) refuse("EINVAL");
  await resetFunction(linux, dev);
}
