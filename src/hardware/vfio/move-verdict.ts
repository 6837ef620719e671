import type { MigrationFeatures } from "./device-state.ts";
import { nameOf, type StateIdentity } from "./state-stream.ts";

/** What a VF's administrator has set at its PF: never a part of what moves. */
interface VfSettings {
  /** Its MAC address, set or asked for by itself. */
  readonly mac: string;
  /** Set at the PF: the VF cannot have another one. */
  readonly macIsSet: boolean;
  readonly vlan: number;
  readonly spoofChecked: boolean;
  readonly trusted: boolean;
  readonly maxTxRateMbps: number;
}

/** One end of a VF's move. */
export interface VfEnd {
  /** Null where its function has no state that can be moved. */
  readonly identity: StateIdentity | null;
  /** The driver that VFIO has for it. */
  readonly driver: string;
  /** Of that driver; null where it does not migrate, as vfio-pci. */
  readonly features: MigrationFeatures | null;
  /** Null where a function of its kind has none. */
  readonly settings: VfSettings | null;
  /** The NVM subsystem with its namespaces; null of a function without. */
  readonly subsystem: string | null;
  /** Memory: of the guest at the source; what there is for it at the destination. */
  readonly memoryBytes: number;
}

export interface VfMoveVerdict {
  readonly possible: boolean;
  /** Why not. */
  readonly obstacles: readonly string[];
  /** What is to be known of it all the same. */
  readonly notes: readonly string[];
}

/**
 * Whether a VF of a guest can be moved to another VF with its state.
 * @param devices how many of such the guest has
 */
export function judgeVfMove(source: VfEnd, destination: VfEnd, devices: number): VfMoveVerdict {
  const obstacles = [
    ...withoutDriver(source, "the VF"),
    ...withoutDriver(destination, "the destination's VF"),
    ...otherDevice(source, destination),
    ...otherSettings(source, destination),
    // QEMU's vfio_multiple_devices_migration_is_supported: one that still writes to another that has stopped would be lost.
    ...(devices > 1 && !(source.features?.p2p && destination.features?.p2p)
      ? [`the guest has ${devices} devices that move, and for more than one each has to know RUNNING_P2P`]
      : []),
    ...(destination.memoryBytes < source.memoryBytes
      ? [`the guest has ${source.memoryBytes} bytes of memory, and there are ${destination.memoryBytes} for it`]
      : []),
  ];
  return { possible: obstacles.length === 0, obstacles, notes: notesOn(source, destination) };
}

function withoutDriver({ identity, driver, features }: VfEnd, what: string): readonly string[] {
  if (features === null) return [`${driver} does not move the state of ${what}; a failover pair carries its traffic`];
  return identity === null ? [`${what} has no state that can be moved`] : [];
}

function otherDevice(source: VfEnd, destination: VfEnd): readonly string[] {
  const [one, other] = [source.identity, destination.identity];
  if (one === null || other === null) return [];
  if (nameOf(one) !== nameOf(other)) return [`it is ${nameOf(one)} here and ${nameOf(other)} there`];
  if (one.version !== other.version) {
    return [`its state is of version ${one.version} here and ${other.version} there`];
  }
  if (source.subsystem === destination.subsystem) return [];
  return ["its namespaces stay in the subsystem here: only another VF of the same NVM subsystem has them"];
}

function otherSettings({ settings: one }: VfEnd, { settings: other }: VfEnd): readonly string[] {
  if (one === null || other === null) return [];
  return [
    ...(one.vlan === other.vlan
      ? []
      : [`its PF has it in VLAN ${one.vlan || "none"} here and in ${other.vlan || "none"} there`]),
    // Its address goes along with it, and the PF there would not let it have that.
    ...(other.macIsSet && one.mac !== other.mac
      ? [`its address is ${one.mac}, and the PF there has set ${other.mac}`]
      : []),
  ];
}

function notesOn(source: VfEnd, destination: VfEnd): readonly string[] {
  const { settings: one, features } = source;
  const { settings: other } = destination;
  const notes = features?.preCopy === false ? ["without PRE_COPY what it is is seen only when it has stopped"] : [];
  if (one === null || other === null) return notes;
  if (one.trusted !== other.trusted) notes.push(`it is ${other.trusted ? "" : "not "}trusted there`);
  if (one.spoofChecked !== other.spoofChecked)
    notes.push(`its frames are ${other.spoofChecked ? "" : "not "}checked for spoofing there`);
  if (one.maxTxRateMbps !== other.maxTxRateMbps)
    notes.push(`it sends ${other.maxTxRateMbps === 0 ? "without a limit" : `${other.maxTxRateMbps} Mb/s`} there`);
  return notes;
}
