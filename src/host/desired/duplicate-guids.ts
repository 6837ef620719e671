import { known } from "../../kernel/port.ts";
import type { PfAddress } from "../pf-address.ts";
import type { Refusal } from "../plan/plan.ts";
import type { PfWishes } from "./pf-wishes.ts";

const GUIDS = ["nodeGuid", "portGuid"] as const;

interface Holder {
  readonly name: string;
  /** Who wants it; undefined of a VF that has it and keeps it. */
  readonly by?: string;
}

/**
 * GUIDs that two VFs would have: two that are wanted, or one and what stays as it is. A node's and a port's may be the same.
 * @param numVfs how many VFs each PF will have
 */
export function duplicateGuids(wishes: Iterable<PfWishes>, numVfs: ReadonlyMap<PfAddress, number>): readonly Refusal[] {
  const all = [...wishes];
  return GUIDS.flatMap((field) => {
    const holders = new Map<string, Holder>();
    for (const each of all) {
      const { bdf, vfs } = each.pf;
      for (const { vfIndex, settings } of vfs) {
        const guid = known(settings)?.[field]?.toLowerCase();
        const stays = vfIndex < (numVfs.get(bdf) ?? vfs.length) && each.get(`network.${field}`, vfIndex) === undefined;
        if (stays && guid !== undefined) holders.set(guid, { name: `${bdf} VF ${vfIndex}` });
      }
    }
    return all.flatMap((each) =>
      each.vfIndexes.flatMap((vfIndex) => {
        const wish = each.get(`network.${field}`, vfIndex);
        const guid = String(wish?.value ?? "").toLowerCase();
        if (wish === undefined || /^[0:]+$/.test(guid)) return [];
        const name = `${each.pf.bdf} VF ${vfIndex}`;
        const other = holders.get(guid);
        if (other !== undefined) return [refusalOf(each.pf.bdf, vfIndex, field, guid, { name, by: wish.by }, other)];
        holders.set(guid, { name, by: wish.by });
        return [];
      }),
    );
  });
}

function refusalOf(
  pf: PfAddress,
  vfIndex: number,
  field: string,
  guid: string,
  { name, by }: Holder,
  other: Holder,
): Refusal {
  const has = other.by === undefined ? `${other.name} has it` : `${other.by} gives it to ${other.name}`;
  return {
    code: "VFL-0206",
    pf,
    vfIndex,
    summary: `${guid} is wanted for ${name} by ${by}, and ${has}`,
    evidence: [
      { fact: `${by}: ${name}: network.${field}: ${guid}` },
      { fact: other.by ? `${other.by}: ${other.name}: network.${field}: ${guid}` : has },
    ],
    remedy: "give one of them another GUID",
  };
}
