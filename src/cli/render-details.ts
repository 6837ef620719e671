import type { FunctionDetails } from "../host/function-details.ts";
import type { HostFunction } from "../host/inventory.ts";
import { formatBytes } from "../host/resources.ts";
import { isUnread, known, type Observed } from "../kernel/port.ts";
import type { VfInfo } from "../kernel/port-vf-info.ts";
import { hex } from "../pci/bdf.ts";
import { paint } from "./terminal.ts";

const IORESOURCE_IO = 0x100n;

/** What the host says of a function, a fact a line. */
export function renderDetails(fn: HostFunction, details: FunctionDetails): string[] {
  const { devices } = details;
  const lines = [
    fact("driver", shown(fn.driver, "none")),
    fact("group", groupText(fn, details)),
    fact("NUMA", shown(fn.numaNode, "no node")),
  ];
  for (const [kind, names] of Object.entries(devices)) {
    if (isUnread(names) ? kind === "net" : names.length > 0)
      lines.push(fact(kind, isUnread(names) ? unsure(names.reason) : names.join(", ")));
  }
  for (const { name, facts } of details.netDevices) lines.push(fact("", `${name}: ${facts.join(", ")}`));
  if (fn.sriov) {
    const { totalVfs, driverLimit, numVfs } = fn.sriov;
    lines.push(
      fact(
        "VFs",
        `${shown(numVfs, "none")} now, ${shown(driverLimit, "none")} allowed by the driver, ${shown(totalVfs, "none")} in the hardware`,
      ),
    );
    for (const vf of fn.node.vfs) lines.push(fact("", `VF ${vf.vf?.index} ${vf.bdf}`));
  }
  if (fn.node.vf) lines.push(fact("PF", `${fn.node.vf.physfn}, of which this is VF ${fn.node.vf.index}`));
  if (details.settings !== undefined) lines.push(fact("settings", settingsText(details.settings)));
  const counters = details.settings === undefined ? null : (known(details.settings)?.counters ?? null);
  if (counters !== null) lines.push(fact("counters", countersText(counters)));
  const attributes = details.attributes.map(({ name, value }) => `${name} ${shown(value, "none")}`);
  if (attributes.length > 0) lines.push(fact("also", attributes.join(", ")));
  if (!isUnread(details.resources)) {
    for (const [line, { index, start, end, flags }] of details.resources.entries()) {
      const kind = (flags & IORESOURCE_IO) !== 0n ? "I/O" : "memory";
      lines.push(
        fact(
          line === 0 ? "resources" : "",
          `${resourceName(index)}: ${kind} ${hex(start, 8)}-${hex(end, 8)} (${formatBytes(end - start + 1n)})`,
        ),
      );
    }
  }
  return lines;
}

/** What the PF's driver holds for a VF; what it does not report is left out. */
function settingsText(settings: Observed<VfInfo | null>): string {
  if (isUnread(settings)) return unsure(settings.reason);
  if (settings === null) return "the PF's driver reports none";
  const { mac, vlan, qos, minTxRateMbps, maxTxRateMbps, spoofCheck, trust, linkState, queryRss } = settings;
  const rate = (name: string, mbps: number | null) =>
    mbps === null ? [] : [`${name} ${mbps === 0 ? "none" : `${mbps} Mb/s`}`];
  const onOff = (name: string, value: boolean | null) => (value === null ? [] : [`${name} ${value ? "on" : "off"}`]);
  return [
    ...(mac === null ? [] : [`MAC ${mac}`]),
    ...(vlan === null ? [] : [vlan === 0 && !qos ? "no VLAN" : `VLAN ${vlan}${qos ? ` qos ${qos}` : ""}`]),
    ...onOff("spoof check", spoofCheck),
    ...onOff("trust", trust),
    ...(linkState === null ? [] : [`link ${linkState}`]),
    ...rate("minimum rate", minTxRateMbps),
    ...rate("rate limit", maxTxRateMbps),
    ...onOff("RSS query", queryRss),
  ].join(", ");
}

/** What the PF's driver has counted for a VF. */
function countersText(counters: NonNullable<VfInfo["counters"]>): string {
  const { rxPackets, rxBytes, rxDropped, txPackets, txBytes, txDropped } = counters;
  const way = (name: string, packets: number | null, bytes: number | null, dropped: number | null) => {
    const parts = [
      ...(packets === null ? [] : [`${packets} packets`]),
      ...(bytes === null ? [] : [`${bytes} bytes`]),
      ...(dropped === null ? [] : [`${dropped} dropped`]),
    ];
    return parts.length === 0 ? [] : [`${name} ${parts.join(", ")}`];
  };
  return [...way("received", rxPackets, rxBytes, rxDropped), ...way("sent", txPackets, txBytes, txDropped)].join("; ");
}

function groupText(fn: HostFunction, { groupMembers }: FunctionDetails): string {
  const text = shown(fn.iommuGroup, "no IOMMU");
  if (isUnread(groupMembers) || groupMembers.length <= 1) return text;
  return `${text}, with ${groupMembers.filter((member) => member !== fn.bdf).join(", ")}`;
}

function resourceName(index: number): string {
  if (index < 6) return `BAR ${index}`;
  if (index === 6) return "ROM";
  if (index < 13) return `VF BAR ${index - 7}`;
  return ["I/O window", "memory window", "prefetchable window"][index - 13] ?? `resource ${index}`;
}

function fact(name: string, text: string): string {
  return `  ${name.padEnd(9)} ${text}`;
}

function shown(value: Observed<string | number | null>, none: string): string {
  if (isUnread(value)) return unsure(value.reason);
  return value === null ? none : String(value);
}

function unsure(reason: string): string {
  return paint("unsure", `unknown: ${reason}`);
}
