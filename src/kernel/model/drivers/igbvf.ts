import { IGBVF_MEMORY_BYTES, IgbvfDriver } from "../../../hardware/guests/igbvf-driver.ts";
import { IgbvfWatchdog } from "../../../hardware/guests/igbvf-watchdog.ts";
import { disableDevice, enableDevice, PCI_COMMAND_MASTER } from "../enable-device.ts";
import { igbvfStatistics } from "../igbvf-statistics.ts";
import type { DriverMemory } from "../kernel-dma.ts";
import { KernelError } from "../kernel-error.ts";
import { type KernelModule, type Linux, logOf, type PciDriver } from "../linux.ts";
import { formatMac, macBytes, randomMac } from "../mac-address.ts";
import { mapRegisters } from "../mapped-registers.ts";
import { allocateVectors, freeVectors } from "../message-interrupts.ts";
import { type NetDevice, type NetOperations, setCarrier } from "../net-device.ts";
import type { PciDev } from "../pci-dev.ts";
import { igbAdapterOf } from "./igb.ts";

const VENDOR_ID_INTEL = 0x8086;
const E1000_DEV_ID_82576_VF = 0x10ca;
const LINK_MBPS = 1000;
const VECTORS = 3;

interface IgbvfAdapter {
  readonly netdev: NetDevice;
  readonly driver: IgbvfDriver;
  readonly memory: DriverMemory;
}

const IGBVF: PciDriver = {
  name: "igbvf",
  module: "igbvf",
  ids: [{ vendor: VENDOR_ID_INTEL, device: E1000_DEV_ID_82576_VF }],

  /** `igbvf_probe` (drivers/net/ethernet/intel/igbvf/netdev.c) */
  probe(linux, dev) {
    enableDevice(linux, dev, true);
    try {
      start(linux, dev);
    } catch (error) {
      freeVectors(dev);
      disableDevice(dev);
      throw error;
    }
  },

  remove(linux, dev) {
    const { netdev, memory } = adapterOf(dev);
    linux.net.unregister(netdev);
    freeVectors(dev);
    disableDevice(dev);
    linux.dma.free(dev, memory);
  },
};

function start(linux: Linux, dev: PciDev): void {
  const { folder } = dev;
  if (folder === undefined) throw new KernelError("ENODEV");
  dev.setCommand(PCI_COMMAND_MASTER);
  allocateVectors(linux, dev, VECTORS, (vector) => driver.interrupt(vector));
  const memory = linux.dma.allocate(dev, IGBVF_MEMORY_BYTES);
  const { clock } = linux.machine;
  let random = false;
  const driver = new IgbvfDriver({
    mmio: mapRegisters(linux, dev),
    memory: memory.memory,
    clock,
    receive: (bytes, at, length) => linux.flows.received(bytes, at, length),
    randomAddress: () => {
      random = true;
      return macBytes(randomMac(linux));
    },
    news: () => watchdog.news(),
    log: (text) => logOf(linux, dev, text),
  });
  const watchdog = new IgbvfWatchdog({
    driver,
    clock,
    link: (up) => {
      setCarrier(adapterOf(dev).netdev, up, LINK_MBPS);
      logOf(linux, dev, up ? `Link is Up ${LINK_MBPS} Mbps Full Duplex` : "Link is Down");
    },
    // igbvf_reset: the interface has the address that the PF lets it have.
    reinitialised: () => {
      adapterOf(dev).netdev.mac = formatMac(driver.address);
    },
  });
  driver.probe();
  const mac = formatMac(driver.address);
  const operations = operationsOf(driver, watchdog, igbAdapterOf(linux, dev.physfn)?.vfWatchdogs);
  const netdev = linux.net.register({ dev, folder, mac, addrAssignType: random ? 1 : 0, operations });
  dev.driverData = { netdev, driver, memory } satisfies IgbvfAdapter;
  logOf(linux, dev, "Intel(R) 82576 Virtual Function");
  logOf(linux, dev, `Address: ${mac}`);
}

function operationsOf(
  driver: IgbvfDriver,
  watchdog: IgbvfWatchdog,
  watchdogs: Set<IgbvfWatchdog> | undefined,
): NetOperations {
  return {
    up: () => {
      driver.open();
      watchdog.start();
      watchdogs?.add(watchdog);
    },
    down: (netdev) => {
      watchdog.stop();
      watchdogs?.delete(watchdog);
      driver.close();
      setCarrier(netdev, false);
    },
    // igbvf_set_mac: where the PF refuses, the hardware has its old address, and only that is taken.
    setMac: (_, wanted) => {
      if (!driver.setAddress(macBytes(wanted))) throw new KernelError("EADDRNOTAVAIL");
    },
    setMtu: () => {},
    statistics: () => {
      driver.poll();
      return igbvfStatistics(driver);
    },
  };
}

function adapterOf({ driverData }: PciDev): IgbvfAdapter {
  return driverData as IgbvfAdapter;
}

/** The driver of a VF that igbvf has, with its interface; undefined of another's. */
export function igbvfAdapterOf(linux: Linux, dev: PciDev | undefined): IgbvfAdapter | undefined {
  return dev !== undefined && linux.drivers.of(dev) === IGBVF ? adapterOf(dev) : undefined;
}

export const IGBVF_MODULE: KernelModule = {
  name: "igbvf",
  drivers: [IGBVF],
  init({ log }) {
    log.print("igbvf: Intel(R) Gigabit Virtual Function Network Driver");
    log.print("igbvf: Copyright (c) 2009 - 2012 Intel Corporation.");
  },
};
