import { SRIOV } from "../pci/extended/sriov.ts";
import { BridgeFunction } from "./bridge-function.ts";
import { ConfigTemplate } from "./config-template.ts";
import type { DeviceDescription, DeviceFunction, SriovDescription } from "./device-description.ts";
import type { CapabilityDescription, FunctionDescription } from "./function-description.ts";
import { intxPart } from "./intx-part.ts";
import { linkPart } from "./link-part.ts";
import { msiPart } from "./msi-part.ts";
import { msixPart } from "./msix-part.ts";
import { PciFunction, type Surroundings } from "./pci-function.ts";
import { powerPart } from "./power-part.ts";
import { flrPart } from "./reset-part.ts";
import { resizableBarPart, vfResizableBarPart } from "./resizable-bar-part.ts";
import { SriovPart } from "./sriov-part.ts";

/** The functions of a device, each with all that its capabilities do; function 0 first. */
export function buildDevice(
  device: DeviceDescription,
  name: string,
  devfn: number,
  surroundings: Surroundings,
): PciFunction[] {
  let lowest: SriovPart | undefined;
  return device.functions.map((description, index) => {
    const multiFunction = device.functions.length > 1;
    const withSriov = withSriovCapability(description, multiFunction && index === 0);
    const fn = new PciFunction({
      name: multiFunction ? `${name}.${index}` : name,
      template: new ConfigTemplate(withSriov),
      surroundings,
      devfn: devfn + index,
      bars: description.bars ?? [],
      peerToPeer: device.peerToPeer,
      ...(description.resetNs === undefined ? {} : { resetNs: description.resetNs }),
    });
    equip(fn);
    if (description.sriov !== undefined) {
      const sriov = new SriovPart(fn, description, description.sriov, equip, lowest);
      lowest ??= sriov;
      fn.vfs = sriov;
      fn.parts.push(sriov);
      const sizes = vfResizableBarPart(fn, sriov);
      if (sizes !== undefined) fn.parts.push(sizes);
    }
    return fn;
  });
}

/** A port of the root complex or of a switch. */
export function buildBridge(
  description: FunctionDescription,
  name: string,
  devfn: number,
  surroundings: Surroundings,
): BridgeFunction {
  const template = new ConfigTemplate({ ...description, bridge: true });
  const fn = new BridgeFunction({ name, template, surroundings, devfn, bars: description.bars ?? [] });
  equip(fn);
  const link = linkPart(fn);
  if (link !== undefined) {
    fn.link = link;
    fn.parts.push(link);
  }
  return fn;
}

/** Gives a function the parts for the capabilities that it has. */
function equip(fn: PciFunction): void {
  const msix = msixPart(fn);
  if (msix !== undefined) {
    fn.regions.push(...msix.regions);
    fn.interrupters.push(msix);
    fn.parts.push(msix);
  }
  const msi = msiPart(fn);
  if (msi !== undefined) {
    fn.interrupters.push(msi);
    fn.parts.push(msi);
  }
  const intx = intxPart(fn);
  if (intx !== undefined) {
    fn.intx = intx;
    fn.parts.push(intx);
  }
  for (const part of [powerPart(fn), flrPart(fn), resizableBarPart(fn)]) if (part !== undefined) fn.parts.push(part);
}

/** With the SR-IOV capability in its list, in the order of offsets, and the multi-function bit where it belongs. */
function withSriovCapability(description: DeviceFunction, multiFunction: boolean): FunctionDescription {
  const { sriov, extendedCapabilities = [], header = {} } = description;
  const extended = sriov === undefined ? extendedCapabilities : [...extendedCapabilities, sriovCapability(sriov)];
  return {
    ...description,
    header: multiFunction ? { ...header, headerType: 0x80 } : header,
    extendedCapabilities: [...extended].sort((a, b) => a.offset - b.offset),
  };
}

function sriovCapability(sriov: SriovDescription): CapabilityDescription {
  const { offset, version = 1, totalVfs, initialVfs = totalVfs, vfDeviceId, supportedPageSizes = 0x553 } = sriov;
  const vfBars: Record<string, number> = {};
  for (const { index, is64 = false, prefetchable = false } of sriov.vfBars) {
    vfBars[`vfBar${index}`] = (is64 ? 4 : 0) | (prefetchable ? 8 : 0);
  }
  return {
    definition: SRIOV,
    offset,
    version,
    registers: {
      initialVfs,
      totalVfs,
      vfDeviceId,
      supportedPageSizes,
      functionDependencyLink: sriov.functionDependencyLink ?? 0,
      ...vfBars,
    },
  };
}
