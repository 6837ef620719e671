import type { EswitchMode } from "../devlink-device.ts";
import { KernelError } from "../kernel-error.ts";
import { type Linux, logOf } from "../linux.ts";
import type { PciDev } from "../pci-dev.ts";
import { setVportMac } from "./mlx5-vfs.ts";
import { type Nic, nicOf } from "./nic-driver.ts";
import { NicEswitch } from "./nic-eswitch.ts";
import { newNicVfs, vfAt } from "./nic-vfs.ts";
import { rateOperations } from "./rate-operations.ts";

/** MLX5_VPORT_UPLINK */
const UPLINK = 0xffff;
const MAX_MBPS = 100_000;
const FIRMWARE = { "fw.version": "16.35.4030", fw: "16.35.4030" };
/** `mlx5_eswitch_get_vport_config` clears what the kernel has set to "not told" before. */
const TOLD = { queryRss: false };

/** devlink of mlx5's PFs: net/ethernet/mellanox/mlx5/core/devlink.c, eswitch_offloads.c */
export function attachMlx5Eswitch(linux: Linux, dev: PciDev, nic: Nic): void {
  nic.vfs = newNicVfs(dev.sriov?.totalVfs ?? 0, TOLD);
  // mlx5_esw_vport_to_devlink_port_index; the number of a PF's vhca is its function's.
  const portIndex = (vport: number) => (dev.devfn & 7) * 0x1_0000 + vport;
  let inlineMode = "none";
  let encapMode = "basic";
  nic.eswitch = new NicEswitch(linux, dev, nic.netdev, {
    operations: {
      info: () => ({
        driver: "mlx5_core",
        serialNumber: null,
        boardSerialNumber: null,
        fixed: { "fw.psid": "MT_0000000008" },
        running: FIRMWARE,
        stored: FIRMWARE,
      }),
      eswitch: {
        mode: () => nic.mode,
        setMode: (mode) => setMode(linux, dev, nic, mode),
        inlineMode: () => inlineMode,
        setInlineMode(mode) {
          // mlx5_devlink_eswitch_inline_mode_set, of cards since ConnectX-5: MLX5_CAP_INLINE_MODE_NOT_REQUIRED
          if (mode !== "none") throw new KernelError("EOPNOTSUPP", { extack: "Inline mode can't be set" });
          inlineMode = mode;
        },
        encapMode: () => encapMode,
        setEncapMode(mode) {
          encapMode = mode;
        },
      },
      ...rateOperations(linux, {
        vfOf: (index) => vfAt(nic.vfs, index),
        isSwitchdev: () => nic.mode === "switchdev",
        maxMbps: MAX_MBPS,
        maxText: String(MAX_MBPS),
        onlyInSwitchdev: "Rate node creation supported only in switchdev mode",
        nested: false,
      }),
    },
    physicalIndex: portIndex(UPLINK),
    vfPort: (vfIndex) => ({
      index: portIndex(vfIndex + 1),
      // RoCE and migration need firmware that manages functions (vhca_resource_manager).
      hardwareAddress: () => vfAt(nic.vfs, vfIndex).mac,
      setHardwareAddress: (mac) => setVportMac(linux, dev, nic, vfIndex, mac),
    }),
  });
}

/** `mlx5_devlink_eswitch_mode_set`: with VFs or without. */
function setMode(linux: Linux, dev: PciDev, nic: Nic, mode: EswitchMode): void {
  if (mode === nic.mode) return;
  const numVfs = dev.sriov?.numVfs ?? 0;
  // Without VFs nothing of the legacy mode was enabled.
  say(linux, dev, "Disable", numVfs, numVfs === 0 ? 0 : activeVports(nic.mode, numVfs));
  nic.eswitch?.removeRepresentors();
  nic.mode = mode;
  if (mode === "switchdev") nic.eswitch?.addRepresentors(numVfs);
  // esw_offloads_stop: "no need to create legacy fdb"
  if (mode === "switchdev" || numVfs > 0) say(linux, dev, "Enable", numVfs, activeVports(mode, numVfs));
}

/** `mlx5_device_enable_sriov`: before the functions are there. */
export function enableMlx5Vports(linux: Linux, dev: PciDev, numVfs: number): void {
  const nic = nicOf(dev);
  if (nic.mode === "switchdev") nic.eswitch?.addRepresentors(numVfs);
  else {
    // esw_legacy_enable
    for (const vport of nic.vfs.slice(0, numVfs)) vport.linkState = 0;
    say(linux, dev, "Enable", numVfs, activeVports(nic.mode, numVfs));
  }
}

/** `mlx5_eswitch_disable_sriov`, after the functions are gone; all settings are cleared. */
export function disableMlx5Vports(linux: Linux, dev: PciDev, numVfs: number): void {
  const nic = nicOf(dev);
  say(linux, dev, "Unload vfs", numVfs, activeVports(nic.mode, numVfs));
  nic.eswitch?.removeRepresentors();
  nic.vfs = newNicVfs(nic.vfs.length, TOLD);
  if (nic.mode === "legacy") say(linux, dev, "Disable", numVfs, activeVports(nic.mode, 0));
}

/** `enabled_vports`: the PF's own counts in legacy mode alone (`mlx5_eswitch_enable_pf_vf_vports`). */
function activeVports(mode: EswitchMode, numVfs: number): number {
  return mode === "legacy" ? numVfs + 1 : numVfs;
}

/** `esw_info` */
function say(linux: Linux, dev: PciDev, what: string, numVfs: number, active: number): void {
  const name = nicOf(dev).mode === "legacy" ? "LEGACY" : "OFFLOADS";
  logOf(linux, dev, `E-Switch: ${what}: mode(${name}), nvfs(${numVfs}), necvfs(0), active vports(${active})`);
}
