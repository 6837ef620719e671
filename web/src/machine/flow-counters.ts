import type { PfObject, VfObject } from "../panel/chosen.ts";

/** A VF by its index, or the PF itself. */
type End = number | "pf";

/** Traffic of a modelled machine, as the API has it: as far as it is counted here. */
export interface Flow {
  readonly netdev: string;
  readonly from: End;
  readonly to: End;
  readonly bytes: number;
  readonly sent: number;
  readonly received: number;
  readonly dropped: { readonly spoofed: number; readonly notFetched: number; readonly noDescriptor: number };
}

/** By the names that a VF's settings have them. */
interface Counted {
  rxBytes: number;
  rxPackets: number;
  rxDropped: number;
  txBytes: number;
  txPackets: number;
  txDropped: number;
}

/**
 * VFs with the counters that the flows of a modelled machine come to, where the PF's driver counts nothing of them: igb, as in Linux,
 * does not. VFs that no flow begins or ends at stay as they are.
 */
export function withFlowCounters(
  vfs: readonly VfObject[],
  pfs: readonly PfObject[],
  flows: readonly Flow[],
): readonly VfObject[] {
  if (flows.length === 0) return vfs;
  const counted = countersOf(pfs, flows);
  return vfs.map((vf) => {
    const { settings } = vf.status;
    const counters = counted.get(vf.metadata.name);
    if (counters === undefined || (settings?.counters ?? null) !== null) return vf;
    return { ...vf, status: { ...vf.status, settings: { ...settings, counters } } };
  });
}

function countersOf(pfs: readonly PfObject[], flows: readonly Flow[]): ReadonlyMap<string, Counted> {
  const pfOf = new Map(
    pfs.flatMap(({ metadata, status }) => (status.netdevs ?? []).map(({ name }) => [name, metadata.name])),
  );
  const counted = new Map<string, Counted>();
  const at = (netdev: string, end: End): Counted | undefined => {
    const pf = pfOf.get(netdev);
    if (pf === undefined || end === "pf") return undefined;
    const name = `${pf}-vf${end}`;
    const known = counted.get(name) ?? {
      rxBytes: 0,
      rxPackets: 0,
      rxDropped: 0,
      txBytes: 0,
      txPackets: 0,
      txDropped: 0,
    };
    counted.set(name, known);
    return known;
  };
  for (const { netdev, from, to, bytes, sent, received, dropped } of flows) {
    const [sender, receiver] = [at(netdev, from), at(netdev, to)];
    if (sender !== undefined) {
      sender.txPackets += sent;
      sender.txBytes += sent * bytes;
      sender.txDropped += dropped.spoofed;
    }
    if (receiver !== undefined) {
      receiver.rxPackets += received;
      receiver.rxBytes += received * bytes;
      receiver.rxDropped += dropped.noDescriptor + dropped.notFetched;
    }
  }
  return counted;
}
