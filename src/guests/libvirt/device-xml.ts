import { DOMImplementation, DOMParser, type Document, type Element, XMLSerializer } from "@xmldom/xmldom";
import { VfleetError } from "../../errors/vfleet-error.ts";
import { isVfioDriver } from "../../host/drivers.ts";
import type { VfForGuest } from "../../host/guest-port.ts";
import { type Bdf, parseBdf } from "../../pci/bdf.ts";
import { addressParts } from "./pci-address.ts";

/** A VF as libvirt's documents describe it (formatdomain.html#usb-pci-scsi-devices, #pci-passthrough-of-a-network-interface). */
export interface VfDevice {
  readonly bdf: Bdf;
  /** A NIC's: libvirt gives it its address and VLAN through the PF as it starts the guest, and takes them back. */
  readonly network: { readonly mac: string | null; readonly vlan: number | null } | null;
  /** Whether libvirt binds it to vfio-pci and back; else it is there already. */
  readonly managed: boolean;
  /** The one that it has now: a variant of vfio-pci, as mlx5_vfio_pci, is to be named. */
  readonly driver?: string | null | undefined;
  /** The alias of the virtio interface that stands in while the VF is away, as `ua-backup0`. */
  readonly standby?: string;
}

/** Attributes and children of an element; what is undefined is left out. */
type Attributes = Readonly<Record<string, string | undefined>>;

const ALIAS = "ua-vfleet-";
const XML_TYPE = "text/xml";

/** The alias of a device that vfleet gives: letters, digits, `-` and `_` (`virDomainDeviceAliasIsUserAlias`). */
export function aliasOf(address: Bdf): string {
  return `${ALIAS}${address.replaceAll(/[:.]/g, "-")}`;
}

/**
 * What libvirt is to set at the PF of a VF; null of what is no NIC, and where libvirt cannot: it gives a tag no priority, and no other
 * protocol than 802.1Q (`virNetDevSetVfVlan`). What the PF has set stays then.
 */
export function networkFor({
  isNetwork,
  mac,
  vlan,
}: Pick<VfForGuest, "isNetwork" | "mac" | "vlan">): VfDevice["network"] {
  if (!isNetwork || (vlan !== null && (vlan.qos > 0 || vlan.protocol !== "802.1Q"))) return null;
  return { mac, vlan: vlan?.id ?? null };
}

/** `<interface type='hostdev'>` of a NIC's VF, `<hostdev>` of any other. */
export function deviceXml(vf: VfDevice): string {
  const document = newDocument(vf.network === null ? "hostdev" : "interface");
  const add = adder(document);
  const root = document.documentElement;
  if (root === null) throw new RangeError("a document has a root");
  const managed = vf.managed ? "yes" : "no";
  if (vf.network === null) setAll(root, { mode: "subsystem", type: "pci", managed });
  else setAll(root, { type: "hostdev", managed });
  add(root, "driver", { name: "vfio", model: variantOf(vf.driver) });
  if (vf.network !== null && vf.network.mac !== null) add(root, "mac", { address: vf.network.mac });
  const source = add(root, "source", {});
  add(source, "address", { ...(vf.network === null ? {} : { type: "pci" }), ...addressParts(vf.bdf) });
  if (vf.network !== null && vf.network.vlan !== null && vf.network.vlan > 0) {
    add(add(root, "vlan", {}), "tag", { id: String(vf.network.vlan) });
  }
  if (vf.standby !== undefined) add(root, "teaming", { type: "transient", persistent: vf.standby });
  add(root, "alias", { name: aliasOf(vf.bdf) });
  return textOf(document);
}

function variantOf(driver: string | null | undefined): string | undefined {
  return driver && driver !== "vfio-pci" && isVfioDriver(driver) ? driver : undefined;
}

/** The virtio interface of a failover pair: it stays with the guest while it moves, and has the VF's MAC address. */
export function standbyXml(parts: { readonly alias: string; readonly mac: string; readonly network: string }): string {
  const document = newDocument("interface");
  const add = adder(document);
  const root = document.documentElement;
  if (root === null) throw new RangeError("a document has a root");
  setAll(root, { type: "network" });
  add(root, "mac", { address: parts.mac });
  add(root, "source", { network: parts.network });
  add(root, "model", { type: "virtio" });
  add(root, "teaming", { type: "persistent" });
  add(root, "alias", { name: parts.alias });
  return textOf(document);
}

/** A network whose guests get a VF each, of these or of a PF's (formatnetwork.html#using-a-macvtap-direct-connection). */
export function networkXml(parts: {
  readonly name: string;
  readonly from: { readonly pfNetdev: string } | { readonly vfs: readonly Bdf[] };
  readonly vlan?: number;
}): string {
  const document = newDocument("network");
  const add = adder(document);
  const root = document.documentElement;
  if (root === null) throw new RangeError("a document has a root");
  const name = add(root, "name", {});
  name.appendChild(document.createTextNode(parts.name));
  const forward = add(root, "forward", { mode: "hostdev", managed: "yes" });
  add(forward, "driver", { name: "vfio" });
  if ("pfNetdev" in parts.from) add(forward, "pf", { dev: parts.from.pfNetdev });
  else for (const each of parts.from.vfs) add(forward, "address", { type: "pci", ...addressParts(each) });
  if (parts.vlan !== undefined) add(add(root, "vlan", {}), "tag", { id: String(parts.vlan) });
  return textOf(document);
}

/** A domain, as far as VFs are concerned. */
export interface Domain {
  readonly name: string;
  readonly uuid: string;
  /** Whether this is what it is now, by the number that it has only while it runs; else what it starts with. */
  readonly isLive: boolean;
  readonly devices: readonly {
    readonly bdf: Bdf;
    readonly alias: string | null;
    readonly byVfleet: boolean;
    readonly managed: boolean;
    /** Of an interface, lower case. */
    readonly mac: string | null;
    /** The whole element, as `detach-device` wants it. */
    readonly xml: string;
  }[];
  /** Of all its interfaces, lower case. */
  readonly macs: readonly string[];
}

/** Reads what `virsh dumpxml` prints. @throws VfleetError VFL-0426 where it is something else */
export function parseDomainXml(text: string): Domain {
  let document: Document;
  try {
    document = new DOMParser({ onError: (level, message) => failOn(level, message) }).parseFromString(text, XML_TYPE);
  } catch (cause) {
    throw new VfleetError("VFL-0426", { message: "virsh printed something else than a domain", cause });
  }
  const root = document.documentElement;
  const [devices] = root === null ? [] : children(root, "devices");
  if (root === null || root.tagName !== "domain") {
    throw new VfleetError("VFL-0426", { message: "virsh printed something else than a domain" });
  }
  const found = devices === undefined ? [] : [...children(devices, "hostdev"), ...children(devices, "interface")];
  return {
    name: children(root, "name")[0]?.textContent ?? "",
    uuid: children(root, "uuid")[0]?.textContent ?? "",
    isLive: root.hasAttribute("id"),
    devices: found.flatMap((device) => {
      const address = sourceAddress(device);
      if (address === undefined) return [];
      const alias = children(device, "alias")[0]?.getAttribute("name") ?? null;
      return [
        {
          bdf: address,
          alias,
          byVfleet: alias === aliasOf(address),
          managed: device.getAttribute("managed") === "yes",
          mac: macOf(device),
          xml: new XMLSerializer().serializeToString(device),
        },
      ];
    }),
    macs: (devices === undefined ? [] : children(devices, "interface")).flatMap((each) => macOf(each) ?? []),
  };
}

function macOf(device: Element): string | null {
  return children(device, "mac")[0]?.getAttribute("address")?.toLowerCase() ?? null;
}

/** Of the host; `<address>` outside of `<source>` is the guest's own. Attributes are hexadecimal with `0x`, or decimal. */
function sourceAddress(device: Element): Bdf | undefined {
  const [source] = children(device, "source");
  const [address] = source === undefined ? [] : children(source, "address");
  if (address === undefined) return undefined;
  const numbers = ["domain", "bus", "slot", "function"].map((name) => Number(address.getAttribute(name) ?? "0"));
  const [domain = 0, bus = 0, slot = 0, fn = 0] = numbers;
  // A mediated device has a UUID, one of USB other numbers.
  if (!address.hasAttribute("slot") || numbers.some(Number.isNaN)) return undefined;
  return parseBdf(`${[domain, bus, slot].map((each) => each.toString(16)).join(":")}.${fn}`);
}

function children(parent: Element, name: string): Element[] {
  return [...parent.childNodes].filter((node): node is Element => node.nodeName === name);
}

function newDocument(root: string): Document {
  return new DOMImplementation().createDocument(null, root);
}

function adder(document: Document): (parent: Element, name: string, attributes: Attributes) => Element {
  return (parent, name, attributes) => {
    const element = document.createElement(name);
    setAll(element, attributes);
    parent.appendChild(element);
    return element;
  };
}

function setAll(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) element.setAttribute(name, value);
}

function textOf(document: Document): string {
  return `${new XMLSerializer().serializeToString(document)}\n`;
}

function failOn(level: string, message: string): void {
  if (level !== "warning") throw new SyntaxError(message);
}
