import { hex } from "../../../src/pci/bdf.ts";
import type { GuestObject, PfObject, VfObject } from "./chosen.ts";

/** One thing that is known of something, or is not. */
export interface Fact {
  readonly label: string;
  /** null: unknown. */
  readonly value: string | null;
  /** Of what is unknown: why. Of what is known: what else there is to say. */
  readonly note?: string;
}

type Unknown = Readonly<Record<string, string>>;
type Netdev = NonNullable<PfObject["status"]["netdevs"]>[number];

export function pfFacts({ metadata, status }: PfObject): readonly Fact[] {
  const { unknown } = status;
  const fact = factsOf(unknown);
  return [
    { label: "Address", value: metadata.name },
    fact("Device", "deviceId", status.device),
    { label: "IDs", ...idsOf(status.vendorId, status.deviceId, unknown) },
    fact("Driver", "driver", status.driver, "none is bound"),
    fact("VFs", "numVfs", status.numVfs === null ? null : vfsText(status)),
    ...netdevFacts(status.netdevs, unknown),
    ...(status.nvmeController === null ? [] : [{ label: "Controller", value: status.nvmeController }]),
    fact("NUMA node", "numaNode", status.numaNode, "none: the firmware tells of no node"),
    fact("eSwitch", "eswitchMode", status.eswitchMode, "none that devlink shows"),
    fact("Default route", "carriesDefaultRoute", routeText(status.carriesDefaultRoute)),
    { label: "Known by", value: status.key, note: "stays when addresses move" },
  ];
}

export function vfFacts({ status }: VfObject): readonly Fact[] {
  const fact = factsOf(status.unknown);
  return [
    { label: "Address", value: status.bdf ?? "none: it is no PCI function" },
    { label: "Guest", value: status.guest ?? "none has it" },
    fact("Driver", "driver", status.driver, "none is bound"),
    ...netdevFacts(status.netdevs, status.unknown),
    fact("IOMMU group", "iommuGroup", status.iommuGroup, "none: no IOMMU covers it"),
    fact("MSI-X vectors", "msixCount", status.msixCount, "none"),
  ];
}

export function guestFacts({ status }: GuestObject): readonly Fact[] {
  const { running, pid, uuid, unreachable } = status;
  return [
    { label: "State", value: running ? "running" : "not running" },
    ...(pid === null ? [] : [{ label: "Process", value: String(pid) }]),
    ...(uuid === null ? [] : [{ label: "UUID", value: uuid }]),
    { label: "VFs can be given to it", value: unreachable === null ? "yes" : `no: ${unreachable}` },
  ];
}

/** What makes a fact of a field; null with no reason means that there is none. */
function factsOf(unknown: Unknown) {
  return (label: string, field: string, value: string | number | null, none = ""): Fact => {
    if (value !== null) return { label, value: String(value) };
    const reason = unknown[field];
    if (reason !== undefined) return { label, value: null, note: reason };
    return none === "" ? { label, value: null } : { label, value: none };
  };
}

function idsOf(vendorId: number | null, deviceId: number | null, unknown: Unknown): Omit<Fact, "label"> {
  if (vendorId !== null && deviceId !== null) return { value: `${hex(vendorId, 4)}:${hex(deviceId, 4)}` };
  return { value: null, note: unknown.vendorId ?? unknown.deviceId ?? "they were not read" };
}

/** `7 of at most 7 (the hardware has 8)` */
function vfsText({ numVfs, driverLimit, totalVfs }: PfObject["status"]): string {
  const limit = driverLimit ?? totalVfs;
  if (limit === null) return `${numVfs}; how many there can be is unknown`;
  const lowered = totalVfs !== null && totalVfs !== limit ? ` (the hardware has ${totalVfs})` : "";
  return `${numVfs} of at most ${limit}${lowered}`;
}

function routeText(carries: boolean | null): string | null {
  return carries === null ? null : carries ? "goes over it: take care" : "does not go over it";
}

function netdevFacts(netdevs: readonly Netdev[] | null, unknown: Unknown): readonly Fact[] {
  if (netdevs === null) return [factsOf(unknown)("Interface", "netdevs", null)];
  return netdevs.map((netdev) => ({ label: "Interface", value: netdevText(netdev) }));
}

/** `eth0: 00:1b:21:00:81:00, MTU 1500, up, link` */
function netdevText({ name, mac, mtu, up, carrier }: Netdev): string {
  const link = up === false ? "down" : `${up === null ? "up or down unknown" : "up"}, ${linkText(carrier)}`;
  return `${name}: ${mac ?? "MAC unknown"}, MTU ${mtu ?? "unknown"}, ${link}`;
}

function linkText(carrier: boolean | null): string {
  return carrier === null ? "link unknown" : carrier ? "link" : "no link";
}

/** What is shown of any function (`GET /hosts/HOST/functions/BDF`). */
export interface ShownFunction {
  readonly name: string | null;
  readonly vendorId: number | null;
  readonly deviceId: number | null;
  readonly driver: string | null;
  readonly iommuGroup: number | null;
  readonly numaNode: number | null;
  readonly parent: string | null;
  readonly attributes: ReadonlyArray<{ readonly name: string; readonly value: string | null }>;
  readonly unknown: Unknown;
}

export function functionFacts(shown: ShownFunction): readonly Fact[] {
  const fact = factsOf(shown.unknown);
  return [
    fact("Device", "vendorId", shown.name),
    { label: "IDs", ...idsOf(shown.vendorId, shown.deviceId, shown.unknown) },
    fact("Driver", "driver", shown.driver, "none is bound"),
    fact("NUMA node", "numaNode", shown.numaNode, "none: the firmware tells of no node"),
    fact("IOMMU group", "iommuGroup", shown.iommuGroup, "none: no IOMMU covers it"),
    ...shown.attributes.map(({ name, value }) => ({ label: name, value })),
  ];
}
