import { addDevice } from "./add-device.ts";
import { enableResources } from "./enable-device.ts";
import {
  PCI_SRIOV_CTRL,
  PCI_SRIOV_CTRL_MSE,
  PCI_SRIOV_CTRL_VFE,
  setNumVfs,
  virtfnBus,
  virtfnDevfn,
} from "./iov-init.ts";
import { KernelError } from "./kernel-error.ts";
import { type Linux, logOf, pciUevent } from "./linux.ts";
import { PciBus, PciDev, type SriovState } from "./pci-dev.ts";
import { removeDevice } from "./remove-device.ts";
import { PCI_IOV_RESOURCES, resource } from "./resource.ts";
import { busesText, readVfCommon, setupDevice, type VfCommon } from "./setup-device.ts";

const PCI_SRIOV_CAP = 0x04;
const PCI_SRIOV_CAP_VFM = 0x1;
const PCI_SRIOV_INITIAL_VF = 0x0c;

/** `pci_enable_sriov`: what drivers call. @throws KernelError */
export async function enableSriov(linux: Linux, dev: PciDev, numVfs: number): Promise<void> {
  const { sriov } = dev;
  if (sriov === undefined) throw new KernelError("ENOSYS");
  if (numVfs === 0) return;
  if (sriov.numVfs !== 0) throw new KernelError("EINVAL");
  const initial = checkInitial(dev, sriov, numVfs);
  checkRoom(linux, dev, sriov, numVfs);
  const linked = linkDependency(dev, sriov);

  setNumVfs(dev, sriov, numVfs);
  sriov.control |= PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE;
  dev.write(sriov.pos + PCI_SRIOV_CTRL, 2, sriov.control);
  await linux.time.sleep(100);
  try {
    await addVfs(linux, dev, sriov, Math.min(initial, numVfs));
  } catch (error) {
    await stopVfs(linux, dev, sriov);
    if (linked) dev.folder?.removeChild("dep_link");
    setNumVfs(dev, sriov, 0);
    throw error;
  }
  pciUevent(linux, "change", dev);
  sriov.numVfs = numVfs;
}

/** `sriov_disable` */
export async function disableSriov(linux: Linux, dev: PciDev): Promise<void> {
  const { sriov } = dev;
  if (sriov === undefined || sriov.numVfs === 0) return;
  await removeVfs(linux, dev, sriov);
  await stopVfs(linux, dev, sriov);
  if (sriov.link !== dev.devfn) dev.folder?.removeChild("dep_link");
  sriov.numVfs = 0;
  setNumVfs(dev, sriov, 0);
}

/** `pci_sriov_configure_simple`, and what drivers have that add nothing to it. @returns how many VFs there are */
export async function configureSriov(linux: Linux, dev: PciDev, numVfs: number): Promise<number> {
  if (numVfs === 0) await disableSriov(linux, dev);
  else await enableSriov(linux, dev, numVfs);
  return numVfs;
}

async function stopVfs(linux: Linux, dev: PciDev, sriov: SriovState): Promise<void> {
  sriov.control &= ~(PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE);
  dev.write(sriov.pos + PCI_SRIOV_CTRL, 2, sriov.control);
  await linux.time.sleep(1000);
}

function checkInitial(dev: PciDev, { pos, totalVfs }: SriovState, numVfs: number): number {
  const initial = dev.read(pos + PCI_SRIOV_INITIAL_VF, 2);
  const migrates = (dev.read(pos + PCI_SRIOV_CAP, 4) & PCI_SRIOV_CAP_VFM) !== 0;
  if (initial > totalVfs || (!migrates && initial !== totalVfs)) throw new KernelError("EIO");
  if (numVfs > totalVfs || (!migrates && numVfs > initial)) throw new KernelError("EINVAL");
  return initial;
}

function checkRoom(linux: Linux, dev: PciDev, sriov: SriovState, numVfs: number): void {
  if (dev.iovResources.some((each) => each !== undefined && each.parent === undefined)) {
    logOf(linux, dev, "not enough MMIO resources for SR-IOV");
    throw new KernelError("ENOMEM");
  }
  const bus = virtfnBus(dev, sriov, numVfs - 1);
  if (bus > dev.bus.last) {
    const buses = busesText(dev.bus.number, dev.bus.last);
    logOf(linux, dev, `can't enable ${numVfs} VFs (bus ${bus.toString(16).padStart(2, "0")} out of range of ${buses})`);
    throw new KernelError("ENOMEM");
  }
  enableResources(linux, dev, dev.iovResources);
}

/** The link `dep_link`, where the VFs depend on another PF. @returns whether it was made */
function linkDependency(dev: PciDev, { link }: SriovState): boolean {
  if (link === dev.devfn) return false;
  const other = dev.bus.devices.find(({ devfn }) => devfn === link);
  if (other === undefined) throw new KernelError("ENODEV");
  if (other.sriov === undefined) throw new KernelError("ENOSYS");
  if (other.folder !== undefined) dev.folder?.link("dep_link", other.folder);
  return true;
}

/** `sriov_add_vfs`; those that came go again where one does not. */
async function addVfs(linux: Linux, dev: PciDev, sriov: SriovState, count: number): Promise<void> {
  let common: VfCommon | undefined;
  try {
    for (let index = 0; index < count; index++) common = await addVf(linux, dev, sriov, index, common);
  } catch (error) {
    await removeVfs(linux, dev, sriov);
    throw error;
  }
}

/** `pci_iov_add_virtfn` */
async function addVf(
  linux: Linux,
  dev: PciDev,
  sriov: SriovState,
  index: number,
  known: VfCommon | undefined,
): Promise<VfCommon> {
  if (dev.iovFaults.withoutMemory === index) throw new KernelError("ENOMEM");
  const vf = new PciDev(vfBus(linux, dev, virtfnBus(dev, sriov, index)), virtfnDevfn(dev, sriov, index), dev.access, {
    physfn: dev,
    index,
  });
  vf.vendor = dev.vendor;
  vf.device = sriov.vfDevice;
  const common = known ?? readVfCommon(vf);
  setupDevice(linux, vf, common);
  for (const [bar, sizeBytes] of sriov.barBytes.entries()) {
    const all = dev.resources[PCI_IOV_RESOURCES + bar];
    if (all?.parent === undefined || sizeBytes === 0) continue;
    const start = all.start + sizeBytes * index;
    const own = resource(`BAR ${bar}`, start, start + sizeBytes - 1, all.flags, sizeBytes);
    own.parent = all;
    vf.resources[bar] = own;
  }
  sriov.vfs.set(index, vf);
  await addDevice(linux, vf);
  // pci_iov_sysfs_link
  if (vf.folder !== undefined && dev.folder !== undefined) {
    dev.folder.link(`virtfn${index}`, vf.folder);
    vf.folder.link("physfn", dev.folder);
  }
  pciUevent(linux, "change", vf);
  await linux.drivers.attachDevice(vf);
  return common;
}

/** `virtfn_add_bus`: VFs may lie on a bus that no bridge has for its own. */
function vfBus({ rootBus }: Linux, dev: PciDev, number: number): PciBus {
  if (dev.bus.number === number) return dev.bus;
  return rootBus.find(number) ?? new PciBus(number, number, undefined, dev.bus);
}

/** `sriov_del_vfs` */
async function removeVfs(linux: Linux, dev: PciDev, { vfs }: SriovState): Promise<void> {
  for (const [index, vf] of [...vfs].sort(([a], [b]) => a - b)) {
    // pci_iov_remove_virtfn
    dev.folder?.removeChild(`virtfn${index}`);
    vf.folder?.removeChild("physfn");
    await removeDevice(linux, vf);
    vfs.delete(index);
    const { bus } = vf;
    if (bus !== dev.bus && bus.devices.length === 0 && bus.self === undefined) bus.remove();
  }
}

/** `pci_sriov_set_totalvfs`: a driver that can do fewer. */
export function setDriverLimit({ sriov }: PciDev, limit: number): void {
  if (sriov !== undefined) sriov.driverMaxVfs = Math.min(limit, sriov.totalVfs);
}

/** `sriov_numvfs_store` */
export async function storeNumVfs(linux: Linux, dev: PciDev, sriov: SriovState, numVfs: number): Promise<void> {
  if (numVfs > sriov.driverMaxVfs) throw new KernelError("ERANGE");
  await dev.lock.run(async () => {
    if (numVfs === sriov.numVfs) return;
    const driver = linux.drivers.of(dev);
    if (driver === undefined) {
      logOf(linux, dev, "no driver bound to device; cannot configure SR-IOV");
      throw new KernelError("ENOENT");
    }
    if (driver.sriovConfigure === undefined) {
      logOf(linux, dev, "driver does not support SR-IOV configuration via sysfs");
      throw new KernelError("ENOENT");
    }
    const { iovFaults } = dev;
    await iovFaults.answered();
    if (numVfs === 0) {
      await driver.sriovConfigure(linux, dev, 0);
      return;
    }
    if (sriov.numVfs !== 0) {
      logOf(linux, dev, `${sriov.numVfs} VFs already enabled. Disable before enabling ${numVfs} VFs`);
      throw new KernelError("EBUSY");
    }
    if (iovFaults.refusal !== undefined) throw new KernelError(iovFaults.refusal);
    const enabled = await driver.sriovConfigure(linux, dev, Math.min(numVfs, iovFaults.limit));
    if (enabled !== numVfs) logOf(linux, dev, `${numVfs} VFs requested; only ${enabled} enabled`);
  });
}
