import type { MigrationCheck } from "../../host/migrate/migration-port.ts";
import type { MigrationMethod } from "../../host/migrate/planned-move.ts";
import type { Evidence } from "../../host/preflight/check.ts";
import type { Bdf } from "../../pci/bdf.ts";
import { mib } from "./locked-memory.ts";
import type { QemuFacts, Standby } from "./migration-facts.ts";

/** A VF of this host, as far as a move asks. */
export interface VfFacts {
  readonly bdf: Bdf;
  /** Vendor and device ID, as `8086:10ca`. */
  readonly kind: string;
  /** null where none is bound, undefined where that is not known. */
  readonly driver: string | null | undefined;
  /** Features of VFIO migration, as the kernel's debugfs tells them; null where it tells nothing. */
  readonly features: string | null;
  readonly pf: string;
  /** What runs in the PF's device, by the name of what has the version (devlink's `versions.running`); null where the driver tells nothing. */
  readonly firmware: Readonly<Record<string, string>> | null;
  /** Administered by the PF; null where the VF chooses its own, or nobody knows. */
  readonly mac: string | null;
}

export interface MoveFacts {
  readonly source: QemuFacts;
  readonly destination: QemuFacts;
  /** The guest's VF. */
  readonly sourceVf: VfFacts;
  /** The VF that the destination was started with; null where it has none. */
  readonly ownVf: VfFacts | null;
  /** A free VF of the same kind; null where there is none. */
  readonly freeVf: VfFacts | null;
  /** Why there is none. */
  readonly noFreeVf: string;
  /** Bytes that the destination's process may lock: VFIO pins the guest's memory. null where it may lock any, or that is not told. */
  readonly lockableBytes: number | null;
}

/** The kernel's own driver, which knows nothing of what a device's state is. */
const PLAIN = "vfio-pci";

export function check(
  name: MigrationCheck["check"],
  method: MigrationMethod | null,
  result: MigrationCheck["result"],
  summary: string,
  evidence: readonly Evidence[] = [],
  remedy = "",
): MigrationCheck {
  return { check: name, method, result, summary, evidence, remedy };
}

/**
 * All that is asked of a move between two QEMUs, in the order in which a person would ask.
 * @param more of the guest's other VFs
 */
export function judgeMove(facts: MoveFacts, ...more: readonly MoveFacts[]): readonly MigrationCheck[] {
  const all = [facts, ...more];
  const p2p = more.length === 0 ? [] : all.flatMap(judgeP2p);
  return [
    ...judgeEnds(facts),
    ...all.flatMap(judgeVfio),
    ...p2p,
    ...judgePlugging(facts),
    ...all.flatMap(judgeFailover),
  ];
}

/**
 * QEMU's vfio_multiple_devices_migration_is_supported: what one VF still writes to another that has stopped would be lost, unless each
 * knows RUNNING_P2P.
 */
function judgeP2p({ sourceVf, ownVf }: MoveFacts): readonly MigrationCheck[] {
  return [sourceVf, ...(ownVf === null ? [] : [ownVf])].map(({ bdf, features }) => {
    const result = features === null ? "unknown" : features.includes("p2p") ? "ok" : "refused";
    const summary = {
      ok: `${bdf} knows P2P, which a guest with several VFs takes`,
      refused: `${bdf} does not know P2P, which a guest with several VFs takes`,
      unknown: `whether ${bdf} knows P2P, which a guest with several VFs takes, is not told`,
    }[result];
    return check(
      "driver",
      "vfio",
      result,
      summary,
      features === null ? [] : [{ fact: features, from: `/sys/kernel/debug/vfio/${bdf}/migration/features` }],
      result === "ok" ? "" : "take the other VFs back for the time: vfleet detach VF",
    );
  });
}

function judgeEnds({ source, destination }: MoveFacts): readonly MigrationCheck[] {
  const runs = source.status === "running";
  const waits = destination.status === "inmigrate";
  const differing = (["machine", "cpu", "memoryBytes"] as const).filter((each) => source[each] !== destination[each]);
  const told = differing.map(
    (each) => `${each} ${source[each] ?? "unknown"} here, ${destination[each] ?? "unknown"} there`,
  );
  const notKnown = source.cpu === "unknown" || source.machine === "unknown" || source.memoryBytes === null;
  return [
    check(
      "guest",
      null,
      runs ? "ok" : "refused",
      runs ? "the guest runs" : `the guest is ${source.status}`,
      [{ fact: `status ${source.status}`, from: "query-status" }],
      runs ? "" : "let it run: cont",
    ),
    check(
      "destination",
      null,
      waits ? "ok" : "refused",
      waits ? "the destination waits for a guest" : `the destination is ${destination.status}, and waits for no guest`,
      [{ fact: `status ${destination.status}`, from: "query-status" }],
      waits ? "" : "start it with the guest's own arguments and -incoming defer",
    ),
    check(
      "machine",
      null,
      differing.length > 0 ? "refused" : notKnown ? "unknown" : "ok",
      differing.length > 0 ? `not the same machine: ${told.join("; ")}` : "the same machine, processor and memory",
      [{ fact: `${source.machine}, ${source.cpu}, ${source.memoryBytes} bytes`, from: "query-cpus-fast, qom-get" }],
      differing.length > 0 ? "start the destination with the guest's own arguments" : "",
    ),
  ];
}

function judgeVfio({ source, destination, sourceVf, ownVf }: MoveFacts): readonly MigrationCheck[] {
  const here = judgeDriver(sourceVf, source, "of the guest");
  if (ownVf === null) {
    const summary = "the destination was started without a VF to put the state into";
    const remedy = "start it with -device vfio-pci,host=VF, as the guest was";
    return [here, check("vf", "vfio", "refused", summary, [{ fact: "no vfio-pci device", from: "qom-list" }], remedy)];
  }
  const same = sourceVf.kind === ownVf.kind;
  return [
    here,
    judgeDriver(ownVf, destination, "of the destination"),
    check(
      "vf",
      "vfio",
      same ? "ok" : "refused",
      same ? `both VFs are ${sourceVf.kind}` : `the VF is ${sourceVf.kind} here and ${ownVf.kind} there`,
      [{ fact: `${sourceVf.bdf} and ${ownVf.bdf}`, from: "sysfs" }],
      same ? "" : "start the destination with a VF of the same kind",
    ),
    judgeFirmware(sourceVf, ownVf),
  ];
}

/** Another firmware is nobody's refusal but the drivers': which states one takes from which is not told by any kernel. */
function judgeFirmware(here: VfFacts, there: VfFacts): MigrationCheck {
  const pfs = { fact: `${here.pf} and ${there.pf}` };
  const told = (result: MigrationCheck["result"], summary: string, evidence: readonly Evidence[]) =>
    check("firmware", "vfio", result, summary, evidence);
  if (here.pf === there.pf) return told("ok", "both VFs are of one PF, and of its firmware", [pfs]);
  if (here.firmware === null || there.firmware === null) {
    const silent = [here, there].filter(({ firmware }) => firmware === null).map(({ pf }) => pf);
    return told("unknown", `no driver tells the firmware of ${silent.join(" and ")}: the drivers compare it`, [pfs]);
  }
  const evidence = [here, there].map(({ pf, firmware }) => ({
    fact: versionsText(firmware ?? {}),
    from: `devlink dev info pci/${pf}`,
  }));
  if (versionsText(here.firmware) === versionsText(there.firmware)) {
    return told("ok", `${here.pf} and ${there.pf} run the same firmware`, evidence);
  }
  return told("unknown", `${here.pf} and ${there.pf} run different firmware: the drivers decide`, evidence);
}

/** By name, so that two of the same are written the same. */
function versionsText(versions: Readonly<Record<string, string>>): string {
  return Object.entries(versions)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, version]) => `${name} ${version}`)
    .join(", ");
}

/** Whether a VF's driver moves its state: by the driver, by what the kernel tells of it, and by QEMU's own refusal. */
function judgeDriver({ bdf, kind, driver, features }: VfFacts, qemu: QemuFacts, whose: string): MigrationCheck {
  const evidence: Evidence[] = [
    { fact: `driver ${driver ?? "none"}, VF ${kind}`, from: `/sys/bus/pci/devices/${bdf}/driver` },
  ];
  const blocked = qemu.blocked.find((why) => why.includes(bdf) || /vfio/i.test(why));
  if (blocked !== undefined) evidence.push({ fact: blocked, from: "query-migrate" });
  if (features !== null) evidence.push({ fact: features, from: `/sys/kernel/debug/vfio/${bdf}/migration/features` });
  const remedy = "use a card whose VFs have a variant driver that migrates, as mlx5_vfio_pci, or a failover pair";
  if (driver === PLAIN) {
    return check(
      "driver",
      "vfio",
      "refused",
      `${PLAIN} of a VF ${kind} has no migration: ${bdf} ${whose}`,
      evidence,
      remedy,
    );
  }
  if (driver === undefined)
    return check("driver", "vfio", "unknown", `the driver of ${bdf} ${whose} is not known`, evidence);
  if (driver === null || blocked !== undefined) {
    return check(
      "driver",
      "vfio",
      "refused",
      `${driver ?? "no driver"} of ${bdf} ${whose} does not move a VF's state`,
      evidence,
      remedy,
    );
  }
  // QEMU blocks migration for a device without it (vfio_migration_realize), but for the primary of a failover pair.
  const asked = qemu.passed.some((each) => each.bdf === bdf && each.pairId === null);
  if (features === null && !asked) {
    return check(
      "driver",
      "vfio",
      "unknown",
      `whether ${driver} of ${bdf} ${whose} moves a VF's state is not told`,
      evidence,
    );
  }
  const slow =
    features === null || features.includes("pre-copy")
      ? ""
      : "; without PRE_COPY, all of it while the guest stands still";
  return check("driver", "vfio", "ok", `${driver} of ${bdf} ${whose} moves a VF's state${slow}`, evidence);
}

/** What would refuse the VF at the destination only once the guest is there: a way back there is none then. */
function judgePlugging({ destination, lockableBytes }: MoveFacts): readonly MigrationCheck[] {
  const refused = (summary: string, evidence: readonly Evidence[], remedy: string) =>
    check("destination", "failover", "refused", summary, evidence, remedy);
  const found: MigrationCheck[] = [];
  if (!destination.hasVfio) {
    const evidence = [{ fact: "no vfio-pci among its devices", from: "device-list-properties" }];
    found.push(
      refused("the destination's QEMU knows no device vfio-pci", evidence, "start it with a QEMU that has VFIO"),
    );
  }
  const { memoryBytes } = destination;
  if (lockableBytes !== null && memoryBytes !== null && lockableBytes < memoryBytes) {
    const summary = `the destination may lock ${mib(lockableBytes)}, and the guest has ${mib(memoryBytes)}`;
    const remedy = "start it with LimitMEMLOCK=infinity in its service, or prlimit --memlock=unlimited";
    found.push(refused(summary, [{ fact: `Max locked memory ${lockableBytes}`, from: "/proc/PID/limits" }], remedy));
  }
  return found;
}

function judgeFailover(facts: MoveFacts): readonly MigrationCheck[] {
  const { destination, sourceVf, freeVf, noFreeVf } = facts;
  const standby = standbyOf(facts);
  const pair = facts.source.passed.find(({ bdf }) => bdf === sourceVf.bdf);
  const checks: MigrationCheck[] = [];
  if (standby === undefined) {
    const summary = "the guest has no virtio interface with failover=on whose primary is the VF";
    const fact = `failover_pair_id of ${sourceVf.bdf}: ${pair?.pairId ?? "none"}`;
    const remedy =
      "start it with -device virtio-net-pci,id=ID,failover=on,mac=MAC, and plug the VF in with failover_pair_id=ID";
    checks.push(check("standby", "failover", "refused", summary, [{ fact, from: "qom-get" }], remedy));
  } else {
    checks.push(judgeStandby(standby, facts));
    const bus = pair?.bus ?? null;
    const hasBus = bus !== null && destination.devices.includes(bus);
    if (!hasBus) {
      const summary = `the destination has no ${bus ?? "named bus"} to plug a VF into, as the guest has`;
      const remedy = "start it with the guest's own arguments: root ports by the same IDs";
      checks.push(check("standby", "failover", "refused", summary, [], remedy));
    }
  }
  checks.push(
    freeVf === null
      ? check("vf", "failover", "refused", noFreeVf, [], "make or free one, of the same kind, bound to vfio-pci")
      : check("vf", "failover", "ok", `${freeVf.bdf} is free, and a VF ${freeVf.kind} as well`),
  );
  return checks;
}

function judgeStandby({ id, mac }: Standby, { destination, sourceVf }: MoveFacts): MigrationCheck {
  const there = destination.standbys.find((each) => each.id === id);
  const evidence: Evidence[] = [
    { fact: `standby ${id} ${mac}; VF ${sourceVf.mac ?? "no address"}`, from: "qom-get, ip link" },
  ];
  const refused = (summary: string, remedy: string) =>
    check("standby", "failover", "refused", summary, evidence, remedy);
  if (sourceVf.mac !== mac) {
    return refused(
      `the standby is ${mac}, and its PF has the VF as ${sourceVf.mac ?? "none"}`,
      `vfleet set ${sourceVf.bdf} mac=${mac}`,
    );
  }
  if (there === undefined)
    return refused(`the destination has no standby ${id}`, "start it with the guest's own arguments");
  if (there.mac !== mac)
    return refused(`the standby is ${mac} here and ${there.mac} there`, "start it with the same mac=");
  // QEMU hides the primary until the guest's driver has taken failover (failover_hide_primary_device): it is there.
  return check("standby", "failover", "ok", `the guest goes by the virtio interface ${id} meanwhile`, evidence);
}

/** The virtio interface whose primary is the guest's VF. */
export function standbyOf({ source, sourceVf }: Pick<MoveFacts, "source" | "sourceVf">): Standby | undefined {
  const pairId = source.passed.find(({ bdf }) => bdf === sourceVf.bdf)?.pairId;
  return source.standbys.find(({ id }) => id === pairId);
}

/** The method that is left; VFIO only where both drivers are known to move a VF's state. */
export function methodOf(checks: readonly MigrationCheck[], wanted: MigrationMethod | "auto"): MigrationMethod | null {
  const open = (method: MigrationMethod) =>
    (wanted === "auto" || wanted === method) &&
    checks.every((each) => {
      if (each.method !== null && each.method !== method) return true;
      return each.result !== "refused" && !(each.check === "driver" && each.result === "unknown");
    });
  return open("vfio") ? "vfio" : open("failover") ? "failover" : null;
}
