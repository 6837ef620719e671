import {
  PCI_EXP_TYPE_DOWNSTREAM,
  PCI_EXP_TYPE_ROOT_PORT,
  PCI_EXP_TYPE_UPSTREAM,
} from "../../../pci/device-port-type.ts";
import { disableDevice, enableDevice, PCI_COMMAND_MASTER } from "../enable-device.ts";
import { KernelError } from "../kernel-error.ts";
import { type KernelModule, type Linux, logOf, type PciDriver } from "../linux.ts";
import { allocateVectors, freeVectors } from "../message-interrupts.ts";
import type { PciDev } from "../pci-dev.ts";
import { aerInterrupt, disableRootPort, enableRootPort } from "./aer.ts";

const CLASS_PCI_BRIDGE = 0x06_04_00;
const PORT_TYPES: readonly unknown[] = [PCI_EXP_TYPE_ROOT_PORT, PCI_EXP_TYPE_UPSTREAM, PCI_EXP_TYPE_DOWNSTREAM];

const hasAerService = ({ options }: Linux, dev: PciDev) =>
  dev.expressType === PCI_EXP_TYPE_ROOT_PORT && dev.capabilities.aer !== 0 && !options.noAer;

/** drivers/pci/pcie/portdrv.c */
const PCIEPORT: PciDriver = {
  name: "pcieport",
  module: "pcieportdrv",
  ids: [{ classCode: CLASS_PCI_BRIDGE, classMask: 0xff_ffff }],
  probe(linux, dev) {
    if (!PORT_TYPES.includes(dev.expressType)) throw new KernelError("ENODEV");
    enableDevice(linux, dev);
    dev.setCommand(PCI_COMMAND_MASTER);
    // get_port_device_capability: an upstream port has no service that interrupts.
    if (dev.expressType === PCI_EXP_TYPE_UPSTREAM) return;
    const hasService = hasAerService(linux, dev);
    allocateVectors(linux, dev, 1, hasService ? () => aerInterrupt(linux, dev) : undefined);
    dev.irq = dev.msiIrqs[0]?.irq ?? dev.irq;
    if (!hasService) return;
    enableRootPort(dev);
    logOf(linux, dev, `AER: enabled with IRQ ${dev.irq}`);
  },
  remove(linux, dev) {
    if (hasAerService(linux, dev)) disableRootPort(dev);
    freeVectors(dev);
    disableDevice(dev);
  },
};

export const PCIEPORT_MODULE: KernelModule = { name: "pcieportdrv", builtIn: true, drivers: [PCIEPORT] };
