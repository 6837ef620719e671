import {
  PCI_ACS_CR,
  PCI_ACS_DT,
  PCI_ACS_EC,
  PCI_ACS_RR,
  PCI_ACS_SV,
  PCI_ACS_TB,
  PCI_ACS_UF,
} from "../pci/acs-quirks.ts";
import { ACS } from "../pci/extended/acs.ts";
import { type AddressRange, BridgeFunction, type Bus, busOf } from "./bridge-function.ts";
import { collectFrom, type Decoded } from "./decode-map.ts";
import type { PrefixStop } from "./pasid-request.ts";
import type { PciFunction } from "./pci-function.ts";

/** Where a memory request of a function ends up before any IOMMU sees it. */
export type RequestRoute =
  /** At the root, whose IOMMU translates it. */
  | { readonly kind: "root" }
  /** At a peer, without having been at the root: no IOMMU has seen it. */
  | { readonly kind: "peer"; readonly target: Decoded }
  /** An ACS Violation at `by`. */
  | { readonly kind: "blocked"; readonly by: PciFunction; readonly why: number }
  /** Nothing takes it: it came to a port that does not send it back to where it came from. */
  | { readonly kind: "unsupported"; readonly at: PciFunction }
  | PrefixStop
  /** The IOMMU did not let it pass, or nothing is where it went. */
  | { readonly kind: "fault" }
  /** The data that came back is marked as bad. */
  | { readonly kind: "poisoned" };

const ROOT = { kind: "root" } as const;
const PCI_ACS_CTRL = 0x06;
const PCI_ACS_EGRESS_CTL_V = 0x08;
const PCI_EXP_LNKCAP = 0x0c;

/** The ACS controls of a port or function; 0 where it has none. */
function acsControl(fn: PciFunction): number {
  const at = fn.template.offsetOf(ACS, true);
  return at === undefined ? 0 : fn.config.read(at + PCI_ACS_CTRL, 2);
}

/**
 * The way of a memory request from a function upwards (PCIe 6.0 §6.12).
 * @param translated it carries a translated address, of ATS.
 */
export function routeRequest(
  fn: PciFunction,
  bus: Bus,
  requesterId: number,
  address: number,
  translated: boolean,
): RequestRoute {
  let from = fn;
  for (let on = bus; ; ) {
    const peer = peerOn(on, from, address);
    if (peer !== undefined) {
      const turned = towardsPeer(from, peer, translated);
      if (turned !== undefined) return turned;
    }
    const port = on.bridge;
    if (port === undefined) return ROOT;
    if (port.leadsToLink) {
      const stopped = atPort(port, requesterId, address, translated);
      if (stopped !== undefined) return stopped;
    }
    from = port;
    on = port.bus as Bus;
  }
}

/** The way of a completion. */
export type CompletionRoute =
  /** By the root, which sends it down again. */
  | { readonly kind: "root" }
  /** Straight to the requester. */
  | { readonly kind: "peer" }
  /** An Unexpected Completion at `at`: it would have to go back where it came from. */
  | { readonly kind: "unexpected"; readonly at: PciFunction };

/**
 * The way of a completion from a function to who asked it: by the requester's ID, and up to the root where P2P Completion
 * Redirect says so, which lets those with Relaxed Ordering pass (PCIe 6.0 §6.12.3). Egress Control is for requests alone.
 */
export function routeCompletion(completer: PciFunction, requesterId: number, relaxedOrdering = false): CompletionRoute {
  const requesterBus = requesterId >>> 8;
  const takes = (fn: PciFunction): boolean =>
    fn instanceof BridgeFunction
      ? fn.forwardsBus(requesterBus)
      : fn.routingId === requesterId || fn.vfs?.byRoutingId(requesterId) !== undefined;
  let from = completer;
  for (let on = busOf(completer); ; ) {
    if (peersOf(on, from).some(takes)) {
      if (relaxedOrdering || (acsControl(from) & PCI_ACS_CR) === 0) return { kind: "peer" };
    }
    const port = on.bridge;
    if (port === undefined) return ROOT;
    if (port.leadsToLink && port.forwardsBus(requesterBus) && (acsControl(port) & PCI_ACS_UF) === 0) {
      return { kind: "unexpected", at: port };
    }
    from = port;
    on = port.bus as Bus;
  }
}

/** Ranges in which {@link routeRequest} may answer anything but the root, or an IOMMU never be asked. */
export function divertedRanges(fn: PciFunction, bus: Bus): AddressRange[] {
  const ranges: AddressRange[] = [];
  let from = fn;
  for (let on: Bus | undefined = bus; on !== undefined; ) {
    for (const peer of peersOf(on, from)) {
      ranges.push(...peer.claims());
      if (peer instanceof BridgeFunction) ranges.push(...peer.windows());
    }
    const port: BridgeFunction | undefined = on.bridge;
    if (port === undefined) break;
    if (port.leadsToLink) ranges.push(...port.windows());
    from = port;
    on = port.bus;
  }
  return ranges;
}

/** What a request from `from` can reach on this bus without going further up. */
function peersOf(bus: Bus, from: PciFunction): PciFunction[] {
  const others = [...bus.functions.values()].filter((fn) => fn !== from && fn !== from.pf);
  if (bus.bridge?.leadsToLink) return from.peerToPeer ? others : [];
  // Ports of a switch, and of the root complex, pass requests on to each other.
  if (from instanceof BridgeFunction) return others;
  // An integrated endpoint reaches the functions of its own device; anything else by way of the root.
  return from.peerToPeer ? others.filter((fn) => fn.devfn >>> 3 === from.devfn >>> 3) : [];
}

interface Peer {
  readonly fn: PciFunction;
  readonly target: Decoded;
}

function peerOn(bus: Bus, from: PciFunction, address: number): Peer | undefined {
  const range = [{ start: address, end: address + 1 }];
  for (const fn of peersOf(bus, from)) {
    const found: Decoded[] = [];
    collectFrom(fn, bus, range, found);
    const target = found[0];
    if (target !== undefined) return { fn, target };
  }
  return undefined;
}

/** What the controls of `from` say to a request for a peer: undefined where it is redirected upwards. */
function towardsPeer(from: PciFunction, { fn, target }: Peer, translated: boolean): RequestRoute | undefined {
  const control = acsControl(from);
  // Direct Translated P2P goes before the two others (PCIe 6.0 §6.12.3).
  if (translated && (control & PCI_ACS_DT) !== 0) return { kind: "peer", target };
  const redirected = (control & PCI_ACS_RR) !== 0;
  if ((control & PCI_ACS_EC) !== 0) {
    if (!egressBit(from, fn)) return { kind: "peer", target };
    return redirected ? undefined : { kind: "blocked", by: from, why: PCI_ACS_EC };
  }
  return redirected ? undefined : { kind: "peer", target };
}

/** The bit of the Egress Control Vector for a peer: by port number, in a multi-function device by function (§7.7.11.4). */
function egressBit(from: PciFunction, peer: PciFunction): boolean {
  const at = from.template.offsetOf(ACS, true);
  if (at === undefined) return false;
  const linkCapabilities = peer.express(PCI_EXP_LNKCAP);
  const isPort = from instanceof BridgeFunction && linkCapabilities !== undefined;
  const index = isPort ? peer.config.read(linkCapabilities, 4) >>> 24 : peer.devfn & 0xff;
  const dword = from.config.read(at + PCI_ACS_EGRESS_CTL_V + (index >>> 5) * 4, 4);
  return ((dword >>> (index & 31)) & 1) !== 0;
}

/** What a port does with a request that came to it over its link. */
function atPort(
  port: BridgeFunction,
  requesterId: number,
  address: number,
  translated: boolean,
): RequestRoute | undefined {
  const control = acsControl(port);
  const bus = requesterId >>> 8;
  if ((control & PCI_ACS_SV) !== 0 && (bus < port.secondaryBus || bus > port.subordinateBus)) {
    return { kind: "blocked", by: port, why: PCI_ACS_SV };
  }
  if (translated && (control & PCI_ACS_TB) !== 0) return { kind: "blocked", by: port, why: PCI_ACS_TB };
  // A request for something below the port would have to go back where it came from; Upstream Forwarding sends it on up.
  const below = port.windows().some(({ start, end }) => address >= start && address < end);
  return below && (control & PCI_ACS_UF) === 0 ? { kind: "unsupported", at: port } : undefined;
}
