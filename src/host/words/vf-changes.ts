import { ZERO_MAC } from "../desired/mac-addresses.ts";
import { formatVfs } from "../desired/vf-range.ts";
import type { Attachment } from "../guest-port.ts";
import type { Step, StepOf, VfSettingChange } from "../plan/step.ts";

/** VFs of a PF that change alike, and how. */
export interface VfsChange {
  /** `VF 0-3,6` */
  readonly vfs: string;
  /** `mac 02:…:01 and 3 more, driver igbvf -> vfio-pci, vlan 100 -> 200` */
  readonly text: string;
}

/** What is told of one VF. */
interface VfChanges {
  driver: string | undefined;
  mac: string | undefined;
  readonly parts: string[];
}

const SETTING_WORDS: Readonly<Record<string, string>> = {
  spoofCheck: "spoof check",
  linkState: "link state",
  queryRss: "RSS query",
  nodeGuid: "node GUID",
  portGuid: "port GUID",
};

/**
 * What steps change of VFs, old -> new; VFs of which all reads alike are one line, wherever they stand, and so are those that
 * differ in their addresses alone.
 */
export function vfChanges(steps: readonly Step[]): readonly VfsChange[] {
  // Of a VF that is made by the same steps there is nothing that was.
  const fresh = steps.some(({ kind }) => kind === "setNumVfs");
  const changes = new Map<number, VfChanges>();
  const of = (vfIndex: number): VfChanges => {
    const found = changes.get(vfIndex) ?? { driver: undefined, mac: undefined, parts: [] };
    changes.set(vfIndex, found);
    return found;
  };
  const bound = new Map<number, StepOf<"bindDriver">[]>();
  for (const step of steps) {
    switch (step.kind) {
      case "bindDriver":
        bound.set(step.vfIndex, [...(bound.get(step.vfIndex) ?? []), step]);
        break;
      case "setVfNetwork":
        for (const change of step.changes) addSettings(of(change.to.vfIndex), change, fresh);
        break;
      case "setMsixCount":
        of(step.vfIndex).parts.push(`MSI-X vectors ${arrow(step.from, step.to)}`);
        break;
      case "assignNvmeResources":
        addResource(of(step.vfIndex), step, fresh);
        break;
      case "setNvmeOnline":
        setOnline(of(step.vfIndex), step.to);
        break;
      case "resetVf":
        of(step.vfIndex).parts.push("reset");
        break;
      case "attachGuest":
        of(step.vfIndex).parts.push(`to ${step.guest}${attachmentWords(step.attachment)}`);
        break;
      case "detachGuest":
        of(step.vfIndex).parts.push(`from ${step.guest}${attachmentWords(step.attachment)}`);
        break;
    }
  }
  for (const [vfIndex, each] of bound) of(vfIndex).driver = driverText(each, fresh);
  return fold([...changes].sort(([a], [b]) => a - b));
}

/** `, live and in its definition`; nothing of a guest that has no definition. */
export function attachmentWords({ place, managed }: Attachment = {}): string {
  const where = { live: "", definition: ", in its definition", both: ", live and in its definition" };
  return `${where[place ?? "live"]}${managed ? ", bound by libvirt" : ""}`;
}

/** `VF 3`, `VF 0-3,6`. */
export function vfsText(vfs: readonly number[]): string {
  return `VF ${formatVfs(vfs)}`;
}

/** A VF may be unbound first, and bound when the rest is done. */
function driverText(steps: readonly StepOf<"bindDriver">[], fresh: boolean): string {
  const [first] = steps;
  const last = steps.at(-1);
  if (first === undefined || last === undefined) return "";
  const wasDefault = first.fromOverride === null;
  if (steps.length > 1 && (last.to === first.from || (last.to === "default" && wasDefault))) {
    return `driver ${first.from} bound anew`;
  }
  return `driver ${fresh ? last.to : arrow(first.from ?? "none", last.to)}`;
}

/** `from` has those that differ; what the kernel takes with them stays as it is, and is no news. */
function addSettings(changes: VfChanges, { from, to }: VfSettingChange, fresh: boolean): void {
  const { vfIndex: _, mac, vlan, txRateMbps, ...plain } = to;
  const was = (name: string) => (fresh ? null : (from[name] ?? null));
  const { parts } = changes;
  if (mac !== undefined) {
    const old = was("mac");
    changes.mac = arrow(old === ZERO_MAC ? null : old, mac === ZERO_MAC ? "none" : mac);
  }
  if (vlan !== undefined) {
    const [onlyQos, onlyProtocol] = ["qos" in from, "vlanProtocol" in from];
    const none = (id: unknown) => (id === 0 ? "none" : id === null ? null : String(id));
    if ("vlan" in from || !(onlyQos || onlyProtocol)) parts.push(`vlan ${arrow(none(was("vlan")), none(vlan.id))}`);
    if (onlyQos) parts.push(`qos ${arrow(was("qos"), vlan.qos ?? 0)}`);
    if (onlyProtocol) parts.push(`vlan protocol ${arrow(was("vlanProtocol"), vlan.protocol ?? "802.1Q")}`);
  }
  if (txRateMbps !== undefined) {
    const { max, min } = txRateMbps;
    const onlyMin = "minTxRateMbps" in from;
    if ("maxTxRateMbps" in from || !onlyMin) parts.push(`max rate ${rateArrow(was("maxTxRateMbps"), max)}`);
    if (onlyMin) parts.push(`min rate ${rateArrow(was("minTxRateMbps"), min ?? 0)}`);
  }
  for (const [name, value] of Object.entries(plain)) {
    parts.push(`${SETTING_WORDS[name] ?? name} ${arrow(onOff(was(name)), onOff(value))}`);
  }
}

function rateArrow(from: string | number | boolean | null, to: number): string {
  const rate = (value: unknown) => (value === 0 ? "no limit" : `${value} Mbit/s`);
  return arrow(from === null ? null : rate(from), rate(to));
}

/** Some are taken back before others can be given out: the first and the last of them count. */
function addResource(changes: VfChanges, step: StepOf<"assignNvmeResources">, fresh: boolean): void {
  const word = step.resource === "vq" ? "queues" : "interrupts";
  const place = changes.parts.findIndex((part) => part.startsWith(`${word} `));
  if (place >= 0) changes.parts.splice(place, 1);
  changes.parts.push(`${word} ${fresh && step.from === 0 ? step.to : arrow(step.from, step.to)}`);
}

/** Offline first, so that it can be given something else: only the last counts, and both say that it was interrupted. */
function setOnline({ parts }: VfChanges, online: boolean): void {
  const place = parts.indexOf("offline");
  if (place < 0) parts.push(online ? "online" : "offline");
  else if (online) parts[place] = "offline and online again";
}

function onOff(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return value === true ? "on" : value === false ? "off" : String(value);
}

function arrow(from: string | number | boolean | null, to: string | number | null): string {
  return from === null ? String(to) : `${from} -> ${to}`;
}

function fold(vfs: ReadonlyArray<readonly [number, VfChanges]>): VfsChange[] {
  const alike = Map.groupBy(vfs, ([, { driver, mac, parts }]) => JSON.stringify([driver, mac !== undefined, parts]));
  return [...alike.values()].map((each) => {
    const [, { driver, parts }] = each[0] as (typeof each)[number];
    const macs = new Set(each.flatMap(([, { mac }]) => mac ?? []));
    const [mac] = macs;
    const more = macs.size > 1 ? ` and ${macs.size - 1} more` : "";
    const text = [mac === undefined ? "" : `mac ${mac}${more}`, driver ?? "", ...parts].filter(Boolean).join(", ");
    return { vfs: vfsText(each.map(([vfIndex]) => vfIndex)), text };
  });
}
