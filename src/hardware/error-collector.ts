import { PCI_EXP_TYPE_ROOT_PORT } from "../pci/device-port-type.ts";
import { AER } from "../pci/extended/aer.ts";
import { BridgeFunction, busOf } from "./bridge-function.ts";
import type { ErrorSeverity } from "./function-part.ts";
import type { PciFunction } from "./pci-function.ts";

const PCI_BRIDGE_CONTROL = 0x3e;
const PCI_BRIDGE_CTL_SERR = 0x2;
const PCI_SEC_STATUS = 0x1e;
const PCI_SEC_STATUS_RECEIVED_SYSTEM_ERROR = 0x4000;
const PCI_ERR_ROOT_COMMAND = 0x2c;
const PCI_ERR_ROOT_STATUS = 0x30;
const PCI_ERR_ROOT_ERR_SRC = 0x34;
const COR_RECEIVED = 0x01;
const MULTIPLE_COR_RECEIVED = 0x02;
const UNCOR_RECEIVED = 0x04;
const MULTIPLE_UNCOR_RECEIVED = 0x08;
const FIRST_UNCOR_FATAL = 0x10;
const NON_FATAL_RECEIVED = 0x20;
const FATAL_RECEIVED = 0x40;
const MESSAGE_NUMBER_LSB = 27;

/**
 * An error message goes up to the root port, which collects it (PCIe 6.0 §6.2.6, §7.8.4.9 to §7.8.4.11). A function on
 * the root bus has none above it: its own Root Complex Event Collector is not modelled.
 */
export function collectError(from: PciFunction, severity: ErrorSeverity): void {
  const root = rootPortFor(from);
  if (root === undefined) return;
  const aer = root.template.offsetOf(AER, true);
  if (aer === undefined) return;
  const status = root.config.read(aer + PCI_ERR_ROOT_STATUS, 4);
  const source = from.routingId;
  let set: number;
  if (severity === "correctable") {
    set = (status & COR_RECEIVED) === 0 ? COR_RECEIVED : MULTIPLE_COR_RECEIVED;
    if (set === COR_RECEIVED) root.config.set(aer + PCI_ERR_ROOT_ERR_SRC, 2, source);
  } else {
    const fatal = severity === "fatal";
    const first = (status & UNCOR_RECEIVED) === 0;
    set = (first ? UNCOR_RECEIVED : MULTIPLE_UNCOR_RECEIVED) | (fatal ? FATAL_RECEIVED : NON_FATAL_RECEIVED);
    if (first) {
      if (fatal) set |= FIRST_UNCOR_FATAL;
      root.config.set(aer + PCI_ERR_ROOT_ERR_SRC + 2, 2, source);
    }
  }
  root.config.setBits(aer + PCI_ERR_ROOT_STATUS, 4, set, set);
  const enabled = { correctable: 1, "non-fatal": 2, fatal: 4 }[severity];
  if ((root.config.read(aer + PCI_ERR_ROOT_COMMAND, 4) & enabled) !== 0) {
    root.interrupt(root.config.read(aer + PCI_ERR_ROOT_STATUS, 4) >>> MESSAGE_NUMBER_LSB);
  }
}

/** The root port, if every port on the way passes the message on: by SERR# Enable in Bridge Control (§7.5.1.3.13). */
function rootPortFor(from: PciFunction): BridgeFunction | undefined {
  if (from instanceof BridgeFunction && from.portType === PCI_EXP_TYPE_ROOT_PORT) return from;
  for (let port = busOf(from).bridge; port !== undefined; port = port.bus?.bridge) {
    const received = PCI_SEC_STATUS_RECEIVED_SYSTEM_ERROR;
    port.config.setBits(PCI_SEC_STATUS, 2, received, received);
    if ((port.config.read(PCI_BRIDGE_CONTROL, 2) & PCI_BRIDGE_CTL_SERR) === 0) return undefined;
    if (port.portType === PCI_EXP_TYPE_ROOT_PORT) return port;
  }
  return undefined;
}
