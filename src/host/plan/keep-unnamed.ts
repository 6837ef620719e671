import { isUnread, known } from "../../kernel/port.ts";
import { desiredOf } from "../desired/desired-of.ts";
import type { DesiredPf, DesiredVf, DesiredVfNetwork } from "../desired/desired-pf.ts";
import { type PfDriver, quirksOf, type VfSetting } from "../drivers.ts";
import type { PfState, VfState } from "../state/host-state.ts";
import { newVfNetwork, settingOf } from "./plan-network.ts";

/**
 * What is wanted, and of VFs that are made anew, though they stay, what nobody names: the driver and settings that they have now. All
 * VFs go where their number changes, and what a policy leaves out is not to be touched by that either.
 */
export function keepUnnamed(pf: PfState, desired: DesiredPf): DesiredPf {
  const staying = stayingVfs(pf, desired);
  if (staying.length === 0) return desired;
  const quirks = quirksOf(pf);
  const there = desiredOf(
    pf,
    staying.map(({ vfIndex }) => vfIndex),
  );
  const vfs = new Map(desired.vfs.map((vf) => [vf.vfIndex, vf]));
  for (const now of there.vfs) {
    const kept = keptOf(now, vfs.get(now.vfIndex), quirks, pf);
    if (kept !== undefined) vfs.set(now.vfIndex, kept);
  }
  return { ...desired, vfs: [...vfs.values()].sort((a, b) => a.vfIndex - b.vfIndex) };
}

/** VFs that will be there again when all have gone. */
function stayingVfs({ numVfs, vfs }: PfState, desired: DesiredPf): readonly VfState[] {
  const now = known(numVfs);
  const count = desired.numVfs ?? now;
  if (now === undefined || count === undefined || count === now) return [];
  return vfs.filter(({ vfIndex }) => vfIndex < count);
}

/** MSI-X vectors are left to the driver: what it gives each of itself goes by how many VFs there are. */
function keptOf(
  { vfIndex, driver, network, nvme }: DesiredVf,
  wanted: DesiredVf | undefined,
  quirks: PfDriver,
  { driversAutoprobe }: PfState,
): DesiredVf | undefined {
  const usual = driver === undefined || (driver === "default" && driversAutoprobe !== false);
  const { qos, vlanProtocol, ...untagged } = network ? unusual(network, quirks) : {};
  // The tag goes as a whole.
  const tag = wanted?.network?.vlan === 0 ? {} : definedOf({ qos, vlanProtocol });
  const settings = { ...untagged, ...tag, ...wanted?.network };
  const resources = nvme && (nvme.online || nvme.queues || nvme.interrupts) ? nvme : undefined;
  const kept: DesiredVf = {
    vfIndex,
    ...(usual ? {} : { driver }),
    ...(resources ? { nvme: resources } : {}),
    ...wanted,
    ...(Object.keys(settings).length > 0 ? { network: settings } : {}),
    ...(resources && wanted?.nvme ? { nvme: { ...resources, ...wanted.nvme } } : {}),
  };
  return Object.keys(kept).length > 1 || wanted ? kept : undefined;
}

function definedOf<T extends object>(values: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}

/** What a VF that was just made has not of itself. */
function unusual(network: DesiredVfNetwork, quirks: PfDriver): DesiredVfNetwork {
  const usual = newVfNetwork(quirks);
  const entries = Object.entries(network).filter(([key, value]) => {
    const name = key as keyof DesiredVfNetwork;
    const setting: VfSetting = settingOf(name);
    const isGuidOfNone = (name === "nodeGuid" || name === "portGuid") && /^[0:]*$/.test(String(value));
    return value !== usual[name] && !isGuidOfNone && (quirks.takes?.includes(setting) ?? true);
  });
  return Object.fromEntries(entries) as DesiredVfNetwork;
}

/** VFs that stay and of which it cannot be told what they would lose. */
export function unreadVfs(pf: PfState, desired: DesiredPf): readonly VfState[] {
  return stayingVfs(pf, desired).filter(({ settings, driver }) => isUnread(settings) || isUnread(driver));
}
