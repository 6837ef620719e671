import { z } from "zod";
import type { Qmp } from "../../qmp/qmp.ts";
import { hasVfio, memoryBytes, type PassedDevice, passedDevices } from "./query-guest.ts";

/** A virtio interface with `failover=on`. */
export interface Standby {
  readonly id: string;
  readonly mac: string;
  /** The interface of the host behind it; null where it is no tap, or was opened by another program. */
  readonly tap: string | null;
}

/** A VF in a QEMU, with what matters to a move. */
interface PassedVf extends PassedDevice {
  /** The standby that it is the primary of; null where it has none. */
  readonly pairId: string | null;
  /** The bus that it is plugged into, by the name that device_add takes. */
  readonly bus: string | null;
}

/** One QEMU, as it tells of itself. */
export interface QemuFacts {
  /** As `running`, `inmigrate` (RunState of qapi/run-state.json). */
  readonly status: string;
  /** Of its first processor, as `host-x86_64-cpu`. */
  readonly cpu: string;
  /** As `pc-q35-10.0-machine`. */
  readonly machine: string;
  readonly memoryBytes: number | null;
  readonly passed: readonly PassedVf[];
  readonly standbys: readonly Standby[];
  /** Devices with an ID: buses among them. */
  readonly devices: readonly string[];
  /** Why QEMU itself would refuse to migrate now. */
  readonly blocked: readonly string[];
  /** Whether it knows the device vfio-pci. */
  readonly hasVfio: boolean;
}

const STATUS = z.object({ status: z.string() });
const CPUS = z.array(z.object({ "qom-type": z.string().optional(), "qom-path": z.string() }));
const CHILDREN = z.array(z.object({ name: z.string(), type: z.string() }));
const MIGRATE = z.object({ "blocked-reasons": z.array(z.string()).optional() });
const PERIPHERAL = "/machine/peripheral";

export async function qemuFacts(qmp: Qmp): Promise<QemuFacts> {
  const { status } = STATUS.parse(await qmp.execute("query-status"));
  const [cpu] = CPUS.parse(await qmp.execute("query-cpus-fast"));
  const children = CHILDREN.parse(await qmp.execute("qom-list", { path: PERIPHERAL }));
  const { "blocked-reasons": blocked = [] } = MIGRATE.parse(await qmp.execute("query-migrate"));
  const text = async (path: string, property: string): Promise<string | null> => {
    const value = await qmp.execute("qom-get", { path, property });
    return typeof value === "string" && value !== "" ? value : null;
  };
  const taps = tapsIn(await qmp.execute("human-monitor-command", { "command-line": "info network" }));
  const standbys: Standby[] = [];
  for (const { name, type } of children) {
    if (!/^child<virtio-net-pci/.test(type)) continue;
    const path = `${PERIPHERAL}/${name}`;
    if ((await qmp.execute("qom-get", { path, property: "failover" })) !== true) continue;
    const mac = await text(path, "mac");
    const netdev = await text(path, "netdev");
    if (mac !== null) standbys.push({ id: name, mac: mac.toLowerCase(), tap: taps.get(netdev ?? "") ?? null });
  }
  const passed: PassedVf[] = [];
  for (const device of await passedDevices(qmp)) {
    const bus = await text(device.path, "parent_bus");
    passed.push({
      ...device,
      pairId: await text(device.path, "failover_pair_id"),
      bus: bus?.split("/").at(-1) ?? null,
    });
  }
  return {
    status,
    cpu: cpu?.["qom-type"] ?? (cpu && (await text(cpu["qom-path"], "type"))) ?? "unknown",
    machine: (await text("/machine", "type")) ?? "unknown",
    memoryBytes: (await memoryBytes(qmp)) ?? null,
    passed,
    standbys,
    devices: children.filter(({ type }) => type.startsWith("child<")).map(({ name }) => name),
    blocked,
    hasVfio: await hasVfio(qmp),
  };
}

/** Taps by the names of their backends: no command of QMP tells them, only HMP's `info network`. */
function tapsIn(answer: unknown): ReadonlyMap<string, string> {
  const taps = new Map<string, string>();
  if (typeof answer !== "string") return taps;
  for (const line of answer.split(/\r?\n/)) {
    const [, netdev, tap] = /^\s*(?:\\ )?(\S+): .*\btype=tap,.*\bifname=([^,\s]+)/.exec(line) ?? [];
    if (netdev !== undefined && tap !== undefined) taps.set(netdev, tap);
  }
  return taps;
}
