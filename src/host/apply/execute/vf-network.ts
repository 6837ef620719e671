import { isUnread, type Observed, unread } from "../../../kernel/port.ts";
import type { VfChange } from "../../../kernel/port-link.ts";
import { parseVfInfo, type VfInfo } from "../../../kernel/port-vf-info.ts";
import { ZERO_MAC } from "../../desired/mac-addresses.ts";
import type { PfAddress } from "../../pf-address.ts";
import { pfNetdev } from "../find-devices.ts";
import { answerOf, isUnanswered, writeWaiting } from "../kernel-write.ts";
import { poll } from "../patience.ts";
import {
  BEFORE,
  done,
  type Executor,
  fail,
  notReadable,
  refused,
  type StepContext,
  UNREADABLE,
} from "../step-outcome.ts";

/** It lets the VF choose its own, which is shown then. */

export const SET_VF_NETWORK: Executor<"setVfNetwork"> = {
  async run({ pf, changes }, context) {
    const netdev = await pfNetdev(context, pf);
    if (isUnread(netdev)) return notReadable(netdev);
    const wanted = changes.map(({ to }) => to);
    const answer = await answerOf(context.kernel.setVfs(netdev, wanted, writeWaiting(context, wanted.length)), context);
    if (isUnanswered(answer)) return answer;
    for (const { outcome } of answer) if (outcome.kind === "failed") return refused(outcome);
    const shown = await poll(
      context,
      context.patience.settleMs,
      () => vfInfoOf(pf, context),
      (info) => !isUnread(info) && differences(wanted, info).length === 0,
    );
    if (isUnread(shown)) return notReadable(shown);
    const differing = differences(wanted, shown);
    if (differing.length > 0) {
      return fail("VFL-0310", `${pf}: ${differing.join("; ")}`, { target: netdev });
    }
    const hidden = untold(wanted, shown);
    const but = hidden.length > 0 ? `; its driver does not tell ${hidden.join(", ")}` : "";
    return done(`${answer.length} settings of ${wanted.length} VFs are shown as they were set${but}`);
  },

  async look({ pf, changes }, context) {
    const shown = await vfInfoOf(pf, context);
    if (isUnread(shown)) return UNREADABLE;
    const wanted = changes.map(({ to }) => to);
    if (untold(wanted, shown).length > 0) return UNREADABLE;
    // An address that is to go is seen to have gone; of a VF that chose its own since, it is taken once more.
    const goes = wanted.some((change) => change.mac === ZERO_MAC && macOf(change, shown) !== ZERO_MAC);
    return differences(wanted, shown).length === 0 && !goes
      ? { kind: "after", evidence: "all settings are shown so" }
      : BEFORE;
  },
};

function macOf({ vfIndex }: VfChange, shown: readonly VfInfo[]): string | null | undefined {
  return shown.find((info) => info.vfIndex === vfIndex)?.mac;
}

async function vfInfoOf(pf: PfAddress, context: StepContext): Promise<Observed<readonly VfInfo[]>> {
  const netdev = await pfNetdev(context, pf);
  if (isUnread(netdev)) return netdev;
  const json = await context.kernel.ipLink(netdev);
  if (isUnread(json)) return json;
  return parseVfInfo(json) ?? unread(`ip link show dev ${netdev}`, "EINVAL", "ip printed something else");
}

/** What is shown in the words of a change; undefined where the driver does not tell. */
function pairs(change: VfChange, info: VfInfo): ReadonlyArray<readonly [string, unknown, unknown]> {
  const { vlan, txRateMbps: rate } = change;
  const list: (readonly [string, unknown, unknown])[] = [
    ["MAC", change.mac?.toLowerCase(), change.mac === ZERO_MAC ? ZERO_MAC : info.mac],
    ["VLAN", vlan?.id, info.vlan],
    // iproute2 leaves out what is 0. A priority goes without a VLAN, too, in a tag of VLAN 0.
    ["QoS", vlan && (vlan.qos ?? 0), info.qos ?? (info.vlan === null ? null : 0)],
    [
      "VLAN protocol",
      vlan && (vlan.id !== 0 || vlan.qos) ? (vlan.protocol ?? "802.1Q") : undefined,
      info.vlanProtocol ?? (info.vlan === null ? null : "802.1Q"),
    ],
    ["maximum rate", rate?.max, info.maxTxRateMbps],
    ["minimum rate", rate?.min, info.minTxRateMbps],
    ["spoof check", change.spoofCheck, info.spoofCheck],
    ["trust", change.trust, info.trust],
    ["link state", change.linkState, info.linkState],
    ["RSS query", change.queryRss, info.queryRss],
    ["node GUID", change.nodeGuid?.toLowerCase(), info.nodeGuid],
    ["port GUID", change.portGuid?.toLowerCase(), info.portGuid],
  ];
  return list.filter(([, wanted]) => wanted !== undefined);
}

function differences(wanted: readonly VfChange[], shown: readonly VfInfo[]): string[] {
  return wanted.flatMap((change) => {
    const vf = `VF ${change.vfIndex}`;
    const info = shown.find(({ vfIndex }) => vfIndex === change.vfIndex);
    if (info === undefined) return [`${vf} is not among those that the PF's driver shows`];
    return pairs(change, info)
      .filter(([, to, is]) => is !== null && is !== to)
      .map(([name, to, is]) => `${name} of ${vf} reads ${is} after ${to} was set`);
  });
}

/** Names of settings that the driver takes and never shows. */
function untold(wanted: readonly VfChange[], shown: readonly VfInfo[]): string[] {
  const names = wanted.flatMap((change) => {
    const info = shown.find(({ vfIndex }) => vfIndex === change.vfIndex);
    return info
      ? pairs(change, info)
          .filter(([, , is]) => is === null)
          .map(([name]) => name)
      : [];
  });
  return [...new Set(names)];
}
