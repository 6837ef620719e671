import { disableDevice, enableDevice, PCI_COMMAND_MASTER } from "../enable-device.ts";
import { disableSriov, enableSriov, setDriverLimit } from "../iov.ts";
import { KernelError } from "../kernel-error.ts";
import { linkStatus } from "../link-attributes.ts";
import { type KernelModule, type Linux, logOf, type PciDriver } from "../linux.ts";
import { permanentMac } from "../mac-address.ts";
import { allocateVectors, freeVectors } from "../message-interrupts.ts";
import type { PciDev } from "../pci-dev.ts";
import { type IgbAdapter, newVf, vfOperations } from "./igb-vfs.ts";

/** IGB_MAX_VF_FUNCTIONS is 8, of which the driver offers 7 (`igb_probe_vfs`). */
const MAX_VFS = 7;
const LINK_MBPS = 1000;
/** What autonegotiation takes. */
const LINK_MS = 1500;
const VENDOR_ID_INTEL = 0x8086;
/** E1000_DEV_ID_82576, I350_COPPER. */
const DEVICE_IDS = [0x10c9, 0x1521] as const;

const IGB: PciDriver = {
  name: "igb",
  module: "igb",
  ids: DEVICE_IDS.map((device) => ({ vendor: VENDOR_ID_INTEL, device })),

  /** `igb_probe` */
  async probe(linux, dev) {
    const { folder } = dev;
    if (folder === undefined) throw new KernelError("ENODEV");
    enableDevice(linux, dev, true);
    dev.setCommand(PCI_COMMAND_MASTER);
    setDriverLimit(dev, MAX_VFS);
    const vectors = allocateVectors(linux, dev, 3);
    const netdev = linux.net.register({
      dev,
      folder,
      mac: permanentMac(linux, dev),
      operations: {
        up: () => open(linux, adapterOf(dev)),
        down: () => close(adapterOf(dev)),
        setMac: () => {},
        setMtu: () => {},
        ...vfOperations(linux, dev, () => adapterOf(dev)),
      },
    });
    dev.driverData = { dev, netdev, openings: 0, vfs: [], linkListeners: new Map() } satisfies IgbAdapter;
    const { name, mac } = netdev;
    logOf(linux, dev, `added PHC on ${name}`);
    logOf(linux, dev, "Intel(R) Gigabit Ethernet Network Connection");
    logOf(linux, dev, `${name}: (PCIe:${linkText(dev)}) ${mac}`);
    logOf(linux, dev, `${name}: PBA No: 1040FF-0FF`);
    const queues = Math.max(1, vectors - 1);
    const mode = { msix: "MSI-X", msi: "MSI", none: "legacy" }[dev.msiIrqs[0]?.mode ?? "none"];
    logOf(linux, dev, `Using ${mode} interrupts. ${queues} rx queue(s), ${queues} tx queue(s)`);
  },

  /** `igb_remove` */
  async remove(linux, dev) {
    const adapter = adapterOf(dev);
    await disable(linux, adapter);
    linux.net.unregister(adapter.netdev);
    freeVectors(dev);
    disableDevice(dev);
  },

  /** `igb_pci_sriov_configure` */
  async sriovConfigure(linux, dev, numVfs) {
    const adapter = adapterOf(dev);
    if (numVfs === 0) {
      await disable(linux, adapter);
      reinitialise(adapter);
      return 0;
    }
    await enable(linux, adapter, numVfs);
    return numVfs;
  },
};

/** `igb_get_bus_info_pcie`, as the probe prints it. */
function linkText(dev: PciDev): string {
  const status = linkStatus(dev);
  const speed = { 1: "2.5Gb/s", 2: "5.0Gb/s" }[status & 0xf] ?? "unknown";
  const width = (status >>> 4) & 0x3f;
  return `${speed}:${[1, 2, 4].includes(width) ? `Width x${width}` : "unknown"}`;
}

/** Of a PF that igb has; undefined of another's. */
export function igbAdapterOf(linux: Linux, dev: PciDev | undefined): IgbAdapter | undefined {
  return dev !== undefined && linux.drivers.of(dev) === IGB ? adapterOf(dev) : undefined;
}

function adapterOf({ driverData }: PciDev): IgbAdapter {
  return driverData as IgbAdapter;
}

/** `igb_enable_sriov` */
async function enable(linux: Linux, adapter: IgbAdapter, numVfs: number): Promise<void> {
  const { dev } = adapter;
  if (dev.msiIrqs[0]?.mode !== "msix" || numVfs > MAX_VFS) throw new KernelError("EPERM");
  adapter.vfs = Array.from({ length: numVfs }, newVf);
  logOf(linux, dev, `${numVfs} VFs allocated`);
  reinitialise(adapter);
  try {
    await enableSriov(linux, dev, numVfs);
  } catch (error) {
    adapter.vfs = [];
    throw error;
  }
}

/** `igb_disable_sriov` */
async function disable(linux: Linux, adapter: IgbAdapter): Promise<void> {
  const { dev } = adapter;
  if (adapter.vfs.length === 0) return;
  await disableSriov(linux, dev);
  await linux.time.sleep(500);
  adapter.vfs = [];
  await linux.time.sleep(100);
  logOf(linux, dev, "IOV Disabled");
}

/** `igb_sriov_reinit`: an interface that is up is closed and opened, and its link comes anew. */
function reinitialise({ netdev }: IgbAdapter): void {
  if (!netdev.up) return;
  netdev.options.operations.down?.(netdev);
  netdev.options.operations.up?.(netdev);
}

/** `igb_open`; the link comes by `igb_watchdog_task`. */
function open(linux: Linux, adapter: IgbAdapter): void {
  const { dev, netdev } = adapter;
  const opening = ++adapter.openings;
  linux.time.after(LINK_MS, () => {
    if (adapter.openings !== opening) return;
    netdev.carrier = true;
    netdev.speedMbps = LINK_MBPS;
    const link = `NIC Link is Up ${LINK_MBPS} Mbps Full Duplex, Flow Control: RX/TX`;
    linux.log.print(`igb ${dev.bdf} ${netdev.name}: igb: ${netdev.name} ${link}`);
    for (const listener of adapter.linkListeners.values()) listener();
  });
}

/** `igb_close`: the hardware is reset, and VFs see their link go. */
function close(adapter: IgbAdapter): void {
  adapter.openings++;
  adapter.netdev.carrier = false;
  adapter.netdev.speedMbps = undefined;
  for (const listener of adapter.linkListeners.values()) listener();
}

export const IGB_MODULE: KernelModule = {
  name: "igb",
  drivers: [IGB],
  parameters: { max_vfs: { value: "0", type: "uint" } },
  init({ log }) {
    log.print("igb: Intel(R) Gigabit Ethernet Network Driver");
    log.print("igb: Copyright (c) 2007-2014 Intel Corporation.");
  },
};
