import { PASID } from "../pci/extended/pasid.ts";
import { type BridgeFunction, busOf } from "./bridge-function.ts";
import type { PciFunction } from "./pci-function.ts";

const PCI_EXP_DEVCAP2 = 0x24;
const PCI_EXP_DEVCAP2_EE_PREFIX = 0x20_0000;
const PCI_EXP_DEVCTL2 = 0x28;
const PCI_EXP_DEVCTL2_EE_PREFIX_BLOCKING = 0x8000;
const PCI_PASID_CAP = 0x04;
const PCI_PASID_CTRL = 0x06;
const PCI_PASID_CTRL_ENABLE = 0x1;
const PCI_PASID_CTRL_EXEC = 0x2;
const PCI_PASID_CTRL_PRIV = 0x4;
const WIDTH_LSB = 8;

/** What the End-End TLP Prefix of a request says (PCIe 6.0 §6.20.2). */
export interface PasidPrefix {
  readonly pasid: number;
  /** The memory is to be read in order to be executed. */
  readonly execute?: boolean;
  readonly privileged?: boolean;
}

/**
 * The function may send a request with this prefix: PASID, and what the prefix asks for, is enabled. A VF has no capability of
 * its own, and is as its PF (PCIe 6.0 §7.8.9; Linux's `pci_enable_pasid`, which takes VFs' from their PF's).
 */
export function maySendPasid(fn: PciFunction, { pasid, execute = false, privileged = false }: PasidPrefix): boolean {
  const { template, config } = fn.pf ?? fn;
  const at = template.offsetOf(PASID, true);
  if (at === undefined || !hasPrefixes(fn)) return false;
  const control = config.read(at + PCI_PASID_CTRL, 2);
  const width = (config.read(at + PCI_PASID_CAP, 2) >>> WIDTH_LSB) & 0x1f;
  const wanted = PCI_PASID_CTRL_ENABLE | (execute ? PCI_PASID_CTRL_EXEC : 0) | (privileged ? PCI_PASID_CTRL_PRIV : 0);
  return (control & wanted) === wanted && Number.isInteger(pasid) && pasid >= 0 && pasid < 2 ** width;
}

/** End-End TLP Prefix Supported (PCIe 6.0 §7.5.3.15). */
function hasPrefixes(fn: PciFunction): boolean {
  const at = fn.express(PCI_EXP_DEVCAP2);
  return at !== undefined && (fn.config.read(at, 4) & PCI_EXP_DEVCAP2_EE_PREFIX) !== 0;
}

/** A port on the way up that ends a request with an End-End TLP Prefix. */
export type PrefixStop =
  /** It does not know of such prefixes: a Malformed TLP (PCIe 6.0 §2.2.10.4). */
  | { readonly kind: "malformed"; readonly at: BridgeFunction }
  /** End-End TLP Prefix Blocking of the port that it would leave by (§7.5.3.16). */
  | { readonly kind: "prefix blocked"; readonly at: BridgeFunction };

export function prefixStop(fn: PciFunction): PrefixStop | undefined {
  for (let port = busOf(fn).bridge; port !== undefined; port = port.bus?.bridge) {
    if (!hasPrefixes(port)) return { kind: "malformed", at: port };
    const control = port.express(PCI_EXP_DEVCTL2);
    const blocking = control !== undefined && (port.config.read(control, 2) & PCI_EXP_DEVCTL2_EE_PREFIX_BLOCKING) !== 0;
    if (blocking && !port.leadsToLink) return { kind: "prefix blocked", at: port };
  }
  return undefined;
}
