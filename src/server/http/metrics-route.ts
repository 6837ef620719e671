import { Counter, Gauge, Registry } from "prom-client";
import type { ObjectCache } from "../../fleet/object-cache.ts";
import type { VirtualFunctionObject } from "../../fleet/objects.ts";
import { parseBdf } from "../../pci/bdf.ts";
import type { ManagedHost } from "../managed-host.ts";
import { SharedRead } from "../shared-read.ts";
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
/** Limits that the PF's driver holds a VF to; 0 is none. */
const LIMITS = { maxTxRateMbps: "max_transmit_rate_mbps", minTxRateMbps: "min_transmit_rate_mbps" } as const;

/** `/metrics`, as Prometheus reads it: made from what was observed, when it is asked for. */
export function metricsRoute(api: Api, cache: ObjectCache, hosts: readonly ManagedHost[]): void {
  const metrics = fleetMetrics();
  // One set for all who ask: two at a time would mix what they write.
  const scrape = new SharedRead(() => {
    metrics.fill(cache, hosts);
    return metrics.registry.metrics();
  });
  api.get("/metrics", {
    config: { access: "viewer" },
    schema: { summary: "metrics for Prometheus" },
    handler: async (_, reply) => reply.type(metrics.registry.contentType).send(await scrape.now()),
  });
}

/** What is not known has no sample: a zero would be taken for one. */
function fleetMetrics() {
  const registry = new Registry();
  const registers = [registry];
  const gauge = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Gauge({ name: `vfleet_${name}`, help, labelNames: [...labelNames], registers });
  const reachable = gauge("host_reachable", "Whether the host could be read the last time", ["host"]);
  const age = gauge("host_observation_age_seconds", "Since the host was read last", ["host"]);
  const took = gauge("host_observation_duration_seconds", "How long the last look at the host took", ["host"]);
  const lag = gauge(
    "host_reconcile_lag_seconds",
    "Since when the host differs from what is desired; 0 where it does not",
    ["host"],
  );
  const operations = gauge("operations", "Operations that are kept, by their state", ["host", "state"]);
  const limit = gauge("pf_vfs_offered", "VFs that the PF's driver allows", ["host", "pf"]);
  const enabled = gauge("pf_vfs_enabled", "VFs that the PF has", ["host", "pf"]);
  const states = gauge("vfs", "VFs by what they are used for", ["host", "state"]);
  const rates = Object.entries(LIMITS).map(([field, name]) => ({
    field,
    rate: gauge(`vf_${name}`, "What the VF may send, in Mbit/s, as its PF's driver holds it; 0 is no limit", [
      "host",
      "pf",
      "vf",
    ]),
  }));
  const counters = (Object.keys(COUNTERS) as (keyof typeof COUNTERS)[])
    .map((field) => [field, ...COUNTERS[field]] as const)
    .map(([field, name, help]) => ({
      field,
      counter: new Counter({ name: `vfleet_vf_${name}_total`, help, labelNames: ["host", "pf", "vf"], registers }),
    }));

  const aerMessages = new Counter({
    name: "vfleet_aer_messages_total",
    help: "Error messages of the function that the kernel's AER driver has handled",
    labelNames: ["host", "device", "severity"],
    registers,
  });
  const aerErrors = new Counter({
    name: "vfleet_aer_errors_total",
    help: "Errors in those messages, by the kernel's names; of an error that there never was there is no sample",
    labelNames: ["host", "device", "severity", "error"],
    registers,
  });
  const iommuFaults = new Counter({
    name: "vfleet_iommu_faults_total",
    help: "Faults of the IOMMU in the kernel log, by the function whose request it was, since the agent watches it",
    labelNames: ["host", "device"],
    registers,
  });
  const lostRecords = new Counter({
    name: "vfleet_kernel_log_lost_records_total",
    help: "Records of the kernel log that were overwritten before they were read; faults may have been among them",
    labelNames: ["host"],
    registers,
  });

  const fillErrors = (cache: ObjectCache, { name: host, aer, iommuFaults: watch }: ManagedHost) => {
    for (const [device, counts] of aer.counts) {
      for (const { severity, messages, errors } of counts) {
        aerMessages.inc({ host, device, severity }, messages);
        for (const [error, count] of errors) aerErrors.inc({ host, device, severity, error }, count);
      }
    }
    const counts = watch?.counts;
    if (counts === undefined) return;
    lostRecords.inc({ host }, counts.lostRecords);
    // Those that had none, too: Prometheus sees an increase only from a sample to the next.
    const functions = [...cache.all("PhysicalFunction", host), ...cache.all("VirtualFunction", host)];
    const devices = functions.flatMap(
      ({ metadata, status }) => parseBdf("bdf" in status ? (status.bdf ?? "") : metadata.name) ?? [],
    );
    for (const device of new Set<string>([...devices, ...counts.faults.keys()])) {
      iommuFaults.inc({ host, device }, counts.faults.get(device) ?? 0);
    }
  };
  const fillHosts = (hosts: readonly ManagedHost[]) => {
    for (const { name: host, watched } of hosts) {
      reachable.set({ host }, watched.isReachable ? 1 : 0);
      if (watched.ageMs !== undefined) age.set({ host }, watched.ageMs / MS_PER_S);
      if (watched.lagMs !== undefined) lag.set({ host }, watched.lagMs / MS_PER_S);
      took.set({ host }, watched.tookMs / MS_PER_S);
    }
  };
  const fillVf = ({ metadata: { host }, status }: VirtualFunctionObject) => {
    states.inc({ host, state: stateOf(status) });
    const labels = { host, pf: status.pf, vf: String(status.vfIndex) };
    const settings = status.settings as Readonly<Record<string, unknown>> | null;
    for (const { field, rate } of rates) {
      const value = settings?.[field];
      if (typeof value === "number") rate.set(labels, value);
    }
    for (const { field, counter } of counters) {
      const value = status.counters?.[field];
      if (typeof value === "number") counter.inc(labels, value);
    }
  };
  const fill = (cache: ObjectCache, hosts: readonly ManagedHost[]): void => {
    registry.resetMetrics();
    fillHosts(hosts);
    for (const { metadata, status } of cache.all("Operation")) {
      operations.inc({ host: metadata.host, state: status.state });
    }
    for (const { metadata, status } of cache.all("PhysicalFunction")) {
      const labels = { host: metadata.host, pf: metadata.name };
      if (status.driverLimit !== null) limit.set(labels, status.driverLimit);
      if (status.numVfs !== null) enabled.set(labels, status.numVfs);
    }
    for (const vf of cache.all("VirtualFunction")) fillVf(vf);
    for (const host of hosts) fillErrors(cache, host);
  };
  return { registry, fill };
}

/** One word of each VF: `guest`, `used` by somebody else, `free`, or `unknown` where not all was looked at. */
function stateOf({ guest, users, notLookedAt }: VirtualFunctionObject["status"]): string {
  if (guest !== null) return "guest";
  if (users.length > 0) return "used";
  return notLookedAt.length > 0 ? "unknown" : "free";
}
