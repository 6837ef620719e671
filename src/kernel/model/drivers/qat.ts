import { disableDevice, enableDevice, PCI_COMMAND_MASTER } from "../enable-device.ts";
import { disableSriov, enableSriov } from "../iov.ts";
import { KernelError } from "../kernel-error.ts";
import { type KernelModule, logOf, type PciDriver } from "../linux.ts";
import { allocateVectors, freeVectors } from "../message-interrupts.ts";

const VENDOR_ID_INTEL = 0x8086;
const DEVICE_ID_C62X = 0x37c8;
const DEVICE_ID_C62X_VF = 0x37c9;

/** drivers/crypto/intel/qat/qat_c62x, qat_common/adf_sriov.c */
const C6XX: PciDriver = {
  name: "c6xx",
  module: "qat_c62x",
  ids: [{ vendor: VENDOR_ID_INTEL, device: DEVICE_ID_C62X }],
  probe(linux, dev) {
    enableDevice(linux, dev);
    dev.setCommand(PCI_COMMAND_MASTER);
    allocateVectors(linux, dev, 17);
  },
  async remove(linux, dev) {
    await disableSriov(linux, dev);
    freeVectors(dev);
    disableDevice(dev);
  },
  /** `adf_sriov_configure`: all VFs, however many are asked for. */
  async sriovConfigure(linux, dev, numVfs) {
    if (numVfs === 0) {
      await disableSriov(linux, dev);
      return 0;
    }
    // adf_do_enable_sriov
    if (dev.iommuGroup === undefined) {
      logOf(linux, dev, "IOMMU should be enabled for SR-IOV to work correctly");
      throw new KernelError("EINVAL");
    }
    const totalVfs = dev.sriov?.driverMaxVfs ?? 0;
    await enableSriov(linux, dev, totalVfs);
    return totalVfs;
  },
};

const C6XXVF: PciDriver = {
  name: "c6xxvf",
  module: "qat_c62xvf",
  ids: [{ vendor: VENDOR_ID_INTEL, device: DEVICE_ID_C62X_VF }],
  probe(linux, dev) {
    enableDevice(linux, dev);
    dev.setCommand(PCI_COMMAND_MASTER);
    allocateVectors(linux, dev, 1);
  },
  remove(_, dev) {
    freeVectors(dev);
    disableDevice(dev);
  },
};

export const QAT_MODULES: readonly KernelModule[] = [
  { name: "intel_qat" },
  { name: "qat_c62x", needs: ["intel_qat"], drivers: [C6XX] },
  { name: "qat_c62xvf", needs: ["intel_qat"], drivers: [C6XXVF] },
];
