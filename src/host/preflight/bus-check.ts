import { isUnread } from "../../kernel/port.ts";
import { type Bdf, busOf, domainOf, formatBdf, hex, routingIdOf } from "../../pci/bdf.ts";
import { vfBus, vfRoutingId, vfsWithinBus } from "../../pci/vf-address.ts";
import { pfDriver } from "../drivers.ts";
import { register } from "./capability-checks.ts";
import { type Evidence, firstUnread, type Outcome, pass, refuse, unknown } from "./check.ts";
import type { PreflightFacts } from "./facts.ts";

/**
 * Does the last VF's bus lie within the buses of every bridge on the way? (`sriov_enable`: ENOMEM "can't enable %d VFs
 * (bus %02x out of range of %pR)", against the PF's own bus; the bridges above must pass it on too.) The kernel uses the
 * offset and stride as they are before it writes NumVFs, and so does this.
 */
export function checkBusNumbers(facts: PreflightFacts, count: number): Outcome {
  const { bdf, sriov } = facts.pf;
  if (!sriov) return unknown("the PF's VF addresses could not be read", undefined);
  const { firstVfOffset: offset, vfStride: stride, totalVfs } = sriov;
  if (isUnread(offset) || isUnread(stride)) {
    return unknown("First VF Offset and VF Stride could not be read", firstUnread(offset, stride));
  }
  if (offset === 0 || (stride === 0 && count > 1))
    return unknown("VF addresses are not known while First VF Offset or VF Stride is 0", undefined);
  const pf = routingIdOf(bdf);
  const most = isUnread(totalVfs) ? 0xffff : totalVfs;
  const lastBus = vfBus(pf, offset, stride, count - 1);
  const evidence: Evidence[] = [register(facts, 0x14, `First VF Offset ${offset}, VF Stride ${stride}`)];
  const last = vfRoutingId(pf, offset, stride, count - 1);
  if (last !== undefined) evidence.push({ fact: `VF ${count - 1} would be ${formatBdf(domainOf(bdf), last)}` });

  const ranges = busRanges(facts);
  for (const { bridge, first, end, from } of ranges) {
    const range = end === undefined ? "unknown" : busRange(first, end);
    evidence.push({ fact: `${bridge} passes on ${range}`, from });
  }
  const largest = Math.min(...ranges.map(({ end }) => vfsWithinBus(pf, offset, stride, most, end ?? 0xff)));
  const narrow = ranges.find(({ end }) => end !== undefined && lastBus > end);
  if (narrow?.end !== undefined) {
    // The kernel looks at the nearest bridge alone; beyond another's buses a VF would not answer.
    const errno = narrow === ranges[0] ? "ENOMEM" : undefined;
    const range = busRange(narrow.first, narrow.end);
    return refuse(
      `no bus for VF ${count - 1}: bus ${hex(lastBus, 2)} out of range of ${range} behind ${narrow.bridge} (${errno ?? "nothing would reach it"})`,
      busRemedy(facts, largest),
      evidence,
      largest,
      errno,
    );
  }
  if (last === undefined)
    return refuse(`VF ${count - 1} would be beyond bus ff`, `ask for at most ${largest} VFs`, evidence, largest);
  const clash = clashingFunction(facts, offset, stride, count);
  if (clash) {
    return refuse(
      `VF ${clash.index} would have the address of ${clash.bdf}, which is there already`,
      `ask for at most ${clash.index} VFs, or move that device`,
      evidence,
      Math.min(clash.index, largest),
    );
  }
  const unread = ranges.find(({ end }) => end === undefined);
  if (unread && lastBus > busOf(bdf))
    return unknown(`which buses ${unread.bridge} passes on is not known`, undefined, evidence);
  return pass(
    lastBus === busOf(bdf) ? "all VFs are on the PF's bus" : `the last VF's bus ${hex(lastBus, 2)} is in range`,
    evidence,
    largest,
  );
}

interface BusRange {
  readonly bridge: string;
  readonly first: number;
  readonly end: number | undefined;
  readonly from: string;
}

/** The buses behind each bridge above the PF, the nearest first; on a root bus, the host bridge's. */
function busRanges(facts: PreflightFacts): BusRange[] {
  const ranges: BusRange[] = facts.bridges.map(({ bdf, decoded }) => {
    const { secondaryBus, subordinateBus } = decoded.header;
    const first = typeof secondaryBus === "number" ? secondaryBus : busOf(facts.pf.bdf);
    return {
      bridge: bdf,
      first,
      end: typeof subordinateBus === "number" ? subordinateBus : undefined,
      from: `${bdf} config 19h`,
    };
  });
  if (ranges.length > 0) return ranges;
  const { bdf } = facts.pf;
  const root = rootBusRange(facts, bdf);
  if (root) return [root];
  return [
    {
      bridge: "the bridge above",
      first: busOf(bdf),
      end: undefined,
      from: "neither a bridge nor a root bus resource is in the source",
    },
  ];
}

/** From "pci_bus 0000:00: root bus resource [bus 00-fe]" (`pci_register_host_bridge`). */
function rootBusRange(facts: PreflightFacts, bdf: Bdf): BusRange | undefined {
  if (isUnread(facts.log)) return undefined;
  for (const line of facts.log) {
    const match = /pci_bus ([0-9a-f]+):([0-9a-f]{2}): root bus resource \[bus [0-9a-f]{2}(?:-([0-9a-f]{2}))?\]/.exec(
      line,
    );
    if (!match) continue;
    const [domain, first] = [Number.parseInt(match[1] as string, 16), Number.parseInt(match[2] as string, 16)];
    // Of a bus further down, the root's range says nothing: its own bridge is not in the source.
    if (domain !== domainOf(bdf) || first !== busOf(bdf)) continue;
    const end = match[3] === undefined ? first : Number.parseInt(match[3], 16);
    return { bridge: "the host bridge", first, end, from: `kernel log: ${line}` };
  }
  return undefined;
}

/** A function that is not one of this PF's VFs and has the address that one of them would get. */
function clashingFunction(
  facts: PreflightFacts,
  offset: number,
  stride: number,
  count: number,
): { index: number; bdf: Bdf } | undefined {
  const { bdf } = facts.pf;
  for (let index = 0; index < count; index++) {
    const rid = vfRoutingId(routingIdOf(bdf), offset, stride, index);
    if (rid === undefined) return undefined;
    const address = formatBdf(domainOf(bdf), rid);
    const there = facts.inventory.functions.get(address);
    if (there && there.node.vf?.physfn !== bdf) return { index, bdf: address };
  }
  return undefined;
}

/** As the kernel prints a bus resource (`%pR`). */
function busRange(first: number, end: number): string {
  return first === end ? `[bus ${hex(first, 2)}]` : `[bus ${hex(first, 2)}-${hex(end, 2)}]`;
}

function busRemedy(facts: PreflightFacts, largest: number): string {
  const ways: string[] = [];
  if (facts.pf.sriov?.registers?.ariCapableHierarchy === false)
    ways.push("enable ARI for the slot (BIOS; no pci=noari), which brings VFs onto the PF's bus");
  ways.push("boot with pci=assign-busses, or reserve more buses for the slot (pci=hpbussize=N)");
  if (largest > 0 && !pfDriver(facts.pf.driver)?.ignoresCount) ways.push(`ask for at most ${largest} VFs`);
  return ways.join("; or ");
}
