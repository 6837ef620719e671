import { formatBdf, hex, type RoutingId } from "../../../pci/bdf.ts";
import { PCI_EXP_TYPE_DOWNSTREAM, PCI_EXP_TYPE_ROOT_PORT } from "../../../pci/device-port-type.ts";
import {
  clearAerStatus,
  PCI_ERR_COR_STATUS,
  PCI_ERR_ROOT_STATUS,
  PCI_ERR_UNCOR_STATUS,
  PCI_EXP_AER_FLAGS,
} from "../aer-init.ts";
import { AER_ERROR_NAMES, type AerSeverity } from "../aer-stats.ts";
import { type Linux, logOf } from "../linux.ts";
import type { PciDev } from "../pci-dev.ts";

const PCI_EXP_DEVCTL = 0x08;
const PCI_EXP_DEVSTA = 0x0a;
const PCI_EXP_RTCTL = 0x1c;
const SYSTEM_ERROR_INTR_ON_MESG_MASK = 0x7;
const PCI_ERR_CAP = 0x18;
const PCI_ERR_CAP_FEP = 0x1f;
const PCI_ERR_HEADER_LOG = 0x1c;
const PCI_ERR_ROOT_COMMAND = 0x2c;
const PCI_ERR_ROOT_ERR_SRC = 0x34;
/** Where the mask is behind the status. */
const MASK = 0x04;
const ROOT_PORT_INTR_ON_MESG_MASK = 0x7;
const COR_RCV = 0x01;
const MULTI_COR_RCV = 0x02;
const UNCOR_RCV = 0x04;
const MULTI_UNCOR_RCV = 0x08;
const FATAL_RCV = 0x40;
/** Poisoned TLP, ECRC, Unsupported Request, Completer Abort, Unexpected Completion, Malformed TLP. */
const AER_LOG_TLP_MASKS = 0x001d_9000;
/** AER_MAX_MULTI_ERR_DEVICES */
const MOST_DEVICES = 5;

const SEVERITY_NAMES: Readonly<Record<AerSeverity, string>> = {
  correctable: "Correctable",
  fatal: "Uncorrectable (Fatal)",
  nonfatal: "Uncorrectable (Non-Fatal)",
};
/** AER_GET_LAYER_ERROR */
const PHYSICAL = 0x0001;
const DATA_LINK = { correctable: 0x11c0, uncorrectable: 0x10 };
/** AER_GET_AGENT */
const TRANSMITTER = 0x1100;
const COMPLETER = 0x8000;
const REQUESTER = 0x0010_4000;

/** `aer_err_info`, of one kind of message. */
interface ErrorInfo {
  readonly severity: AerSeverity;
  readonly id: number;
  readonly multiple: boolean;
}

/** What a function's registers tell (`aer_get_device_error_info`). */
interface DeviceErrors {
  readonly status: number;
  readonly mask: number;
  readonly first: number | undefined;
  readonly header: readonly number[] | undefined;
}

/** `aer_enable_rootport` */
export function enableRootPort(root: PciDev): void {
  const { aer, express } = root.capabilities;
  clearDeviceStatus(root);
  root.update(express + PCI_EXP_RTCTL, SYSTEM_ERROR_INTR_ON_MESG_MASK, 0);
  clearAerStatus(root);
  root.write(aer + PCI_ERR_ROOT_COMMAND, 4, root.read(aer + PCI_ERR_ROOT_COMMAND, 4) | ROOT_PORT_INTR_ON_MESG_MASK);
}

/** `aer_disable_rootport` */
export function disableRootPort(root: PciDev): void {
  const { aer } = root.capabilities;
  root.write(aer + PCI_ERR_ROOT_COMMAND, 4, root.read(aer + PCI_ERR_ROOT_COMMAND, 4) & ~ROOT_PORT_INTR_ON_MESG_MASK);
}

/**
 * The root port interrupts. It may do so amid a processor's own access, as when a read of configuration space has failed: what
 * comes of it comes after that.
 */
export function aerInterrupt(linux: Linux, root: PciDev): void {
  linux.time.after(0, () => aerIrq(linux, root));
}

/** `aer_irq`, and its thread, `aer_isr`: takes what the root port has collected, and looks where it came from. */
function aerIrq(linux: Linux, root: PciDev): void {
  const { aer } = root.capabilities;
  const status = root.read(aer + PCI_ERR_ROOT_STATUS, 4);
  if ((status & (COR_RCV | UNCOR_RCV)) === 0) return;
  const id = root.read(aer + PCI_ERR_ROOT_ERR_SRC, 4);
  root.write(aer + PCI_ERR_ROOT_STATUS, 4, status);
  isrOneError(linux, root, status, id);
}

/** `aer_isr_one_error` */
function isrOneError(linux: Linux, root: PciDev, status: number, id: number): void {
  const received = root.aerStats?.received;
  const infos: ErrorInfo[] = [];
  if ((status & COR_RCV) !== 0) {
    infos.push({ severity: "correctable", id: id & 0xffff, multiple: (status & MULTI_COR_RCV) !== 0 });
  }
  if ((status & UNCOR_RCV) !== 0) {
    const severity = (status & FATAL_RCV) !== 0 ? "fatal" : "nonfatal";
    infos.push({ severity, id: id >>> 16, multiple: (status & MULTI_UNCOR_RCV) !== 0 });
  }
  for (const info of infos) {
    if (received !== undefined) received[info.severity]++;
    const source = formatBdf(0, info.id as RoutingId);
    const what = `${info.multiple ? "Multiple " : ""}${SEVERITY_NAMES[info.severity]} error message`;
    logOf(linux, root, `AER: ${what} received from ${source}`);
    const devices = findSourceDevices(root, info);
    if (devices.length === 0) logOf(linux, root, `AER: found no error details for ${source}`);
    else processDevices(linux, devices, info);
  }
}

/** `find_source_device`: of one message the first that fits; of several all that have recorded something, up to a number. */
function findSourceDevices(root: PciDev, info: ErrorInfo): readonly PciDev[] {
  if (isErrorSource(root, info)) return [root];
  const found: PciDev[] = [];
  for (const dev of root.subordinate?.allDevices() ?? []) {
    if (!isErrorSource(dev, info)) continue;
    found.push(dev);
    if (!info.multiple || found.length === MOST_DEVICES) break;
  }
  return found;
}

/** `is_error_source` */
function isErrorSource(dev: PciDev, { id, multiple, severity }: ErrorInfo): boolean {
  // Some root ports tell no source.
  if (id >>> 8 !== 0) {
    if (id === dev.routingId) return true;
    if (!multiple) return false;
  }
  const { aer, express } = dev.capabilities;
  if (dev.enableCount === 0 || aer === 0) return false;
  if ((dev.read(express + PCI_EXP_DEVCTL, 2) & PCI_EXP_AER_FLAGS) === 0) return false;
  const { status, mask } = readStatus(dev, severity);
  return (status & ~mask) !== 0;
}

/**
 * `aer_process_err_devices`. Drivers are not asked to recover (`pcie_do_recovery`), nor is a link reset for a fatal error: what
 * was recorded is cleared as where they did.
 */
function processDevices(linux: Linux, devices: readonly PciDev[], info: ErrorInfo): void {
  for (const dev of devices) {
    const errors = readErrors(dev, info.severity);
    if (errors !== undefined) printError(linux, dev, info, errors, devices.length);
  }
  for (const dev of devices) {
    const { aer } = dev.capabilities;
    if (aer === 0) continue;
    const register = aer + (info.severity === "correctable" ? PCI_ERR_COR_STATUS : PCI_ERR_UNCOR_STATUS);
    dev.write(register, 4, dev.read(register, 4));
    clearDeviceStatus(dev);
  }
}

/** `aer_get_device_error_info`: after a fatal error the link to an endpoint may not be trusted. */
function readErrors(dev: PciDev, severity: AerSeverity): DeviceErrors | undefined {
  const { aer } = dev.capabilities;
  if (aer === 0) return undefined;
  const isPort = dev.expressType === PCI_EXP_TYPE_ROOT_PORT || dev.expressType === PCI_EXP_TYPE_DOWNSTREAM;
  if (severity === "fatal" && !isPort) return { status: 0, mask: 0, first: undefined, header: undefined };
  const { status, mask } = readStatus(dev, severity);
  if ((status & ~mask) === 0) return undefined;
  // Nobody reads which was the first of these: it stays 0, and a Receiver Error is told as the first.
  if (severity === "correctable") return { status, mask, first: 0, header: undefined };
  const header = [0, 4, 8, 12].map((at) => dev.read(aer + PCI_ERR_HEADER_LOG + at, 4));
  return {
    status,
    mask,
    first: dev.read(aer + PCI_ERR_CAP, 4) & PCI_ERR_CAP_FEP,
    header: (status & AER_LOG_TLP_MASKS) === 0 ? undefined : header,
  };
}

function readStatus(dev: PciDev, severity: AerSeverity): { readonly status: number; readonly mask: number } {
  const at = dev.capabilities.aer + (severity === "correctable" ? PCI_ERR_COR_STATUS : PCI_ERR_UNCOR_STATUS);
  return { status: dev.read(at, 4), mask: dev.read(at + MASK, 4) };
}

/** `aer_print_error`, which counts what it prints. */
function printError(linux: Linux, dev: PciDev, info: ErrorInfo, errors: DeviceErrors, devices: number): void {
  const { severity, id } = info;
  const { status, mask, first, header } = errors;
  const headline = `PCIe Bus Error: severity=${SEVERITY_NAMES[severity]}`;
  if (status === 0) {
    logOf(linux, dev, `AER: ${headline}, type=Inaccessible, (Unregistered Agent ID)`);
  } else {
    logOf(linux, dev, `${headline}, type=${layerOf(severity, status)}, (${agentOf(severity, status)})`);
    const ids = `[${hex(dev.vendor, 4)}:${hex(dev.device, 4)}]`;
    logOf(linux, dev, `  device ${ids} error status/mask=${hex(status, 8)}/${hex(mask, 8)}`);
    const unmasked = (status & ~mask) >>> 0;
    for (let bit = 0; bit < 32; bit++) {
      if (((unmasked >>> bit) & 1) === 0) continue;
      const name = (AER_ERROR_NAMES[severity][bit] ?? "Unknown Error Bit").padEnd(22);
      logOf(linux, dev, `   [${String(bit).padStart(2)}] ${name}${first === bit ? " (First)" : ""}`);
    }
    dev.aerStats?.count(severity, unmasked);
    if (header !== undefined) {
      logOf(linux, dev, `AER:   TLP Header: ${header.map((dword) => hex(dword, 8)).join(" ")}`);
    }
  }
  if (devices > 1 && id === dev.routingId) logOf(linux, dev, "AER:   Error of this Agent is reported first");
}

function layerOf(severity: AerSeverity, status: number): string {
  const isCorrectable = severity === "correctable";
  if (isCorrectable && (status & PHYSICAL) !== 0) return "Physical Layer";
  const dataLink = isCorrectable ? DATA_LINK.correctable : DATA_LINK.uncorrectable;
  return (status & dataLink) === 0 ? "Transaction Layer" : "Data Link Layer";
}

function agentOf(severity: AerSeverity, status: number): string {
  if (severity === "correctable") return (status & TRANSMITTER) === 0 ? "Receiver ID" : "Transmitter ID";
  if ((status & COMPLETER) !== 0) return "Completer ID";
  return (status & REQUESTER) === 0 ? "Receiver ID" : "Requester ID";
}

/** `pcie_clear_device_status` */
function clearDeviceStatus(dev: PciDev): void {
  const { express } = dev.capabilities;
  if (express !== 0) dev.write(express + PCI_EXP_DEVSTA, 2, dev.read(express + PCI_EXP_DEVSTA, 2));
}
