import type { DesiredPf, DesiredVf } from "../src/host/desired/desired-pf.ts";
import { readPolicies } from "../src/host/desired/read-documents.ts";
import { resolveDesired } from "../src/host/desired/resolve-desired.ts";
import { planHost } from "../src/host/plan/plan-host.ts";
import { figure, median } from "./figure.ts";
import { hostWith } from "./host.ts";

const PFS = 16;
const VFS = 256;
const CLAIMS = 10_000;
const ROUNDS = 15;
const WARM_UP_ROUNDS = 5;
const POLICY = `
apiVersion: vfleet.dev/v1alpha1
kind: VfPolicy
metadata: {name: all}
spec:
  select: {driver: mlx5_core}
  numVfs: max
  vfs:
    - {range: 0-, network: {mac: auto, vlan: 100, trust: false}}
`;

/** Planning for 16 PFs with 256 VFs each, beside reading the same host from its JSON: what any tool does at the least. */
export function planFigures(): void {
  const state = hostWith(PFS, VFS);
  const text = JSON.stringify(state);
  const settled = state.pfs.map(({ bdf, vfs }): DesiredPf => wanted(bdf, vfs.length, 0));
  const changed = state.pfs.map(({ bdf, vfs }): DesiredPf => wanted(bdf, vfs.length, 100));
  const documents = readPolicies([{ label: "bench", text: POLICY }]);
  const random = (count: number) => new Uint8Array(count);

  const parseMs = medianMs(() => JSON.parse(text).pfs.length);
  const host = { pfs: PFS, vfs: PFS * VFS, wanted: "<= 50" };
  const figures: [string, () => number][] = [
    ["planning, nothing differs", () => planHost({ state, desired: settled }).pfs.length],
    ["planning, every VF differs", () => planHost({ state, desired: changed }).pfs.length],
  ];
  for (const [name, work] of figures) {
    const ms = medianMs(work);
    figure(`${name}, 16 PFs x 256 VFs`, ms, "ms", host);
    figure(`${name} / JSON.parse of the host`, ms / parseMs, "ratio");
  }
  const resolveMs = medianMs(
    () => resolveDesired({ documents, state, claims: [], random, now: new Date(0) }).desired.length,
  );
  figure("policies resolved, 4096 automatic MAC addresses", resolveMs, "ms", { pfs: PFS, vfs: PFS * VFS });
  for (const count of [PFS * VFS, CLAIMS]) {
    const claims = claimsOf(count);
    const ms = medianMs(
      () => resolveDesired({ documents: claims, state, claims: [], random, now: new Date(0) }).desired.length,
      3,
    );
    figure(`${count} claims allocated on 16 PFs x 256 VFs`, ms, "ms", { pfs: PFS, vfs: PFS * VFS });
  }
}

/** For different guests, from four pools. More than there are VFs: those that get none are told. */
function claimsOf(count: number) {
  const quarter = VFS / 4;
  const pools = Array.from({ length: 4 }, (_, pool) => {
    return `{range: ${pool * quarter}-${(pool + 1) * quarter - 1}, pool: pool${pool}, driver: vfio-pci}`;
  });
  const header = (kind: string, name: string) =>
    `apiVersion: vfleet.dev/v1alpha1\nkind: ${kind}\nmetadata: {name: ${name}}\n`;
  const policy = `${header("VfPolicy", "pools")}spec: {select: {driver: mlx5_core}, numVfs: max, vfs: [${pools.join(", ")}]}`;
  const claims = Array.from({ length: count }, (_, index) => {
    return `${header("VfClaim", `c${index}`)}spec: {guest: guest-${index}, pool: pool${index % 4}}`;
  });
  return readPolicies([{ label: "bench", text: [policy, ...claims].join("\n---\n") }]);
}

function wanted(pf: DesiredPf["pf"], numVfs: number, vlan: number): DesiredPf {
  const vfs = Array.from({ length: numVfs }, (_, vfIndex): DesiredVf => {
    return { vfIndex, network: { vlan, trust: false, spoofCheck: true } };
  });
  return { pf, wantedBy: ["policy bench"], onShrink: "refuse", numVfs, vfs };
}

/** @param work gives a number that depends on all of it */
function medianMs(work: () => number, rounds = ROUNDS): number {
  const times: number[] = [];
  for (let round = -Math.min(WARM_UP_ROUNDS, rounds); round < rounds; round++) {
    const began = performance.now();
    if (work() === 0) throw new Error("nothing was done");
    if (round >= 0) times.push(performance.now() - began);
  }
  return median(times);
}
