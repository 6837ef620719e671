import type { VirtualFunctionObject } from "../api/objects.ts";
import type { HolderBox, MachinePlan, PfBar } from "./machine-plan.ts";
import { holderOf } from "./vf-state.ts";

/**
 * Names of what a search finds, in the order of the drawing: PFs and VFs by address, guest, interface, MAC address or VLAN, guests by
 * name. Undefined where nothing is searched.
 */
export function search(plan: MachinePlan, words: string): readonly string[] | undefined {
  const terms = words.trim().toLowerCase().split(/\s+/).filter(Boolean);
  if (terms.length === 0) return undefined;
  const isFound = (texts: readonly string[], vlan?: unknown) =>
    terms.every((term) => {
      const asked = /^vlan[:= ]?(\d+)$/.exec(term)?.[1];
      return asked === undefined
        ? texts.some((text) => text.includes(term)) || term === String(vlan)
        : asked === String(vlan);
    });
  return [
    ...plan.bars.flatMap((bar) => [
      ...(isFound(textsOfPf(bar)) ? [bar.pf.metadata.name] : []),
      ...bar.cells.flatMap((vf) => (vf && isFound(textsOfVf(vf), vf.status.settings?.vlan) ? [vf.metadata.name] : [])),
    ]),
    ...plan.holders.filter((holder) => isFound(textsOfHolder(holder))).map(({ key }) => key),
  ];
}

const lower = (texts: readonly (string | null | undefined)[]) =>
  texts.flatMap((text) => (text ? [text.toLowerCase()] : []));

function textsOfPf({ pf }: PfBar): readonly string[] {
  const { device, driver, netdevs, nvmeController } = pf.status;
  return lower([
    pf.metadata.name,
    device,
    driver,
    nvmeController,
    ...(netdevs ?? []).flatMap(({ name, mac }) => [name, mac]),
  ]);
}

/** Without the PF's name: what is asked for by it is the PF. */
function textsOfVf({ status }: VirtualFunctionObject): readonly string[] {
  const { bdf, driver, netdevs, settings, vfIndex } = status;
  const mac = typeof settings?.mac === "string" ? settings.mac : undefined;
  return lower([
    `vf${vfIndex}`,
    bdf,
    driver,
    mac,
    holderOf({ status } as VirtualFunctionObject)?.label,
    ...(netdevs ?? []).flatMap((each) => [each.name, each.mac]),
  ]);
}

function textsOfHolder({ label }: HolderBox): readonly string[] {
  return [label.toLowerCase()];
}
