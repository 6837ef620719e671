/** The settings of one VF that its PF's driver holds, as rtnetlink reports them; null where the driver reports none. */
export interface VfInfo {
  readonly vfIndex: number;
  /** The administrative MAC address; all zeros where the VF chooses its own. */
  readonly mac: string | null;
  /** 0 where there is none. */
  readonly vlan: number | null;
  readonly qos: number | null;
  readonly vlanProtocol: string | null;
  readonly minTxRateMbps: number | null;
  /** 0 where there is no limit. */
  readonly maxTxRateMbps: number | null;
  readonly spoofCheck: boolean | null;
  readonly trust: boolean | null;
  /** `auto`, `enable` or `disable`. */
  readonly linkState: string | null;
  readonly queryRss: boolean | null;
  /** EUI-64, of InfiniBand. */
  readonly nodeGuid: string | null;
  readonly portGuid: string | null;
  /** null where nobody asked (`ip` without `-statistics`). The kernel prints zeros where the driver counts nothing. */
  readonly counters: VfCounters | null;
}

/** Since the VF was made, or its driver chose to begin. Above 2^53 they are rounded, as JSON's numbers are. */
interface VfCounters {
  readonly rxBytes: number | null;
  readonly rxPackets: number | null;
  readonly rxMulticast: number | null;
  readonly rxBroadcast: number | null;
  readonly rxDropped: number | null;
  readonly txBytes: number | null;
  readonly txPackets: number | null;
  readonly txDropped: number | null;
}

/**
 * Reads the VFs out of what `ip -json -details -statistics link show dev PF` prints (iproute2's `print_vfinfo` over
 * IFLA_VFINFO_LIST).
 * @returns undefined where the text is not that; an empty list for an interface whose driver has no VFs.
 */
export function parseVfInfo(json: string): readonly VfInfo[] | undefined {
  const links = parseLinks(json);
  if (links === undefined) return undefined;
  return vfInfosOf(links.find((link) => "vfinfo_list" in link) ?? {});
}

/** As {@link parseVfInfo}, of one link's JSON. */
export function vfInfosOf(link: Readonly<Record<string, unknown>>): readonly VfInfo[] | undefined {
  const list = link.vfinfo_list ?? [];
  if (!Array.isArray(list)) return undefined;
  return list.filter(isRecord).flatMap((entry) => {
    const { vf, vlan_list: vlans, rate, link_state: linkState } = entry;
    if (typeof vf !== "number") return [];
    const vlan = Array.isArray(vlans) && isRecord(vlans[0]) ? vlans[0] : {};
    const limits = isRecord(rate) ? rate : {};
    return [
      {
        vfIndex: vf,
        // `mac` before iproute2 5.8.
        mac: text(entry.address ?? entry.mac),
        // The driver told of VLANs, and this VF has none.
        vlan: number(vlan.vlan) ?? (Array.isArray(vlans) ? 0 : null),
        qos: number(vlan.qos),
        vlanProtocol: text(vlan.protocol),
        minTxRateMbps: number(limits.min_tx),
        maxTxRateMbps: number(limits.max_tx),
        spoofCheck: flag(entry.spoofchk),
        trust: flag(entry.trust),
        linkState: text(linkState),
        queryRss: flag(entry.query_rss_en),
        // iproute2's keys do have the blank.
        nodeGuid: text(entry["node guid"]),
        portGuid: text(entry["port guid"]),
        counters: isRecord(entry.stats) ? countersOf(entry.stats) : null,
      },
    ];
  });
}

function countersOf({ rx, tx }: Record<string, unknown>): VfCounters {
  const received = isRecord(rx) ? rx : {};
  const sent = isRecord(tx) ? tx : {};
  return {
    rxBytes: number(received.bytes),
    rxPackets: number(received.packets),
    rxMulticast: number(received.multicast),
    rxBroadcast: number(received.broadcast),
    rxDropped: number(received.dropped),
    // `print_vf_stats64` of iproute2 6.1 to 6.15 has these two with a prefix, unlike the others.
    txBytes: number(sent.tx_bytes ?? sent.bytes),
    txPackets: number(sent.tx_packets ?? sent.packets),
    txDropped: number(sent.dropped),
  };
}

/** Of the same JSON, the name and the VFs alone: what a capture keeps. Undefined where the text is something else. */
export function vfInfoJson(json: string): string | undefined {
  const links = parseLinks(json)?.map(({ ifname, vfinfo_list: list }) => ({ ifname, vfinfo_list: list }));
  return links && `${JSON.stringify(links)}\n`;
}

function parseLinks(json: string): Record<string, unknown>[] | undefined {
  try {
    const parsed: unknown = JSON.parse(json);
    return Array.isArray(parsed) ? parsed.filter(isRecord) : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function number(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

function flag(value: unknown): boolean | null {
  return typeof value === "boolean" ? value : null;
}
