import type { VirtualFunctionObject } from "../api/objects.ts";
import type { Spot } from "./layout.ts";
import type { HolderBox, PfBar } from "./machine-plan.ts";
import type { Stop } from "./moves.ts";
import type { Machine } from "./use-machine.ts";
import {
  groupSizeOf,
  holderFacts,
  holderLabel,
  nodeFacts,
  pfFacts,
  pfLabel,
  placeWords,
  vfFacts,
  vfLabel,
} from "./words.ts";

/** All that is to be said, in a line, of what is pointed at. */
export function spotFacts(spot: Spot, machine: Machine): string {
  switch (spot.kind) {
    case "node":
      return nodeFacts(spot.placed.node);
    case "pf":
      return pfLine(spot.placed.bar);
    case "holder":
      return holderLine(spot.placed.holder, machine);
    case "cell": {
      const vf = spot.placed.bar.cells[spot.index];
      return vf === undefined ? placeWords(spot.placed.bar, spot.index) : vfLine(vf, machine);
    }
  }
}

/** The same of what has the focus. */
export function stopFacts(stop: Stop | undefined, machine: Machine): string | undefined {
  if (stop?.node !== undefined) return nodeFacts(stop.node.node);
  if (stop?.holder !== undefined) return holderLine(stop.holder.holder, machine);
  if (stop?.vf !== undefined) return vfLine(stop.vf, machine);
  return stop?.bar && pfLine(stop.bar.bar);
}

function vfLine(vf: VirtualFunctionObject, { plan, rates }: Machine): string {
  return `${vfLabel(vf)} · ${vfFacts(vf, groupSizeOf(plan, vf.status.iommuGroup), rates.ofVf(vf.metadata.name))}`;
}

function pfLine(bar: PfBar): string {
  return `${pfLabel(bar)} · ${pfFacts(bar)}`;
}

function holderLine(holder: HolderBox, { rates }: Machine): string {
  return [holderLabel(holder), holderFacts(holder, rates.ofHolder(holder.key))].filter(Boolean).join(" · ");
}
