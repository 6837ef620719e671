import { IGB_MEMORY_BYTES, IgbPfDriver } from "../../../hardware/guests/igb-pf-driver.ts";
import type { IgbvfWatchdog } from "../../../hardware/guests/igbvf-watchdog.ts";
import { disableDevice, enableDevice, PCI_COMMAND_MASTER } from "../enable-device.ts";
import { disableSriov, enableSriov, setDriverLimit } from "../iov.ts";
import type { DriverMemory } from "../kernel-dma.ts";
import { KernelError } from "../kernel-error.ts";
import { linkStatus } from "../link-attributes.ts";
import { type KernelModule, type Linux, logOf, type PciDriver } from "../linux.ts";
import { formatMac, isValidMac, macBytes } from "../mac-address.ts";
import { mapRegisters } from "../mapped-registers.ts";
import { allocateVectors, freeVectors } from "../message-interrupts.ts";
import { type NetDevice, setCarrier } from "../net-device.ts";
import type { PciDev } from "../pci-dev.ts";
import { vfOperations } from "./igb-vfs.ts";

/** IGB_MAX_VF_FUNCTIONS is 8, of which the driver offers 7 (`igb_probe_vfs`). */
const MAX_VFS = 7;
const LINK_MBPS = 1000;
const VENDOR_ID_INTEL = 0x8086;
const E1000_DEV_ID_82576 = 0x10c9;
/** `igb_watchdog`, which an interrupt comes before where there is one. */
const WATCHDOG_MS = 2000;

/** `struct igb_adapter` */
export interface IgbAdapter {
  readonly dev: PciDev;
  readonly netdev: NetDevice;
  readonly driver: IgbPfDriver;
  readonly memory: DriverMemory;
  /** Of its VFs' drivers, in guests too: they look at their links every 2 s, which the model's clock has to be told of. */
  readonly vfWatchdogs: Set<IgbvfWatchdog>;
}

const IGB: PciDriver = {
  name: "igb",
  module: "igb",
  ids: [{ vendor: VENDOR_ID_INTEL, device: E1000_DEV_ID_82576 }],

  /** `igb_probe` */
  async probe(linux, dev) {
    enableDevice(linux, dev, true);
    try {
      start(linux, dev);
    } catch (error) {
      freeVectors(dev);
      disableDevice(dev);
      throw error;
    }
  },

  /** `igb_remove` */
  async remove(linux, dev) {
    const adapter = adapterOf(dev);
    await disable(linux, adapter);
    linux.net.unregister(adapter.netdev);
    freeVectors(dev);
    disableDevice(dev);
    linux.dma.free(dev, adapter.memory);
  },

  /** `igb_pci_sriov_configure` */
  async sriovConfigure(linux, dev, numVfs) {
    const adapter = adapterOf(dev);
    if (numVfs === 0) {
      await disable(linux, adapter);
      adapter.driver.reinit();
      lookAgain(linux, adapter);
      return 0;
    }
    await enable(linux, adapter, numVfs);
    return numVfs;
  },
};

function start(linux: Linux, dev: PciDev): void {
  const { folder } = dev;
  if (folder === undefined) throw new KernelError("ENODEV");
  dev.setCommand(PCI_COMMAND_MASTER);
  setDriverLimit(dev, MAX_VFS);
  const vectors = allocateVectors(linux, dev, 3, (vector) => driver.interrupt(vector));
  const memory = linux.dma.allocate(dev, IGB_MEMORY_BYTES);
  const driver = new IgbPfDriver({
    mmio: mapRegisters(linux, dev),
    memory: memory.memory,
    clock: linux.machine.clock,
    receive: (bytes, at, length) => linux.flows.received(bytes, at, length),
    link: (up, text) => {
      setCarrier(adapterOf(dev).netdev, up, LINK_MBPS);
      const { name } = adapterOf(dev).netdev;
      linux.log.print(`igb ${dev.bdf} ${name}: igb: ${name} ${text}`);
    },
    log: (text) => logRecord(linux, dev, text),
  });
  driver.probe();
  const mac = formatMac(driver.address);
  if (!isValidMac(mac)) {
    linux.dma.free(dev, memory);
    logOf(linux, dev, "Invalid MAC Address");
    throw new KernelError("EIO");
  }
  const netdev = linux.net.register({
    dev,
    folder,
    mac,
    operations: {
      up: () => open(linux, adapterOf(dev)),
      down: (closed) => {
        driver.close();
        setCarrier(closed, false);
      },
      setMac: (_, wanted) => driver.setAddress(macBytes(wanted)),
      setMtu: () => {},
      statistics: () => statisticsOf(driver),
      ...vfOperations(() => driver),
    },
  });
  dev.driverData = { dev, netdev, driver, memory, vfWatchdogs: new Set() } satisfies IgbAdapter;
  const { name } = netdev;
  logOf(linux, dev, `added PHC on ${name}`);
  logOf(linux, dev, "Intel(R) Gigabit Ethernet Network Connection");
  logOf(linux, dev, `${name}: (PCIe:${linkText(dev)}) ${mac}`);
  logOf(linux, dev, `${name}: PBA No: 1040FF-0FF`);
  const queues = Math.max(1, vectors - 1);
  const mode = { msix: "MSI-X", msi: "MSI", none: "legacy" }[dev.msiIrqs[0]?.mode ?? "none"];
  logOf(linux, dev, `Using ${mode} interrupts. ${queues} rx queue(s), ${queues} tx queue(s)`);
}

/** A record of two lines has its device in the first. */
function logRecord(linux: Linux, dev: PciDev, text: string): void {
  const [first = "", ...more] = text.split("\n");
  logOf(linux, dev, first);
  for (const line of more) linux.log.print(line);
}

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
  const { dev, driver } = adapter;
  if (dev.msiIrqs[0]?.mode !== "msix") throw new KernelError("EPERM");
  const refused = driver.allocateVfs(numVfs);
  if (refused !== undefined) throw new KernelError(refused);
  lookAgain(linux, adapter);
  try {
    await enableSriov(linux, dev, numVfs);
  } catch (error) {
    driver.forgetVfs();
    throw error;
  }
}

/** `igb_disable_sriov` */
async function disable(linux: Linux, { dev, driver }: IgbAdapter): Promise<void> {
  if (driver.vfs === undefined) return;
  await disableSriov(linux, dev);
  await linux.time.sleep(600);
  driver.freeVfs();
}

/** `igb_open`; the link comes by the card's interrupt. */
function open(linux: Linux, adapter: IgbAdapter): void {
  adapter.driver.open();
  lookAgain(linux, adapter);
}

/** The interface was closed, and maybe opened anew: its link comes again, by an interrupt or where the watchdog looks. */
function lookAgain(linux: Linux, { driver, netdev, vfWatchdogs }: IgbAdapter): void {
  setCarrier(netdev, driver.carrier, LINK_MBPS);
  linux.time.after(WATCHDOG_MS, () => driver.watchdog());
  for (const watchdog of vfWatchdogs) watchdog.expectNews();
}

/** `igb_get_stats64`: of the PF's own queue. */
function statisticsOf(driver: IgbPfDriver) {
  driver.poll();
  const { rxPackets, rxBytes, txPackets, txBytes } = driver.statistics;
  const pool = driver.pool;
  return {
    rxPackets,
    rxBytes,
    txPackets,
    txBytes,
    rxDropped: driver.statistics.dropped(pool),
    rxMulticast: 0,
    txDropped: 0,
  };
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
