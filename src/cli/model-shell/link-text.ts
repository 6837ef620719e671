import { textOf } from "./answer.ts";
import type { IpOptions } from "./ip-words.ts";

type Json = Readonly<Record<string, unknown>>;

/** One network device as iproute2's `print_linkinfo` prints it (ip/ipaddress.c), as far as the model knows of it. */
export function linkText(link: Json, { details, statistics }: IpOptions): string {
  const { ifindex, ifname, flags, mtu, operstate, link_type: type, address, broadcast, vfinfo_list: vfs } = link;
  const lines = [
    `${ifindex}: ${ifname}: <${(flags as string[]).join(",")}> mtu ${mtu} state ${operstate} `,
    `    link/${type} ${address} brd ${broadcast}`,
  ];
  if (details && link.parentdev !== undefined) lines[1] += ` parentbus ${link.parentbus} parentdev ${link.parentdev} `;
  for (const vf of Array.isArray(vfs) ? (vfs as Json[]) : []) {
    lines.push(vfLine(vf));
    if (statistics && typeof vf.stats === "object") lines.push(...counterLines(vf.stats as Json));
  }
  if (statistics && typeof link.stats64 === "object") lines.push(...deviceCounters(link.stats64 as Json));
  return textOf(lines);
}

/** `print_stats64` */
function deviceCounters({ rx, tx }: Json): string[] {
  const received = (rx ?? {}) as Json;
  const sent = (tx ?? {}) as Json;
  const row = (values: readonly unknown[]) => `    ${values.join(" ")}`;
  return [
    "    RX: bytes packets errors dropped missed mcast",
    row([
      received.bytes,
      received.packets,
      received.errors,
      received.dropped,
      received.over_errors,
      received.multicast,
    ]),
    "    TX: bytes packets errors dropped carrier collsns",
    row([sent.bytes, sent.packets, sent.errors, sent.dropped, sent.carrier_errors, sent.collisions]),
  ];
}

/** `print_vfinfo` */
function vfLine(vf: Json): string {
  const { vlan_list: vlans, rate, tx_rate: txRate, spoofchk, link_state: state, trust, query_rss_en: rss } = vf;
  const [vlan = {}] = Array.isArray(vlans) ? (vlans as Json[]) : [];
  const limits = (rate ?? {}) as Json;
  const parts = [
    `vf ${vf.vf}     link/${vf.link_type} ${vf.address} brd ${vf.broadcast}`,
    vlan.vlan === undefined ? undefined : `vlan ${vlan.vlan}`,
    vlan.qos === undefined ? undefined : `qos ${vlan.qos}`,
    vlan.protocol === undefined ? undefined : `vlan protocol ${vlan.protocol}`,
    txRate === undefined ? undefined : `tx rate ${txRate} (Mbps)`,
    limits.max_tx ? `max_tx_rate ${limits.max_tx}Mbps` : undefined,
    limits.min_tx ? `min_tx_rate ${limits.min_tx}Mbps` : undefined,
    spoofchk === undefined ? undefined : `spoof checking ${onOff(spoofchk)}`,
    state === undefined ? undefined : `link-state ${state}`,
    trust === undefined ? undefined : `trust ${onOff(trust)}`,
    rss === undefined ? undefined : `query_rss ${onOff(rss)}`,
  ];
  return `    ${parts.filter((part) => part !== undefined).join(", ")}`;
}

/** `print_vf_stats64` */
function counterLines({ rx, tx }: Json): string[] {
  const received = (rx ?? {}) as Json;
  const sent = (tx ?? {}) as Json;
  return [
    "    RX: bytes  packets  mcast   bcast   dropped ",
    `    ${[received.bytes, received.packets, received.multicast, received.broadcast, received.dropped].join(" ")}`,
    "    TX: bytes  packets   dropped ",
    `    ${[sent.tx_bytes ?? sent.bytes, sent.tx_packets ?? sent.packets, sent.dropped].join(" ")}`,
  ];
}

function onOff(value: unknown): string {
  return value ? "on" : "off";
}
