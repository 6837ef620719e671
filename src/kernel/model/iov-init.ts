import { PCI_EXP_TYPE_RC_END } from "../../pci/device-port-type.ts";
import { type Linux, logOf } from "./linux.ts";
import type { PciDev, SriovState } from "./pci-dev.ts";
import { readBar, writeBar } from "./read-bars.ts";
import { IORESOURCE_MEM_64, PCI_IOV_RESOURCES, resourceText, sizeOf } from "./resource.ts";

export const PCI_SRIOV_CTRL = 0x08;
export const PCI_SRIOV_CTRL_VFE = 0x01;
export const PCI_SRIOV_CTRL_MSE = 0x08;
const PCI_SRIOV_CTRL_ARI = 0x10;
const PCI_SRIOV_TOTAL_VF = 0x0e;
const PCI_SRIOV_NUM_VF = 0x10;
const PCI_SRIOV_FUNC_LINK = 0x12;
const PCI_SRIOV_VF_OFFSET = 0x14;
const PCI_SRIOV_VF_STRIDE = 0x16;
const PCI_SRIOV_VF_DID = 0x1a;
const PCI_SRIOV_SUP_PGSIZE = 0x1c;
const PCI_SRIOV_SYS_PGSIZE = 0x20;
export const PCI_SRIOV_BAR = 0x24;
const PCI_SRIOV_NUM_BARS = 6;
const PAGE_BYTES = 4096;

/** `sriov_init` (drivers/pci/iov.c). Where it refuses, the function is none that has VFs. */
export async function sriovInit(linux: Linux, dev: PciDev): Promise<void> {
  const pos = dev.capabilities.sriov;
  if (pos === 0) return;
  if ((dev.read(pos + PCI_SRIOV_CTRL, 2) & PCI_SRIOV_CTRL_VFE) !== 0) {
    dev.write(pos + PCI_SRIOV_CTRL, 2, 0);
    await linux.time.sleep(1000);
  }
  // The lowest PF of the device has the bit for all of them.
  const first = !dev.bus.devices.some(({ sriov }) => sriov !== undefined);
  const control = first && dev.bus.self?.ariEnabled === true ? PCI_SRIOV_CTRL_ARI : 0;
  dev.write(pos + PCI_SRIOV_CTRL, 2, control);
  const totalVfs = dev.read(pos + PCI_SRIOV_TOTAL_VF, 2);
  if (totalVfs === 0) return;
  const supported = dev.read(pos + PCI_SRIOV_SUP_PGSIZE, 4);
  const pageSizes = (supported & -supported) >>> 0;
  if (pageSizes === 0) return;
  dev.write(pos + PCI_SRIOV_SYS_PGSIZE, 4, pageSizes);
  const barBytes = readVfBars(linux, dev, pos, totalVfs);
  if (barBytes === undefined) return;
  const link = dev.read(pos + PCI_SRIOV_FUNC_LINK, 1);
  const sriov: SriovState = {
    pos,
    totalVfs,
    vfDevice: dev.read(pos + PCI_SRIOV_VF_DID, 2),
    link: dev.expressType === PCI_EXP_TYPE_RC_END ? (dev.devfn & ~7) | (link & 7) : link,
    pageSizes,
    maxVfBuses: 0,
    control,
    offset: 0,
    stride: 0,
    numVfs: 0,
    driverMaxVfs: totalVfs,
    driversAutoprobe: true,
    barBytes,
    vfs: new Map(),
  };
  dev.sriov = sriov;
  if (!computeMaxVfBuses(dev, sriov)) {
    dev.sriov = undefined;
    dev.resources.fill(undefined, PCI_IOV_RESOURCES, PCI_IOV_RESOURCES + PCI_SRIOV_NUM_BARS);
  }
}

/** Each VF BAR becomes a resource with room for all VFs. @returns undefined where one is no multiple of a page */
function readVfBars(linux: Linux, dev: PciDev, pos: number, totalVfs: number): number[] | undefined {
  const sizes = Array.from({ length: PCI_SRIOV_NUM_BARS }, () => 0);
  for (let index = 0; index < PCI_SRIOV_NUM_BARS; index++) {
    const found = readBar(dev, `VF BAR ${index}`, pos + PCI_SRIOV_BAR + index * 4);
    if (found === undefined) continue;
    logOf(linux, dev, `${found.name} ${resourceText(found)}`);
    const sizeBytes = sizeOf(found);
    if (sizeBytes % PAGE_BYTES !== 0) return undefined;
    sizes[index] = sizeBytes;
    found.end = found.start + sizeBytes * totalVfs - 1;
    dev.resources[PCI_IOV_RESOURCES + index] = found;
    logOf(linux, dev, `${found.name} ${resourceText(found)}: contains BAR ${index} for ${totalVfs} VFs`);
    if ((found.flags & IORESOURCE_MEM_64) !== 0) index++;
  }
  return sizes;
}

/** `compute_max_vf_buses`: First VF Offset and VF Stride may change with NumVFs, so all are tried. */
function computeMaxVfBuses(dev: PciDev, sriov: SriovState): boolean {
  let good = true;
  for (let numVfs = sriov.totalVfs; numVfs > 0 && good; numVfs--) {
    setNumVfs(dev, sriov, numVfs);
    if (sriov.offset === 0 || (numVfs > 1 && sriov.stride === 0)) good = false;
    else sriov.maxVfBuses = Math.max(sriov.maxVfBuses, virtfnBus(dev, sriov, numVfs - 1));
  }
  setNumVfs(dev, sriov, 0);
  return good;
}

/** `pci_iov_set_numvfs` */
export function setNumVfs(dev: PciDev, sriov: SriovState, numVfs: number): void {
  dev.write(sriov.pos + PCI_SRIOV_NUM_VF, 2, numVfs);
  sriov.offset = dev.read(sriov.pos + PCI_SRIOV_VF_OFFSET, 2);
  sriov.stride = dev.read(sriov.pos + PCI_SRIOV_VF_STRIDE, 2);
}

/** `pci_iov_virtfn_bus` */
export function virtfnBus(dev: PciDev, { offset, stride }: SriovState, vfIndex: number): number {
  return dev.bus.number + ((dev.devfn + offset + stride * vfIndex) >>> 8);
}

/** `pci_iov_virtfn_devfn` */
export function virtfnDevfn(dev: PciDev, { offset, stride }: SriovState, vfIndex: number): number {
  return (dev.devfn + offset + stride * vfIndex) & 0xff;
}

/** `sriov_restore_state`: after a reset the PF has its VFs again. */
export async function restoreSriov(linux: Linux, dev: PciDev): Promise<void> {
  const { sriov } = dev;
  if (sriov === undefined) return;
  const control = dev.read(sriov.pos + PCI_SRIOV_CTRL, 2);
  if ((control & PCI_SRIOV_CTRL_VFE) !== 0) return;
  // ARI first: First VF Offset and VF Stride depend on it.
  const ari = sriov.control & PCI_SRIOV_CTRL_ARI;
  dev.write(sriov.pos + PCI_SRIOV_CTRL, 2, (control & ~PCI_SRIOV_CTRL_ARI) | ari);
  for (const [bar, found] of dev.iovResources.entries()) {
    if (found?.parent !== undefined) writeBar(dev, sriov.pos + PCI_SRIOV_BAR + bar * 4, found);
  }
  dev.write(sriov.pos + PCI_SRIOV_SYS_PGSIZE, 4, sriov.pageSizes);
  setNumVfs(dev, sriov, sriov.numVfs);
  dev.write(sriov.pos + PCI_SRIOV_CTRL, 2, sriov.control);
  if ((sriov.control & PCI_SRIOV_CTRL_VFE) !== 0) await linux.time.sleep(100);
}
