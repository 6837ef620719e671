import { disableDevice, enableDevice, PCI_COMMAND_MASTER } from "../enable-device.ts";
import { KernelError } from "../kernel-error.ts";
import { type KernelModule, type Linux, logOf, type PciDriver } from "../linux.ts";
import { randomMac, ZERO_MAC } from "../mac-address.ts";
import { allocateVectors, freeVectors } from "../message-interrupts.ts";
import type { NetDevice } from "../net-device.ts";
import type { PciDev } from "../pci-dev.ts";
import { igbAdapterOf } from "./igb.ts";
import { resetVf, setMacOfVf } from "./igb-vfs.ts";

const VENDOR_ID_INTEL = 0x8086;
/** E1000_DEV_ID_82576_VF, I350_VF. */
const DEVICE_IDS = [0x10ca, 0x1520] as const;
const LINK_MBPS = 1000;
/** `igbvf_watchdog_task` looks every 2 s. */
const WATCHDOG_MS = 2000;

interface IgbvfAdapter {
  readonly netdev: NetDevice;
  /** What `e1000_rar_set_vf` falls back to where the PF refuses: the address at the last reset. */
  readonly permanentMac: string;
}

const IGBVF: PciDriver = {
  name: "igbvf",
  module: "igbvf",
  ids: DEVICE_IDS.map((device) => ({ vendor: VENDOR_ID_INTEL, device })),

  /** `igbvf_probe` (drivers/net/ethernet/intel/igbvf/netdev.c) */
  probe(linux, dev) {
    const { folder, vfIndex = 0 } = dev;
    if (folder === undefined) throw new KernelError("ENODEV");
    enableDevice(linux, dev, true);
    dev.setCommand(PCI_COMMAND_MASTER);
    allocateVectors(linux, dev, 3);
    const pf = igbAdapterOf(linux, dev.physfn);
    if (pf === undefined) logOf(linux, dev, "PF still in reset state. Is the PF interface up?");
    let mac = pf === undefined ? ZERO_MAC : resetVf(pf, vfIndex);
    const random = mac === ZERO_MAC;
    if (random) {
      if (pf !== undefined) logOf(linux, dev, "MAC address not assigned by administrator.");
      logOf(linux, dev, "Assigning random MAC address.");
      mac = randomMac(linux);
    }
    // igbvf_reset tells the PF of it.
    if (pf !== undefined && random) setMacOfVf(linux, pf, vfIndex, mac);
    const netdev = linux.net.register({
      dev,
      folder,
      mac,
      addrAssignType: random ? 1 : 0,
      operations: {
        up: (opened) => watch(linux, dev, opened),
        down: (closed) => {
          igbAdapterOf(linux, dev.physfn)?.linkListeners.delete(vfIndex);
          closed.carrier = false;
          closed.speedMbps = undefined;
        },
        setMac: (_, wanted) => setMac(linux, dev, wanted),
        setMtu: () => {},
      },
    });
    dev.driverData = { netdev, permanentMac: mac } satisfies IgbvfAdapter;
    logOf(linux, dev, "Intel(R) 82576 Virtual Function");
    logOf(linux, dev, `Address: ${mac}`);
  },

  remove(linux, dev) {
    linux.net.unregister((dev.driverData as IgbvfAdapter).netdev);
    freeVectors(dev);
    disableDevice(dev);
  },
};

/** `igbvf_set_mac`: where the PF refuses, the hardware has its old address, and only that is taken. */
function setMac(linux: Linux, dev: PciDev, wanted: string): void {
  const pf = igbAdapterOf(linux, dev.physfn);
  const { permanentMac } = dev.driverData as IgbvfAdapter;
  const has = pf !== undefined && setMacOfVf(linux, pf, dev.vfIndex ?? 0, wanted) ? wanted : permanentMac;
  if (has !== wanted) throw new KernelError("EADDRNOTAVAIL");
}

/** `igbvf_watchdog_task`: sees the link as the PF tells of it, some time later. */
function watch(linux: Linux, dev: PciDev, netdev: NetDevice): void {
  const pf = igbAdapterOf(linux, dev.physfn);
  const look = () => {
    const up = pf?.netdev.carrier === true;
    if (!netdev.up || netdev.carrier === up) return;
    netdev.carrier = up;
    netdev.speedMbps = up ? LINK_MBPS : undefined;
    logOf(linux, dev, up ? `Link is Up ${LINK_MBPS} Mbps Full Duplex` : "Link is Down");
  };
  pf?.linkListeners.set(dev.vfIndex ?? 0, () => void linux.time.after(WATCHDOG_MS, look));
  linux.time.after(WATCHDOG_MS, look);
}

export const IGBVF_MODULE: KernelModule = {
  name: "igbvf",
  drivers: [IGBVF],
  init({ log }) {
    log.print("igbvf: Intel(R) Gigabit Virtual Function Network Driver");
    log.print("igbvf: Copyright (c) 2009 - 2012 Intel Corporation.");
  },
};
