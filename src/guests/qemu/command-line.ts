import type { VfForGuest } from "../../host/guest-port.ts";
import { deviceIdOf } from "./device-id.ts";

/**
 * The arguments that start a QEMU with these VFs: a root port for each, as a PCIe machine wants it.
 * @param firstChassis of the ports; each port of a guest has its own
 */
export function qemuArguments(
  vfs: readonly Pick<VfForGuest, "bdf" | "vfToken">[],
  firstChassis = 1,
): readonly string[] {
  return vfs.flatMap(({ bdf, vfToken }, index) => {
    const port = `${deviceIdOf(bdf)}-port`;
    const token = vfToken === null ? "" : `,vf-token=${vfToken}`;
    return [
      "-device",
      `pcie-root-port,id=${port},chassis=${firstChassis + index}`,
      "-device",
      `vfio-pci,host=${bdf},id=${deviceIdOf(bdf)},bus=${port}${token}`,
    ];
  });
}
