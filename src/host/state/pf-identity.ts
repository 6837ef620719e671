import { isUnread, known, type Observed, unread } from "../../kernel/port.ts";
import { type Bdf, devfnOf, domainOf, hex } from "../../pci/bdf.ts";
import { PCI_EXT_CAP_ID_DSN } from "../../pci/capability-ids.ts";
import { bridgesAbove, type TopologyNode } from "../../pci/topology.ts";
import type { HostFunction } from "../inventory.ts";
import { sysfsPath } from "../observe.ts";
import type { PfIdentity } from "./host-state.ts";

/** What each of these PFs is known by. */
export function pfIdentities(pfs: readonly HostFunction[]): ReadonlyMap<Bdf, PfIdentity> {
  const serials = pfs.map((pf) => ({ pf, serial: serialOf(pf) }));
  const bySerial = new Map<string, number>();
  for (const { pf, serial } of serials) {
    const name = serialKey(pf, known(serial) ?? null);
    if (name !== null) bySerial.set(name, (bySerial.get(name) ?? 0) + 1);
  }
  return new Map(
    serials.map(({ pf, serial }) => {
      const slotPath = slotPathOf(pf.node);
      const name = serialKey(pf, known(serial) ?? null);
      // Cards that were flashed with one image have one number; a slot each has its own.
      const key = name !== null && bySerial.get(name) === 1 ? name : `slot ${slotPath}`;
      return [pf.bdf, { serial, slotPath, key }];
    }),
  );
}

/** All functions of a device share the number, so the function's own goes with it. */
function serialKey({ bdf }: HostFunction, serial: string | null): string | null {
  return serial === null ? null : `serial ${serial}.${devfnOf(bdf) & 7}`;
}

/** The number of the Device Serial Number capability; one that is all zeros or ones is nobody's. */
function serialOf({ bdf, config, decoded }: HostFunction): Observed<string | null> {
  const capability = decoded.extendedCapabilities.find(({ id }) => id === PCI_EXT_CAP_ID_DSN);
  const serial = capability?.derived.serialNumber;
  if (typeof serial === "string") return /^(?:00|ff)(?:-(?:00|ff)){7}$/.test(serial) ? null : serial;
  if (isUnread(config)) return config;
  const whole = capability === undefined && decoded.space.u8(0x100) !== null;
  return whole
    ? null
    : unread(sysfsPath(bdf, "config"), "EACCES", "the extended capabilities were not readable; run as root");
}

/** Device and function numbers of each bridge and of the function itself, from the root bus on. */
function slotPathOf(node: TopologyNode): string {
  const above = bridgesAbove(node);
  const root = above.at(-1) ?? node;
  const bus = root.bdf.slice(5, 7);
  const places = [...above.toReversed(), node].map(({ bdf }) => `${hex(devfnOf(bdf) >>> 3, 2)}.${devfnOf(bdf) & 7}`);
  return `${hex(domainOf(node.bdf), 4)}:${bus}/${places.join("/")}`;
}
