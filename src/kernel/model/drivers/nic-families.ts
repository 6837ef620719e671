import { disableSriov, enableSriov } from "../iov.ts";
import { errnoNumber, errnoOf } from "../kernel-error.ts";
import { type KernelModule, type Linux, logOf, type PciDeviceId } from "../linux.ts";
import type { PciDev } from "../pci-dev.ts";
import { type NicFamily, netdevOf, nicModule } from "./nic-driver.ts";

const INTEL = 0x8086;
const MELLANOX = 0x15b3;
const BROADCOM = 0x14e4;

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
  async enable(linux, dev, numVfs) {
    logOf(linux, dev, `SR-IOV enabled with ${numVfs} VFs`);
    return enableOrSay(linux, dev, numVfs, (error) => `Failed to enable PCI sriov: ${error}`);
  },
  async disable(linux, dev) {
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
  async enable(linux, dev, numVfs) {
    logOf(linux, dev, `Allocating ${numVfs} VFs.`);
    return enableOrSay(linux, dev, numVfs, (error) => `Failed to enable SR-IOV: ${error}`);
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
  async enable(linux, dev, numVfs) {
    logOf(linux, dev, `Enabling ${numVfs} VFs`);
    return enableOrSay(linux, dev, numVfs, (error) => `Failed to enable SR-IOV: ${error}`);
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
  enable: (linux, dev, numVfs) => enableOrSay(linux, dev, numVfs, (error) => `pci_enable_sriov failed : ${error}`),
};

/** `bnxt_sriov_configure` (drivers/net/ethernet/broadcom/bnxt/bnxt_sriov.c): who is refused gets 0 VFs, and no errno. */
const BNXT: NicFamily = {
  driver: "bnxt_en",
  module: "bnxt_en",
  // BCM57414, BCM57508, and VFs.
  ids: idsOf(BROADCOM, [0x16d7, 0x1750, 0x16dc, 0x1806, 0x1807]),
  speedMbps: 25_000,
  async enable(linux, dev, numVfs) {
    const netdev = netdevOf(dev);
    if (!netdev.up) {
      linux.log.print(`${dev.logName} ${netdev.name}: Reject SRIOV config request since if is down!`);
      return 0;
    }
    try {
      await enableSriov(linux, dev, numVfs);
    } catch (error) {
      errnoOf(error);
      return 0;
    }
    return numVfs;
  },
  async disable(linux, dev) {
    const netdev = netdevOf(dev);
    if (netdev.up) await disableSriov(linux, dev);
    else linux.log.print(`${dev.logName} ${netdev.name}: Reject SRIOV config request since if is down!`);
  },
};

export const NIC_MODULES: readonly KernelModule[] = [IXGBE, IXGBEVF, I40E, ICE, IAVF, MLX5, BNXT].map(nicModule);
