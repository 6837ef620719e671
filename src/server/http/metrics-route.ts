import { Counter, Gauge, Registry } from "prom-client";
import type { ObjectCache } from "../../fleet/object-cache.ts";
import type { VirtualFunctionObject } from "../../fleet/objects.ts";
import type { ManagedHost } from "../managed-host.ts";
import type { Api } from "./api.ts";

const MS_PER_S = 1000;
/** What was counted of VFs, with the names that Prometheus' users know from interfaces. */
const COUNTERS = {
  rxBytes: ["receive_bytes", "Bytes that the VF received"],
  rxPackets: ["receive_packets", "Packets that the VF received"],
  rxDropped: ["receive_drop", "Packets for the VF that were dropped"],
  txBytes: ["transmit_bytes", "Bytes that the VF sent"],
  txPackets: ["transmit_packets", "Packets that the VF sent"],
  txDropped: ["transmit_drop", "Packets of the VF that were dropped"],
} as const;

/** `/metrics`, as Prometheus reads it: made from what was observed, when it is asked for. */
export function metricsRoute(api: Api, cache: ObjectCache, hosts: readonly ManagedHost[]): void {
  api.get("/metrics", {
    config: { access: "viewer" },
    schema: { summary: "metrics for Prometheus" },
    handler: async (_, reply) => {
      const registry = metricsOf(cache, hosts);
      return reply.type(registry.contentType).send(await registry.metrics());
    },
  });
}

function metricsOf(cache: ObjectCache, hosts: readonly ManagedHost[]): Registry {
  const registry = new Registry();
  const registers = [registry];
  const gauge = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Gauge({ name: `vfleet_${name}`, help, labelNames: [...labelNames], registers });
  const reachable = gauge("host_reachable", "Whether the host could be read the last time", ["host"]);
  const age = gauge("host_observation_age_seconds", "Since the host was read last", ["host"]);
  const took = gauge("host_observation_duration_seconds", "How long the last look at the host took", ["host"]);
  for (const { name: host, watched } of hosts) {
    reachable.set({ host }, watched.isReachable ? 1 : 0);
    if (watched.ageMs !== undefined) age.set({ host }, watched.ageMs / MS_PER_S);
    took.set({ host }, watched.tookMs / MS_PER_S);
  }
  const operations = gauge("operations", "Operations that are kept, by their state", ["host", "state"]);
  for (const object of cache.all("Operation")) {
    operations.inc({ host: object.metadata.host, state: object.status.state });
  }
  const limit = gauge("pf_vfs_offered", "VFs that the PF's driver allows", ["host", "pf"]);
  const enabled = gauge("pf_vfs_enabled", "VFs that the PF has", ["host", "pf"]);
  for (const object of cache.all("PhysicalFunction")) {
    const labels = { host: object.metadata.host, pf: object.metadata.name };
    // What was not read has no sample: a zero would be taken for one.
    if (object.status.driverLimit !== null) limit.set(labels, object.status.driverLimit);
    if (object.status.numVfs !== null) enabled.set(labels, object.status.numVfs);
  }
  const states = gauge("vfs", "VFs by what they are used for", ["host", "state"]);
  const counters = (Object.keys(COUNTERS) as (keyof typeof COUNTERS)[])
    .map((field) => [field, ...COUNTERS[field]] as const)
    .map(([field, name, help]) => ({
      field,
      counter: new Counter({ name: `vfleet_vf_${name}_total`, help, labelNames: ["host", "pf", "vf"], registers }),
    }));
  for (const { metadata, status } of cache.all("VirtualFunction")) {
    states.inc({ host: metadata.host, state: stateOf(status) });
    for (const { field, counter } of counters) {
      const value = status.counters?.[field];
      if (typeof value === "number") {
        counter.inc({ host: metadata.host, pf: status.pf, vf: String(status.vfIndex) }, value);
      }
    }
  }
  return registry;
}

/** One word of each VF: `guest`, `used` by somebody else, `free`, or `unknown` where not all was looked at. */
function stateOf({ guest, users, notLookedAt }: VirtualFunctionObject["status"]): string {
  if (guest !== null) return "guest";
  if (users.length > 0) return "used";
  return notLookedAt.length > 0 ? "unknown" : "free";
}
