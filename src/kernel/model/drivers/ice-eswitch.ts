import { extendedCapabilities } from "../capability-offsets.ts";
import type { EswitchMode } from "../devlink-device.ts";
import { KernelError } from "../kernel-error.ts";
import { type Linux, logOf } from "../linux.ts";
import type { PciDev } from "../pci-dev.ts";
import { ICE_FIRST_VF_VSI, setIceVfMac } from "./ice-vfs.ts";
import type { Nic } from "./nic-driver.ts";
import { NicEswitch } from "./nic-eswitch.ts";
import { vfAt } from "./nic-vfs.ts";

const PCI_EXT_CAP_ID_DSN = 0x03;
/** What the modelled card has in its flash. */
const FIRMWARE = { "fw.mgmt": "7.3.4", "fw.bundle_id": "0x80019e2f", "fw.app.name": "ICE OS Default Package" };
const NO_VFS_ONLY = "Changing eswitch mode is allowed only if there is no VFs created";

/** devlink of ice: `ice_devlink_info_get`, `ice_eswitch_mode_set`; a port's index is that of its VSI. */
export function attachIceEswitch(linux: Linux, dev: PciDev, nic: Nic): void {
  const setMode = (mode: EswitchMode) => {
    if (mode === nic.mode) return;
    if (nic.vfs.length > 0) {
      logOf(linux, dev, NO_VFS_ONLY);
      throw new KernelError("EOPNOTSUPP", { extack: NO_VFS_ONLY });
    }
    logOf(linux, dev, `PF ${dev.devfn & 7} changed eswitch mode to ${mode}`);
    nic.mode = mode;
  };
  nic.eswitch = new NicEswitch(linux, dev, nic.netdev, {
    operations: {
      info: () => ({
        driver: "ice",
        serialNumber: serialNumber(dev),
        boardSerialNumber: null,
        fixed: {},
        running: FIRMWARE,
        stored: FIRMWARE,
      }),
      eswitch: { mode: () => nic.mode, setMode },
    },
    physicalIndex: 0,
    vfPort: (vfIndex) => ({
      index: ICE_FIRST_VF_VSI + vfIndex,
      hardwareAddress: () => vfAt(nic.vfs, vfIndex).mac,
      setHardwareAddress: (mac) => setIceVfMac(linux, dev, nic, vfIndex, mac),
    }),
  });
}

/** `ice_info_get_dsn`, as "%8phD" writes it; null where the card has no such capability. */
function serialNumber(dev: PciDev): string | null {
  const at = extendedCapabilities(dev).get(PCI_EXT_CAP_ID_DSN);
  if (at === undefined) return null;
  const digits = [dev.read(at + 8, 4), dev.read(at + 4, 4)].map((half) => half.toString(16).padStart(8, "0")).join("");
  return digits.match(/../g)?.join("-") ?? null;
}
