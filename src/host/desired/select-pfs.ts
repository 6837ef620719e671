import { isUnread, known, type Observed, type Unread } from "../../kernel/port.ts";
import { hex } from "../../pci/bdf.ts";
import { nearMiss } from "../../yaml/near-miss.ts";
import { isSimulated } from "../pf-address.ts";
import type { Refusal } from "../plan/plan.ts";
import type { Evidence } from "../preflight/check.ts";
import type { HostState, PfState } from "../state/host-state.ts";
import { fitsPattern } from "./name-pattern.ts";
import { DEVICE_CLASSES, type DeviceClass, type Select } from "./select-schema.ts";

/** Which PFs a selector finds, and why it does not come out as it should. */
export interface Selection {
  readonly pfs: readonly PfState[];
  readonly refusals: readonly Refusal[];
}

interface Key {
  /** As in YAML: `driver: igb`. */
  readonly text: string;
  fits(pf: PfState): Observed<boolean>;
}

const MOST_LISTED = 8;

/**
 * The PFs that fit all keys. One that a fact decides which could not be read neither fits nor is passed over: it is refused by
 * name, since the policy may be about it.
 * @param who as `policy tenant-net`
 */
export function selectPfs({ pfs }: HostState, select: Select, who: string): Selection {
  const keys = keysOf(select);
  const found: PfState[] = [];
  const undecided: Evidence[] = [];
  const { driver, netdev, link: _, match: __, ...ofPci } = select;
  const asksForPci = Object.values(ofPci).some((value) => value !== undefined);
  for (const pf of pfs) {
    // What is simulated is had by its driver's or its interface's name, and never besides cards.
    if (isSimulated(pf.bdf) && (asksForPci || (driver ?? netdev) === undefined)) continue;
    const answers = keys.map((key) => ({ key, answer: key.fits(pf) }));
    if (answers.some(({ answer }) => answer === false)) continue;
    const open = answers.filter((each): each is { key: Key; answer: Unread } => isUnread(each.answer));
    if (open.length === 0) found.push(pf);
    for (const { key, answer } of open) {
      undecided.push({ fact: `${pf.bdf}: whether ${key.text} fits is unknown: ${answer.reason}`, from: answer.path });
    }
  }
  if (undecided.length > 0) {
    return { pfs: found, refusals: [undecidedRefusal(who, undecided)] };
  }
  const { match = "all" } = select;
  const expected = typeof match === "number" ? match : match === "all" ? Math.max(1, found.length) : found.length;
  return { pfs: found, refusals: found.length === expected ? [] : [countRefusal(who, select, keys, pfs, found)] };
}

function undecidedRefusal(who: string, evidence: readonly Evidence[]): Refusal {
  return {
    code: "VFL-0202",
    summary: `${who}: which PFs it selects is unknown`,
    evidence,
    remedy: "make the facts readable (run as root), or select by something else, as bdf",
  };
}

function countRefusal(
  who: string,
  { match, driver, netdev }: Select,
  keys: readonly Key[],
  pfs: readonly PfState[],
  found: readonly PfState[],
): Refusal {
  const names = found.map(({ bdf }) => bdf).join(", ");
  const summary =
    found.length === 0
      ? `${who} selects no PF of this host`
      : `${who} selects ${found.length} PFs (${names}), and says match: ${match}`;
  const alone = keys.map((key) => ({ key, count: pfs.filter((pf) => key.fits(pf) === true).length }));
  const evidence: Evidence[] = [
    ...alone.map(({ key, count }) => ({ fact: `${key.text} alone fits ${count} of ${pfs.length} PFs` })),
    ...pfs.slice(0, MOST_LISTED).map((pf) => ({ fact: describePf(pf) })),
    ...(pfs.length > MOST_LISTED ? [{ fact: `and ${pfs.length - MOST_LISTED} more` }] : []),
  ];
  const names_ = {
    driver: pfs.flatMap((pf) => known(pf.driver) ?? []),
    netdev: pfs.flatMap((pf) => (known(pf.netdevs) ?? []).map(({ name }) => name)),
  };
  const meant =
    (driver !== undefined && meantInstead("driver", driver, names_.driver)) ||
    (netdev !== undefined && meantInstead("netdev", netdev, names_.netdev)) ||
    undefined;
  const usual =
    found.length === 0
      ? "change select to PFs that are there (vfleet scan lists them), or say match: any where none may be there"
      : "make select exact, or say the number that is right";
  return { code: "VFL-0202", summary, evidence, remedy: meant ?? usual };
}

function meantInstead(key: string, given: string, there: readonly string[]): string | undefined {
  const meant = there.includes(given) ? undefined : nearMiss(given, there);
  return meant === undefined ? undefined : `did you mean ${key}: ${meant}?`;
}

/** A PF by what selectors go by. */
function describePf({ bdf, vendorId, deviceId, driver, netdevs }: PfState): string {
  const id = (value: Observed<number>) => (isUnread(value) ? "?" : hex(value, 4));
  const parts = [
    `${id(vendorId)}:${id(deviceId)}`,
    isUnread(driver) ? "driver unknown" : (driver ?? "no driver"),
    ...(isUnread(netdevs) ? [] : netdevs.map(({ name }) => name)),
  ];
  return `${bdf}: ${parts.join(", ")}`;
}

function keysOf(select: Select): readonly Key[] {
  const keys: Key[] = [];
  const add = (text: string, fits: Key["fits"]) => keys.push({ text, fits });
  const { bdf, vendor, device, driver, netdev, serial, slot, numaNode, class: kind, link } = select;
  if (bdf !== undefined) add(`bdf: ${bdf}`, (pf) => fitsPattern(pf.bdf, bdf));
  if (vendor !== undefined) {
    add(`vendor: "${hex(vendor.vendor, 4)}"`, (pf) => when(pf.vendorId, (id) => id === vendor.vendor));
  }
  const wanted = device ?? vendor?.device;
  if (wanted !== undefined) add(`device: "${hex(wanted, 4)}"`, (pf) => when(pf.deviceId, (id) => id === wanted));
  if (driver !== undefined) {
    add(`driver: ${driver}`, (pf) => when(pf.driver, (name) => name !== null && fitsPattern(name, driver)));
  }
  if (netdev !== undefined) {
    add(`netdev: ${netdev}`, (pf) => when(pf.netdevs, (all) => all.some(({ name }) => fitsPattern(name, netdev))));
  }
  if (serial !== undefined) {
    const fits = (text: string | null) => text !== null && fitsPattern(text, serial);
    add(`serial: ${serial}`, (pf) => when(pf.identity.serial, fits));
  }
  if (slot !== undefined) add(`slot: ${slot}`, (pf) => fitsPattern(pf.identity.slotPath, slot));
  if (numaNode !== undefined) add(`numaNode: ${numaNode}`, (pf) => when(pf.numaNode, (node) => node === numaNode));
  if (kind !== undefined) add(`class: ${kind}`, (pf) => when(pf.classCode, (code) => isOfClass(code, kind)));
  if (link !== undefined) add(`link: ${link}`, (pf) => fitsLink(pf, link));
  return keys;
}

function when<T>(value: Observed<T>, fits: (value: T) => boolean): Observed<boolean> {
  return isUnread(value) ? value : fits(value);
}

/** @param code 24 bits: class, subclass, interface */
function isOfClass(code: number, kind: DeviceClass): boolean {
  const classes: readonly number[] = DEVICE_CLASSES[kind];
  return classes.some((each) => each === code >>> 16 || each === code >>> 8);
}

function fitsLink({ netdevs }: PfState, link: "up" | "down"): Observed<boolean> {
  if (isUnread(netdevs)) return netdevs;
  const carriers = netdevs.map(({ carrier }) => carrier);
  if (carriers.includes(true)) return link === "up";
  return carriers.find(isUnread) ?? (link === "down" && netdevs.length > 0);
}
