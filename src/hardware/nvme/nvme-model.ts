import { MSIX } from "../../pci/capabilities/msix.ts";
import type { DeviceFunction } from "../device-description.ts";
import type { ModelSurroundings } from "../machine.ts";
import { NvmeDevice } from "./nvme-device.ts";

const MEBIBYTE = 2 ** 20;
const NAMESPACE_BYTES = 64 * MEBIBYTE;
const CAPACITY_BYTES = 1024 * MEBIBYTE;
/** Queues and vectors for each VF, as they are flexible (QEMU's `sriov_vq_flexible`, `sriov_vi_flexible` of the lab). */
const FLEXIBLE_EACH = 2;
const CLASS_NVME = 0x01_08_02;

/**
 * What is behind the BARs of an NVMe controller of the known devices, with one namespace that all its controllers share;
 * undefined of other devices.
 */
export function nvmeModel({ device, fn, port, vfPort }: ModelSurroundings): NvmeDevice | undefined {
  const [description] = device.functions;
  if (description?.classCode !== CLASS_NVME) return undefined;
  const totalVfs = description.sriov?.totalVfs ?? 0;
  const flexible = totalVfs * FLEXIBLE_EACH;
  // As many vectors as its MSI-X has, of which the flexible ones are at the VFs.
  const vectors = msixVectors(description);
  const own = vectors > flexible ? vectors - flexible : vectors;
  return new NvmeDevice({
    port,
    vfPort,
    identity: {
      vendorId: description.vendorId,
      subsystemVendorId: description.subsystemVendorId ?? 0,
      serial: fn.name.replaceAll(" ", "-"),
      model: "vfleet NVMe Ctrl",
      firmware: "1.0",
      nqn: `nqn.2014-08.org.nvmexpress:vfleet:${fn.name.replaceAll(" ", "-")}`,
    },
    totalBytes: CAPACITY_BYTES,
    namespaces: [{ id: 1, sizeBytes: NAMESPACE_BYTES }],
    virtualization: {
      totalVfs,
      vq: { flexible, private: own + 1, secondaryMax: FLEXIBLE_EACH },
      vi: { flexible, private: own, secondaryMax: FLEXIBLE_EACH },
    },
  });
}

function msixVectors({ capabilities = [] }: DeviceFunction): number {
  const control = capabilities.find(({ definition }) => definition === MSIX)?.registers?.messageControl;
  return typeof control === "number" ? (control & 0x7ff) + 1 : 1;
}
