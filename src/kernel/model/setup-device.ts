import { hex } from "../../pci/bdf.ts";
import {
  isDownstreamPort,
  PCI_EXP_TYPE_DOWNSTREAM,
  PCI_EXP_TYPE_ENDPOINT,
  PCI_EXP_TYPE_LEG_END,
  PCI_EXP_TYPE_PCI_BRIDGE,
  PCI_EXP_TYPE_PCIE_BRIDGE,
  PCI_EXP_TYPE_RC_EC,
  PCI_EXP_TYPE_RC_END,
  PCI_EXP_TYPE_ROOT_PORT,
  PCI_EXP_TYPE_UPSTREAM,
} from "../../pci/device-port-type.ts";
import { findCapabilities } from "./capability-offsets.ts";
import { KernelError } from "./kernel-error.ts";
import { type Linux, logOf } from "./linux.ts";
import type { PciDev } from "./pci-dev.ts";
import { readBars, readWindows } from "./read-bars.ts";
import { PCI_BRIDGE_RESOURCES, type Resource, resourceText } from "./resource.ts";

const PCI_VENDOR_ID = 0x00;
const PCI_CLASS_REVISION = 0x08;
const PCI_HEADER_TYPE = 0x0e;
/** The highest that there is. */
const PCI_HEADER_TYPE_CARDBUS = 2;
const PCI_SECONDARY_BUS = 0x19;
const PCI_SUBORDINATE_BUS = 0x1a;
const PCI_SUBSYSTEM_VENDOR_ID = 0x2c;
const PCI_INTERRUPT_LINE = 0x3c;
const PCI_INTERRUPT_PIN = 0x3d;
const PCI_EXP_FLAGS = 0x02;
const PCI_EXP_DEVCAP = 0x04;
const PCI_EXP_DEVCTL = 0x08;
const PCI_EXP_DEVCAP_EXT_TAG = 0x20;
const PCI_EXP_DEVCTL_EXT_TAG = 0x100;

/** `pci_type_str` (drivers/pci/probe.c). */
const TYPE_NAMES: Readonly<Record<number, string>> = {
  [PCI_EXP_TYPE_ENDPOINT]: "PCIe Endpoint",
  [PCI_EXP_TYPE_LEG_END]: "PCIe Legacy Endpoint",
  [PCI_EXP_TYPE_ROOT_PORT]: "PCIe Root Port",
  [PCI_EXP_TYPE_UPSTREAM]: "PCIe Switch Upstream Port",
  [PCI_EXP_TYPE_DOWNSTREAM]: "PCIe Switch Downstream Port",
  [PCI_EXP_TYPE_PCI_BRIDGE]: "PCIe to PCI/PCI-X bridge",
  [PCI_EXP_TYPE_PCIE_BRIDGE]: "PCI/PCI-X to PCIe bridge",
  [PCI_EXP_TYPE_RC_END]: "PCIe Root Complex Integrated Endpoint",
  [PCI_EXP_TYPE_RC_EC]: "PCIe Root Complex Event Collector",
};

const CONVENTIONAL: Readonly<Record<number, string>> = {
  0: "conventional PCI endpoint",
  1: "conventional PCI bridge",
  [PCI_HEADER_TYPE_CARDBUS]: "CardBus bridge",
};

/** What Linux reads of VF 0 alone, for all VFs of a PF (`pci_read_vf_config_common`). */
export interface VfCommon {
  readonly classRevision: number;
  readonly headerType: number;
  readonly subsystemVendor: number;
  readonly subsystemDevice: number;
}

export function readVfCommon(vf: PciDev): VfCommon {
  const subsystem = vf.read(PCI_SUBSYSTEM_VENDOR_ID, 4);
  return {
    classRevision: vf.read(PCI_CLASS_REVISION, 4),
    headerType: vf.read(PCI_HEADER_TYPE, 1),
    subsystemVendor: subsystem & 0xffff,
    subsystemDevice: subsystem >>> 16,
  };
}

/** `pci_setup_device`: what a function is, from its registers. A VF's IDs are set before. */
export function setupDevice(linux: Linux, dev: PciDev, common?: VfCommon): void {
  if (common === undefined) {
    const ids = dev.read(PCI_VENDOR_ID, 4);
    dev.vendor = ids & 0xffff;
    dev.device = ids >>> 16;
  }
  const headerType = common?.headerType ?? dev.read(PCI_HEADER_TYPE, 1);
  const classRevision = common?.classRevision ?? dev.read(PCI_CLASS_REVISION, 4);
  dev.headerType = headerType & 0x7f;
  dev.multifunction = common === undefined && (headerType & 0x80) !== 0;
  dev.revision = classRevision & 0xff;
  dev.classCode = classRevision >>> 8;
  dev.capabilities = findCapabilities(dev);
  dev.expressType = expressType(dev);
  logOf(linux, dev, headline(dev));
  if (dev.headerType > PCI_HEADER_TYPE_CARDBUS) {
    logOf(linux, dev, `unknown header type ${hex(dev.headerType, 2)}, ignoring device`);
    throw new KernelError("EIO");
  }
  if (dev.headerType === 0) {
    if (common === undefined) {
      readInterrupt(dev);
      readBars(dev);
      logBars(linux, dev);
      dev.subsystemVendor = dev.read(PCI_SUBSYSTEM_VENDOR_ID, 2);
      dev.subsystemDevice = dev.read(PCI_SUBSYSTEM_VENDOR_ID + 2, 2);
    } else {
      dev.subsystemVendor = common.subsystemVendor;
      dev.subsystemDevice = common.subsystemDevice;
    }
  } else if (dev.headerType === 1) {
    readInterrupt(dev);
    readBars(dev);
    logBars(linux, dev);
    for (const [index, window] of readWindows(dev).entries()) dev.resources[PCI_BRIDGE_RESOURCES + index] = window;
    logBridge(linux, dev, dev.read(PCI_SECONDARY_BUS, 1), dev.read(PCI_SUBORDINATE_BUS, 1));
    const { subsystem } = dev.capabilities;
    if (subsystem !== 0) {
      dev.subsystemVendor = dev.read(subsystem + 4, 2);
      dev.subsystemDevice = dev.read(subsystem + 6, 2);
    }
  }
}

function headline({ vendor, device, headerType, classCode, expressType }: PciDev): string {
  const conventional = CONVENTIONAL[headerType] ?? "conventional PCI";
  const type = expressType === undefined ? conventional : (TYPE_NAMES[expressType] ?? "PCIe unknown");
  return `[${hex(vendor, 4)}:${hex(device, 4)}] type ${hex(headerType, 2)} class 0x${hex(classCode, 6)} ${type}`;
}

function logBars(linux: Linux, dev: PciDev): void {
  for (const bar of dev.bars) if (bar !== undefined) logOf(linux, dev, `${bar.name} ${resourceText(bar)}`);
}

/** "PCI bridge to", and its windows that are open. */
export function logBridge(linux: Linux, dev: PciDev, first: number, last: number): void {
  logOf(linux, dev, `PCI bridge to ${busesText(first, last)}`);
  for (const window of dev.windows) if (isOpen(window)) logOf(linux, dev, `  bridge window ${resourceText(window)}`);
}

export function busesText(first: number, last: number): string {
  return first === last ? `[bus ${hex(first, 2)}]` : `[bus ${hex(first, 2)}-${hex(last, 2)}]`;
}

function isOpen(window: Resource | undefined): window is Resource {
  return window !== undefined && window.end > window.start;
}

/** `set_pcie_port_type`: a switch port that cannot be what it says it is. */
function expressType(dev: PciDev): number | undefined {
  const { express } = dev.capabilities;
  if (express === 0) return undefined;
  const type = (dev.read(express + PCI_EXP_FLAGS, 2) >>> 4) & 0xf;
  const above = dev.bridge?.expressType;
  if (type === PCI_EXP_TYPE_DOWNSTREAM && isDownstreamPort(above)) return PCI_EXP_TYPE_UPSTREAM;
  if (type === PCI_EXP_TYPE_UPSTREAM && above === PCI_EXP_TYPE_UPSTREAM) return PCI_EXP_TYPE_DOWNSTREAM;
  return type;
}

/** `pci_configure_extended_tags`: a VF leaves it to its PF. */
export function configureExtendedTags(linux: Linux, dev: PciDev): void {
  const { express } = dev.capabilities;
  if (dev.isVf || express === 0) return;
  if ((dev.read(express + PCI_EXP_DEVCAP, 4) & PCI_EXP_DEVCAP_EXT_TAG) === 0) return;
  if ((dev.read(express + PCI_EXP_DEVCTL, 2) & PCI_EXP_DEVCTL_EXT_TAG) !== 0) return;
  logOf(linux, dev, "enabling Extended Tags");
  dev.update(express + PCI_EXP_DEVCTL, 0, PCI_EXP_DEVCTL_EXT_TAG);
}

/** `pci_read_irq` */
function readInterrupt(dev: PciDev): void {
  dev.interruptPin = dev.read(PCI_INTERRUPT_PIN, 1);
  if (dev.interruptPin !== 0) dev.irq = dev.read(PCI_INTERRUPT_LINE, 1);
}
