import { ZERO_MAC } from "../../host/desired/mac-addresses.ts";
import type { MovedVf } from "../../host/migrate/planned-move.ts";
import type { Step, VfSettingChange } from "../../host/plan/step.ts";
import type { VfChange } from "../../kernel/port-link.ts";
import type { VfInfo } from "../../kernel/port-vf-info.ts";

/** Steps of each pair of VFs: settings before the move, the address from the one VF, and to the other. */
const STEPS = ["settings", "clear", "give"] as const;

/** Where a step of a pair is among those of the move. */
export function stepPlace(pair: number, step: (typeof STEPS)[number]): number {
  return pair * STEPS.length + STEPS.indexOf(step);
}

interface MoveSteps {
  readonly steps: readonly Step[];
  readonly undoSteps: readonly Step[];
}

/** What is changed of the two VFs while the guest moves, in the order of `STEPS`. */
export function moveSteps(source: MovedVf, destination: MovedVf, here: VfInfo, there: VfInfo, mac: string): MoveSteps {
  const settings = settingsThatTravel(here, there);
  const pairs = [
    network(destination, settings.from, settings.to),
    network(source, { mac }, { mac: ZERO_MAC }),
    network(destination, { mac: there.mac }, { mac }),
  ];
  return { steps: pairs.map(({ step }) => step), undoSteps: pairs.map(({ undo }) => undo) };
}

/** Whether a step changes anything. */
export function isIdle(step: Step | undefined): boolean {
  return step?.kind !== "setVfNetwork" || step.changes.every(({ to }) => Object.keys(to).length === 1);
}

type Settings = Omit<VfChange, "vfIndex" | "mac">;

/** Settings of the guest's VF that the other VF does not have yet; those that either driver does not tell stay. */
function settingsThatTravel(here: VfInfo, there: VfInfo): { readonly from: Settings; readonly to: Settings } {
  const from = told(there);
  const to = told(here);
  const differing = (Object.keys(to) as (keyof Settings)[]).filter(
    (key) => from[key] !== undefined && JSON.stringify(from[key]) !== JSON.stringify(to[key]),
  );
  const pick = (all: Settings): Settings => Object.fromEntries(differing.map((key) => [key, all[key]]));
  return { from: pick(from), to: pick(to) };
}

function told(info: VfInfo): Settings {
  const { vlan, qos, vlanProtocol, minTxRateMbps: min, maxTxRateMbps: max, spoofCheck, trust } = info;
  const protocol = vlanProtocol === "802.1ad" ? { protocol: "802.1ad" as const } : {};
  return {
    ...(vlan === null ? {} : { vlan: { id: vlan, qos: qos ?? 0, ...(vlan > 0 ? protocol : {}) } }),
    ...(max === null ? {} : { txRateMbps: { max, ...(min === null ? {} : { min }) } }),
    ...(spoofCheck === null ? {} : { spoofCheck }),
    ...(trust === null ? {} : { trust }),
  };
}

function network(
  { pf, vfIndex }: MovedVf,
  before: Settings & { readonly mac?: string | null },
  after: Settings & { readonly mac?: string },
): { readonly step: Step; readonly undo: Step } {
  const { mac, ...rest } = before;
  const back: VfChange = { vfIndex, ...rest, ...(mac === undefined || mac === null ? {} : { mac }) };
  const change = (from: object, to: VfChange): Step => {
    const changes: readonly VfSettingChange[] = [{ from: flat(from), to }];
    return { kind: "setVfNetwork", pf, changes };
  };
  return { step: change(before, { vfIndex, ...after }), undo: change(after, back) };
}

/** As a plan tells what was. */
function flat(settings: Settings & { readonly mac?: string | null }): VfSettingChange["from"] {
  const { mac, vlan, txRateMbps, spoofCheck, trust } = settings;
  return {
    ...(mac === undefined ? {} : { mac }),
    ...(vlan === undefined ? {} : { vlan: vlan.id }),
    ...(txRateMbps === undefined ? {} : { maxTxRateMbps: txRateMbps.max }),
    ...(spoofCheck === undefined ? {} : { spoofCheck }),
    ...(trust === undefined ? {} : { trust }),
  };
}
