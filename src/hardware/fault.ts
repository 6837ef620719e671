import { BridgeFunction } from "./bridge-function.ts";
import { logError, type UncorrectableError } from "./error-log.ts";
import type { PciFunction } from "./pci-function.ts";
import { SriovPart } from "./sriov-part.ts";

/** Where a fault is: a function by its name, or one of its VFs. */
interface FaultPlace {
  readonly function: string;
  readonly vf?: number;
}

/** What can go wrong with hardware, and what people do to it. */
export type Fault =
  /** The link below a port fails, or comes back. */
  | { readonly kind: "link down" | "link up"; readonly port: string }
  /** The card below a port is pulled out, or put in again. */
  | { readonly kind: "removal" | "insertion"; readonly port: string }
  | { readonly kind: "attention button"; readonly port: string }
  /** The function stops answering, until a conventional reset; or does by itself again. */
  | ({ readonly kind: "hang" | "recovery" } & FaultPlace)
  /** The next read of its memory, or its own next read of memory, brings poisoned data. */
  | ({ readonly kind: "poisoned read" | "poisoned dma" } & FaultPlace)
  /** It detects an error. */
  | ({ readonly kind: "error"; readonly error: UncorrectableError } & FaultPlace)
  /** This VF, whenever it is made, never answers; until its PF's recovery. */
  | { readonly kind: "silent vf"; readonly function: string; readonly vf: number }
  /** Its firmware offers another number of VFs. */
  | { readonly kind: "vfs offered"; readonly function: string; readonly totalVfs: number };

/** What faults are put upon. */
export interface FaultTarget {
  readonly functions: ReadonlyMap<string, PciFunction>;
  /** Cards that are out, by the port that they belong to. */
  readonly removed: Map<string, readonly PciFunction[]>;
}

/** @throws RangeError where there is no such function, or it cannot have this fault */
export function injectFault(machine: FaultTarget, fault: Fault): void {
  switch (fault.kind) {
    case "link down":
    case "link up":
      linkOf(machine, fault.port).setBroken(fault.kind === "link down");
      return;
    case "attention button":
      linkOf(machine, fault.port).pressAttentionButton();
      return;
    case "removal":
      removeCard(machine, fault.port);
      return;
    case "insertion":
      insertCard(machine, fault.port);
      return;
    case "hang":
    case "recovery": {
      const fn = placed(machine, fault);
      fn.faults.hung = fault.kind === "hang";
      if (fault.kind === "recovery" && fn.vfs instanceof SriovPart) fn.vfs.silent.clear();
      fn.surroundings.decodeChanged();
      return;
    }
    case "poisoned read":
      placed(machine, fault).faults.poisonNextRead = true;
      return;
    case "poisoned dma":
      placed(machine, fault).faults.poisonNextDma = true;
      return;
    case "error":
      logError(placed(machine, fault), fault.error);
      return;
    case "silent vf":
      sriovOf(machine, fault.function).silent.add(fault.vf);
      return;
    case "vfs offered":
      sriovOf(machine, fault.function).offerVfs(fault.totalVfs);
      return;
  }
}

function sriovOf(machine: FaultTarget, name: string): SriovPart {
  const { vfs } = functionOf(machine, name);
  if (!(vfs instanceof SriovPart)) throw new RangeError(`${name} has no SR-IOV`);
  return vfs;
}

function removeCard(machine: FaultTarget, portName: string): void {
  const port = portOf(machine, portName);
  const link = linkOf(machine, portName);
  if (port.below.functions.size === 0) throw new RangeError(`there is nothing below ${portName}`);
  port.resetBelow();
  machine.removed.set(portName, port.below.clear());
  link.presenceChanged();
}

function insertCard(machine: FaultTarget, portName: string): void {
  const port = portOf(machine, portName);
  const card = machine.removed.get(portName);
  if (card === undefined) throw new RangeError(`nothing was taken out below ${portName}`);
  machine.removed.delete(portName);
  for (const fn of card) {
    port.below.add(fn);
    fn.powerCycle();
  }
  linkOf(machine, portName).presenceChanged();
}

function placed(machine: FaultTarget, place: FaultPlace): PciFunction {
  const fn = functionOf(machine, place.function);
  if (place.vf === undefined) return fn;
  const vf = fn.vfs?.vf(place.vf);
  if (vf === undefined) throw new RangeError(`${place.function} has no VF ${place.vf} now`);
  return vf;
}

function functionOf({ functions }: FaultTarget, name: string): PciFunction {
  const fn = functions.get(name);
  if (fn === undefined) throw new RangeError(`no function is called ${JSON.stringify(name)}`);
  return fn;
}

function portOf(machine: FaultTarget, name: string): BridgeFunction {
  const fn = functionOf(machine, name);
  if (!(fn instanceof BridgeFunction)) throw new RangeError(`${name} is no port`);
  return fn;
}

function linkOf(machine: FaultTarget, name: string): NonNullable<BridgeFunction["link"]> {
  const { link } = portOf(machine, name);
  if (link === undefined) throw new RangeError(`${name} has no link`);
  return link;
}
