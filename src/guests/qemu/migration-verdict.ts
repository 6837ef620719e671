/** What is known of the two ends of a move. Plain data, so that the verdict is pure. */
export interface MoveEnd {
  /** Vendor and device ID of the VF, as `8086:10ca`. */
  readonly vfKind: string;
  /** Driver of the VF on the host; null where none is bound. */
  readonly driver: string | null;
  /** Features of VFIO migration that the driver has (VFIO_DEVICE_FEATURE_MIGRATION); null where it has none, or nobody knows. */
  readonly vfio: { readonly preCopy: boolean; readonly p2p: boolean } | null;
  /** Version of the device's firmware; null where it is not known. */
  readonly firmware: string | null;
  /** Model of the guest's processor as QEMU was told, as `host` or `Skylake-Server`. */
  readonly cpu: string;
  readonly mac: string | null;
  readonly vlan: number | null;
}

export interface Move {
  readonly source: MoveEnd;
  readonly destination: MoveEnd;
  /** Whether the guest has a virtio interface with `failover=on` and the VF's MAC address that stands in for it. */
  readonly hasStandby: boolean;
  /** Whether its driver has taken part in it (FAILOVER_NEGOTIATED). */
  readonly standbyNegotiated: boolean;
}

export interface MoveVerdict {
  /** `vfio`: the VF's state moves with the guest. `failover`: the guest does without the VF while it moves. */
  readonly way: "vfio" | "failover" | "none";
  /** Why not a better way, and what to know of this one. */
  readonly reasons: readonly string[];
}

/** The best way to move a guest with its VF, and why it is that one. */
export function judgeMove({ source, destination, hasStandby, standbyNegotiated }: Move): MoveVerdict {
  const never = [
    ...(source.cpu === destination.cpu
      ? []
      : [`the guest's processor is ${source.cpu} here and ${destination.cpu} there`]),
    ...(source.vlan === destination.vlan
      ? []
      : [`the VF's VLAN is ${source.vlan ?? "none"} here and ${destination.vlan ?? "none"} there`]),
  ];
  if (never.length > 0) return { way: "none", reasons: never };
  const notByVfio = vfioObstacles(source, destination);
  if (notByVfio.length === 0) {
    const slow = source.vfio?.preCopy
      ? []
      : ["without PRE_COPY the VF's whole state moves while the guest stands still"];
    return { way: "vfio", reasons: slow };
  }
  const notByFailover = [
    ...(hasStandby ? [] : ["the guest has no virtio interface with failover=on and the VF's MAC address"]),
    ...(hasStandby && !standbyNegotiated ? ["the guest's driver does not know failover (net_failover)"] : []),
    ...(source.mac === null ? ["the VF has no MAC address that its PF administers"] : []),
  ];
  if (notByFailover.length === 0) return { way: "failover", reasons: notByVfio };
  return { way: "none", reasons: [...notByVfio, ...notByFailover] };
}

function vfioObstacles(source: MoveEnd, destination: MoveEnd): readonly string[] {
  const found: string[] = [];
  for (const [end, where] of [[source, "here"] as const, [destination, "there"] as const]) {
    if (end.vfio === null)
      found.push(`the driver ${end.driver ?? "that is not there"} ${where} does not move a VF's state`);
  }
  if (source.vfKind !== destination.vfKind)
    found.push(`the VF is ${source.vfKind} here and ${destination.vfKind} there`);
  if (found.length > 0) return found;
  if (source.vfio?.p2p !== destination.vfio?.p2p) found.push("one end knows RUNNING_P2P, the other does not");
  if (source.firmware !== destination.firmware) {
    found.push(`the firmware is ${source.firmware ?? "unknown"} here and ${destination.firmware ?? "unknown"} there`);
  }
  return found;
}
