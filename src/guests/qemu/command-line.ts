import type { Bdf } from "../../pci/bdf.ts";
import { deviceIdOf } from "./device-id.ts";

/** What stands for the token, which is for the reader to put there: it is a secret. */
const TOKEN_PLACE = "UUID";

/**
 * The arguments that start a QEMU with these VFs: a root port for each, as a PCIe machine wants it.
 * @param withToken those that the kernel gives out with a token only, since their PF is on vfio-pci
 */
export function qemuArguments(vfs: readonly Bdf[], withToken: ReadonlySet<Bdf> = new Set()): readonly string[] {
  return vfs.flatMap((bdf, index) => {
    const token = withToken.has(bdf) ? `,vf-token=${TOKEN_PLACE}` : "";
    const port = `${deviceIdOf(bdf)}-port`;
    return [
      "-device",
      `pcie-root-port,id=${port},chassis=${index + 1}`,
      "-device",
      `vfio-pci,host=${bdf},id=${deviceIdOf(bdf)},bus=${port}${token}`,
    ];
  });
}
