import { hex } from "../../pci/bdf.ts";
import type { Attribute } from "./attributes.ts";
import { storeNumVfs } from "./iov.ts";
import { errnoOf, KernelError } from "./kernel-error.ts";
import type { Linux } from "./linux.ts";
import { kstrtobool, kstrtoint, kstrtouint } from "./parse-value.ts";
import type { PciDev, SriovState } from "./pci-dev.ts";

const isPf = ({ sriov }: PciDev) => sriov !== undefined;
const isVf = ({ physfn }: PciDev) => physfn !== undefined;

/** `sriov_pf_dev_attrs` and `sriov_vf_dev_attrs` (drivers/pci/iov.c). */
export function sriovAttributes(linux: () => Linux): readonly Attribute<PciDev>[] {
  return [
    ofPf("sriov_totalvfs", ({ driverMaxVfs }) => String(driverMaxVfs)),
    {
      name: "sriov_numvfs",
      visible: isPf,
      // Serialised with whoever changes it.
      show: (dev) => dev.lock.run(() => String(sriovOf(dev).numVfs)),
      store: (dev, text) =>
        storeNumVfs(
          linux(),
          dev,
          sriovOf(dev),
          orInvalid(() => Number(kstrtouint(text, 0xffffn))),
        ),
    },
    ofPf("sriov_offset", ({ offset }) => String(offset)),
    ofPf("sriov_stride", ({ stride }) => String(stride)),
    ofPf("sriov_vf_device", ({ vfDevice }) => hex(vfDevice, 1)),
    {
      ...ofPf("sriov_drivers_autoprobe", ({ driversAutoprobe }) => (driversAutoprobe ? "1" : "0")),
      store: (dev, text) => {
        sriovOf(dev).driversAutoprobe = kstrtobool(text);
      },
    },
    {
      name: "sriov_vf_total_msix",
      visible: isPf,
      show: (dev) => dev.lock.run(() => String(linux().drivers.of(dev)?.vfTotalMsix?.(linux(), dev) ?? 0)),
    },
    {
      name: "sriov_vf_msix_count",
      visible: isVf,
      mode: 0o200,
      store: (dev, text) =>
        storeVfMsixCount(
          linux(),
          dev,
          orInvalid(() => kstrtoint(text)),
        ),
    },
  ];
}

function ofPf(name: string, show: (sriov: SriovState) => string): Attribute<PciDev> {
  return { name, visible: isPf, show: (dev) => show(sriovOf(dev)) };
}

function sriovOf({ sriov }: PciDev): SriovState {
  if (sriov === undefined) throw new KernelError("ENOENT");
  return sriov;
}

/** EINVAL whatever the parser says (of `sriov_numvfs` since Linux 5.16). */
function orInvalid(parse: () => number): number {
  try {
    return parse();
  } catch (error) {
    errnoOf(error);
    throw new KernelError("EINVAL", { cause: error });
  }
}

/** `sriov_vf_msix_count_store` */
async function storeVfMsixCount(linux: Linux, vf: PciDev, count: number): Promise<void> {
  const { physfn } = vf;
  if (count < 0 || physfn === undefined) throw new KernelError("EINVAL");
  await physfn.lock.run(async () => {
    const setCount = linux.drivers.of(physfn)?.setVfMsixCount;
    if (setCount === undefined) throw new KernelError("EOPNOTSUPP");
    await vf.lock.run(async () => {
      if (vf.driver !== undefined) throw new KernelError("EBUSY");
      await setCount(linux, vf, count);
    });
  });
}
