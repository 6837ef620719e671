import type { Bdf } from "../../../pci/bdf.ts";
import type { NetLink, NetRoute } from "../../port-use-facts.ts";

/** A link, and whether nothing tells which device it belongs to: an old kernel or `ip` does not print it. */
export interface ParsedLink extends NetLink {
  readonly ownerUnknown: boolean;
}

/** Interfaces whose `link` is no interface below them, but their other end. */
const PAIRS = new Set(["veth", "netkit"]);

/**
 * Reads what `ip -json -details address show` prints.
 * @param ownersOnBus whose a device is, that is named by bus (IFLA_PARENT_DEV_BUS_NAME, IFLA_PARENT_DEV_NAME).
 * @returns undefined where the text is not that.
 */
export function parseLinks(
  json: string,
  ownersOnBus: (bus: string, name: string) => readonly Bdf[],
): ParsedLink[] | undefined {
  const records = parseRecords(json);
  if (records === undefined) return undefined;
  const byName = new Map(records.map((record) => [text(record.ifname), number(record.ifindex)]));
  return records.flatMap((record) => {
    const ifindex = number(record.ifindex);
    const name = text(record.ifname);
    if (ifindex === undefined || name === undefined) return [];
    const kind = isRecord(record.linkinfo) ? text(record.linkinfo.info_kind) : undefined;
    const bus = text(record.parentbus);
    const device = text(record.parentdev);
    const lowerName = text(record.link);
    const isPair = kind !== undefined && PAIRS.has(kind);
    const lowerIndex = number(record.link_index) ?? (lowerName === undefined ? undefined : byName.get(lowerName));
    const type = text(record.link_type);
    return [
      {
        ifindex,
        name,
        up: Array.isArray(record.flags) && record.flags.includes("UP"),
        kind,
        functions: bus === undefined || device === undefined ? [] : ownersOnBus(bus, device),
        master: text(record.master),
        lowerIfindex: isPair ? undefined : lowerIndex,
        lowerElsewhere: !isPair && record.link_netnsid !== undefined,
        addresses: list(record.addr_info).flatMap(address),
        xdp: xdpOf(record.xdp),
        // Hardware has no kind, and a device unless the kernel or `ip` is old.
        ownerUnknown: kind === undefined && device === undefined && (type === "ether" || type === "infiniband"),
      },
    ];
  });
}

/** Reads what `ip -json -details route show table all` prints, without the routes that come with an address. */
export function parseRoutes(json: string): NetRoute[] | undefined {
  return parseRecords(json)?.flatMap((record) => {
    const destination = text(record.dst);
    const netdevs = [record, ...list(record.nexthops)].flatMap(({ dev }) => text(dev) ?? []);
    // The kernel's own, RTPROT_KERNEL: the network, broadcast and local routes of each address, IPv6 multicast.
    if (destination === undefined || netdevs.length === 0 || record.protocol === "kernel") return [];
    // A gateway of the other family, as IPv4 by IPv6 has (RFC 5549).
    const via = isRecord(record.via) ? text(record.via.host) : undefined;
    const table = text(record.table) ?? String(number(record.table) ?? "main");
    return [{ destination, gateway: text(record.gateway) ?? via, table, netdevs }];
  });
}

/**
 * Reads /proc/net/packet: `sk RefCnt Type Proto Iface R Rmem User Inode` (`packet_seq_show`, net/packet/af_packet.c).
 * Iface 0 is any interface, and nobody's use.
 */
export function parsePacketSockets(table: string): ReadonlyArray<{ ifindex: number; inode: number }> {
  return table.split("\n").flatMap((line) => {
    const columns = line.trim().split(/\s+/);
    const ifindex = Number(columns[4]);
    const inode = Number(columns[8]);
    return Number.isInteger(ifindex) && ifindex > 0 && Number.isInteger(inode) ? [{ ifindex, inode }] : [];
  });
}

function address(record: Record<string, unknown>): { address: string; scope: string }[] {
  const local = text(record.local);
  if (local === undefined) return [];
  return [{ address: `${local}/${number(record.prefixlen) ?? "?"}`, scope: text(record.scope) ?? "unknown" }];
}

/** `{"mode": 2, "prog": {"id": 12}}`; several where `attached` lists them (iproute2's `xdp_dump_json`). */
function xdpOf(value: unknown): string | undefined {
  if (!isRecord(value)) return undefined;
  const attached = [value, ...list(value.attached)];
  const ids = attached.flatMap(({ prog }) => (isRecord(prog) ? (number(prog.id) ?? []) : []));
  return ids.length > 0 ? `program ${ids.join(", ")}` : "a program";
}

/** `ip` prints nothing at all, not even [], where there is nothing. */
function parseRecords(json: string): Record<string, unknown>[] | undefined {
  if (json.trim() === "") return [];
  try {
    const parsed: unknown = JSON.parse(json);
    return Array.isArray(parsed) ? parsed.filter(isRecord) : undefined;
  } catch {
    return undefined;
  }
}

function list(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function number(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
