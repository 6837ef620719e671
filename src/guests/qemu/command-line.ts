import type { Bdf } from "../../pci/bdf.ts";
import { deviceIdOf } from "./device-id.ts";

/** The arguments that start a QEMU with these VFs: a root port for each, as a PCIe machine wants it. */
export function qemuArguments(vfs: readonly Bdf[]): readonly string[] {
  return vfs.flatMap((bdf, index) => {
    const port = `${deviceIdOf(bdf)}-port`;
    return [
      "-device",
      `pcie-root-port,id=${port},chassis=${index + 1}`,
      "-device",
      `vfio-pci,host=${bdf},id=${deviceIdOf(bdf)},bus=${port}`,
    ];
  });
}
