import { disableSriov, enableSriov } from "../iov.ts";
import { errnoNumber, errnoOf } from "../kernel-error.ts";
import { type KernelModule, type Linux, logOf, type PciDeviceId } from "../linux.ts";
import type { PciDev } from "../pci-dev.ts";
import { bnxtVfs } from "./bnxt-vfs.ts";
import { i40eVfs } from "./i40e-vfs.ts";
import { attachIceEswitch } from "./ice-eswitch.ts";
import { iceVfs } from "./ice-vfs.ts";
import { ixgbeVfs } from "./ixgbe-vfs.ts";
import { attachMlx5Eswitch, disableMlx5Vports, enableMlx5Vports } from "./mlx5-eswitch.ts";
import { mlx5Vfs } from "./mlx5-vfs.ts";
import { type NicFamily, nicModule, nicOf } from "./nic-driver.ts";
import { logOfNetdev, newNicVfs } from "./nic-vfs.ts";

const INTEL = 0x8086;
const MELLANOX = 0x15b3;
const BROADCOM = 0x14e4;
const REJECT_WHILE_DOWN = "Reject SRIOV config request since if is down!";

function idsOf(vendor: number, devices: readonly number[]): PciDeviceId[] {
  return devices.map((device) => ({ vendor, device }));
}

/** `pci_enable_sriov`, and a line of the log where that refuses. */
async function enableOrSay(
  linux: Linux,
  dev: PciDev,
  numVfs: number,
  say: (number: number) => string,
): Promise<number> {
  try {
    await enableSriov(linux, dev, numVfs);
  } catch (error) {
    logOf(linux, dev, say(-errnoNumber(errnoOf(error))));
    throw error;
  }
  return numVfs;
}

/** drivers/net/ethernet/intel/ixgbe/ixgbe_sriov.c; without traffic classes it leaves one of its 64 pools to the PF. */
const IXGBE: NicFamily = {
  driver: "ixgbe",
  module: "ixgbe",
  // 82599 SFP+, X540, X550.
  ids: idsOf(INTEL, [0x10fb, 0x1528, 0x1563]),
  speedMbps: 10_000,
  limit: () => 63,
  greet: (linux, dev) => logOf(linux, dev, "Intel(R) 10 Gigabit Network Connection"),
  vfs: ixgbeVfs,
  async enable(linux, dev, numVfs) {
    const nic = nicOf(dev);
    nic.vfs = newNicVfs(numVfs, { spoofCheck: true, queryRss: false });
    logOfNetdev(linux, dev, nic.netdev, `SR-IOV enabled with ${numVfs} VFs`);
    return enableOrSay(linux, dev, numVfs, (error) => `Failed to enable PCI sriov: ${error}`);
  },
  async disable(linux, dev) {
    nicOf(dev).vfs = [];
    if (dev.sriov === undefined || dev.sriov.numVfs === 0) return;
    await disableSriov(linux, dev);
    // ixgbe_disable_sriov: "take a breather".
    await linux.time.sleep(100);
  },
};

const IXGBEVF: NicFamily = {
  driver: "ixgbevf",
  module: "ixgbevf",
  ids: idsOf(INTEL, [0x10ed, 0x1515, 0x1565]),
  speedMbps: 10_000,
  greet: (linux, dev) => logOf(linux, dev, "Intel(R) 82599 Virtual Function"),
};

/** drivers/net/ethernet/intel/i40e/i40e_virtchnl_pf.c */
const I40E: NicFamily = {
  driver: "i40e",
  module: "i40e",
  // X710, XXV710, X722.
  ids: idsOf(INTEL, [0x1572, 0x158a, 0x158b, 0x37d2]),
  speedMbps: 10_000,
  vfs: i40eVfs,
  async enable(linux, dev, numVfs) {
    logOf(linux, dev, `Allocating ${numVfs} VFs.`);
    await enableOrSay(linux, dev, numVfs, (error) => `Failed to enable SR-IOV: ${error}`);
    nicOf(dev).vfs = newNicVfs(numVfs, { spoofCheck: true });
    return numVfs;
  },
  async disable(linux, dev) {
    await disableSriov(linux, dev);
    nicOf(dev).vfs = [];
  },
};

/** drivers/net/ethernet/intel/ice/ice_sriov.c; ICE_MAX_SRIOV_VFS is 256. */
const ICE: NicFamily = {
  driver: "ice",
  module: "ice",
  // E810-C QSFP, E810-C SFP, E810-XXV SFP.
  ids: idsOf(INTEL, [0x1592, 0x1593, 0x159b]),
  speedMbps: 100_000,
  limit: (dev) => Math.min(256, dev.sriov?.totalVfs ?? 0),
  vfs: iceVfs,
  attach: attachIceEswitch,
  async enable(linux, dev, numVfs) {
    const nic = nicOf(dev);
    logOf(linux, dev, `Enabling ${numVfs} VFs`);
    await enableOrSay(linux, dev, numVfs, (error) => `Failed to enable SR-IOV: ${error}`);
    nic.vfs = newNicVfs(numVfs, { spoofCheck: true });
    // ice_eswitch_attach
    if (nic.mode === "switchdev") nic.eswitch?.addRepresentors(numVfs);
    return numVfs;
  },
  /** `ice_free_vfs` */
  async disable(linux, dev) {
    const nic = nicOf(dev);
    await disableSriov(linux, dev);
    nic.eswitch?.removeRepresentors();
    nic.vfs = [];
  },
};

const IAVF: NicFamily = {
  driver: "iavf",
  module: "iavf",
  ids: idsOf(INTEL, [0x154c, 0x37cd, 0x1889]),
  speedMbps: 10_000,
};

/**
 * drivers/net/ethernet/mellanox/mlx5/core/sriov.c; PFs and VFs alike. Its warnings begin with the source's line and a
 * process besides, which the model leaves out.
 */
const MLX5: NicFamily = {
  driver: "mlx5_core",
  module: "mlx5_core",
  // ConnectX-4 to ConnectX-7, and their VFs.
  ids: idsOf(MELLANOX, [0x1013, 0x1014, 0x1015, 0x1016, 0x1017, 0x1018, 0x101d, 0x101e, 0x101f, 0x1021]),
  speedMbps: 100_000,
  maxMtu: 9978,
  vfs: mlx5Vfs,
  attach: attachMlx5Eswitch,
  /** `mlx5_sriov_enable` */
  async enable(linux, dev, numVfs) {
    enableMlx5Vports(linux, dev, numVfs);
    try {
      return await enableOrSay(linux, dev, numVfs, (error) => `pci_enable_sriov failed : ${error}`);
    } catch (error) {
      disableMlx5Vports(linux, dev, numVfs);
      throw error;
    }
  },
  /** `mlx5_sriov_disable` */
  async disable(linux, dev) {
    const numVfs = dev.sriov?.numVfs ?? 0;
    if (numVfs === 0) return;
    await disableSriov(linux, dev);
    disableMlx5Vports(linux, dev, numVfs);
  },
};

/** `bnxt_sriov_configure` (drivers/net/ethernet/broadcom/bnxt/bnxt_sriov.c): who is refused gets 0 VFs, and no errno. */
const BNXT: NicFamily = {
  driver: "bnxt_en",
  module: "bnxt_en",
  // BCM57414, BCM57508, and VFs.
  ids: idsOf(BROADCOM, [0x16d7, 0x1750, 0x16dc, 0x1806, 0x1807]),
  speedMbps: 25_000,
  vfs: bnxtVfs,
  async enable(linux, dev, numVfs) {
    const nic = nicOf(dev);
    if (!nic.netdev.up) {
      logOfNetdev(linux, dev, nic.netdev, REJECT_WHILE_DOWN);
      return 0;
    }
    try {
      await enableSriov(linux, dev, numVfs);
    } catch (error) {
      errnoOf(error);
      return 0;
    }
    nic.vfs = newNicVfs(numVfs);
    return numVfs;
  },
  async disable(linux, dev) {
    const nic = nicOf(dev);
    if (!nic.netdev.up) {
      logOfNetdev(linux, dev, nic.netdev, REJECT_WHILE_DOWN);
      return;
    }
    await disableSriov(linux, dev);
    nic.vfs = [];
  },
};

export const NIC_MODULES: readonly KernelModule[] = [IXGBE, IXGBEVF, I40E, ICE, IAVF, MLX5, BNXT].map(nicModule);
