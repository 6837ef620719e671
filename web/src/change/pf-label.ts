import type { ObjectOf } from "../api/objects.ts";

type PhysicalFunctionObject = ObjectOf<"PhysicalFunction">;

/** `0000:01:00.0 Intel 82576 (eth0), 7 VFs of 7` */
export function pfLabel({ metadata, status }: PhysicalFunctionObject): string {
  const { device, netdevs, nvmeController, numVfs } = status;
  const names = [...(netdevs ?? []).map(({ name }) => name), ...(nvmeController === null ? [] : [nvmeController])];
  const named = names.length === 0 ? "" : ` (${names.join(", ")})`;
  return `${metadata.name} ${device ?? "unknown device"}${named}, ${numVfs ?? "?"} VFs of ${mostVfs(status) ?? "?"}`;
}

/** The most VFs that a PF can have: what its driver offers, else what the card has; null where neither was read. */
export function mostVfs({ driverLimit, totalVfs }: PhysicalFunctionObject["status"]): number | null {
  return driverLimit ?? totalVfs;
}

/** Why a PF can have so many. */
export function limitWords(status: PhysicalFunctionObject["status"]): string {
  const { driverLimit, totalVfs, driver, unknown } = status;
  if (driverLimit !== null) {
    const card = totalVfs === null || totalVfs === driverLimit ? "" : `; the card has ${totalVfs}`;
    return `${driverLimit} at the most: ${driver ?? "the driver"} offers them${card}`;
  }
  if (totalVfs !== null) return `${totalVfs} at the most: the card has so many`;
  return `how many it can have was not read${unknown.totalVfs === undefined ? "" : `: ${unknown.totalVfs}`}`;
}
