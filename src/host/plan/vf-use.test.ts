import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { bdf } from "../../pci/bdf.ts";
import { operationHost, PF, planningOf } from "../apply/testing/operation-host.ts";
import type { DesiredPf, DesiredVf } from "../desired/desired-pf.ts";
import type { SeenGuest } from "../guest-port.ts";
import { withClaims } from "../state/claim-users.ts";
import type { HostState } from "../state/host-state.ts";
import { planHost } from "./plan-host.ts";

/** Two VFs, the one given on vfio-pci and open by a guest. */
async function hostWithGuest(t: TestContext, vf: string) {
  const host = await operationHost();
  t.after(() => host.close());
  await host.write(`/sys/bus/pci/devices/${PF}/sriov_numvfs`, "2");
  const give = async () => {
    await host.write(`/sys/bus/pci/devices/${vf}/driver/unbind`, vf);
    await host.write(`/sys/bus/pci/devices/${vf}/driver_override`, "vfio-pci");
    await host.write("/sys/bus/pci/drivers_probe", vf);
    host.useByGuest(bdf(vf));
  };
  return { kernel: host.kernel, give };
}

/** Of the refusal of so many VFs. */
function remedyOf(state: HostState, numVfs: number): string | undefined {
  const desired = [{ pf: PF, wantedBy: ["release"], onShrink: "refuse", numVfs, vfs: [] }] as const;
  const [refusal] = planHost({ state, desired }).pfs.flatMap(({ refusals }) => refusals);
  assert.equal(refusal?.code, "VFL-0211");
  return refusal.remedy;
}

test("a VF that only claims have is refused with the command that ends them; with a guest beside, that comes first", async (t) => {
  const { kernel, give } = await hostWithGuest(t, "0000:01:10.0");
  const remedy = async () => {
    const seen = await planningOf(kernel).observe();
    const [pf] = seen.pfs;
    assert.ok(pf);
    const { key } = pf.identity;
    const state = withClaims(seen, [
      { claim: "web", pfKey: key, vfIndex: 0, mac: null },
      { claim: "db", pfKey: key, vfIndex: 1, mac: null },
    ]);
    return remedyOf(state, 0);
  };
  assert.equal(
    await remedy(),
    "the claims are released first, by: vfleet release --claim web; vfleet release --claim db",
  );
  await give();
  assert.equal(await remedy(), "end their use first, or keep them as they are");
});

test("a guest that has its VF by vfleet gives it back by a command, or under drain; another ends its use itself", async (t) => {
  const vf = bdf("0000:01:10.2");
  const { kernel, give } = await hostWithGuest(t, vf);
  await give();
  const seen = await planningOf(kernel).observe();
  const pid = seen.pfs[0]?.vfs[1]?.users.users[0]?.who.pid;
  assert.ok(pid);
  const remedy = (byVfleet: boolean, unreachable: string | null, numVfs: number) => {
    const devices = [{ bdf: vf, deviceId: null, byVfleet }];
    const guest = { address: "qemu:web", name: "web", uuid: null, pid, running: true, devices, unreachable } as const;
    return remedyOf({ ...seen, guests: { guests: [guest], gaps: [] } }, numVfs);
  };
  assert.equal(remedy(true, null, 0), `give it back first, by: vfleet detach ${vf}; or keep it as it is`);
  assert.equal(
    remedy(true, null, 1),
    `give it back first, by: vfleet detach ${vf}; have it taken and given again, with onShrink: drain in the policy, or keep it as it is`,
  );
  assert.equal(remedy(false, null, 0), "end its use first, or keep it as it is");
  assert.equal(remedy(true, "its monitor is taken", 0), "end its use first, or keep it as it is");
});

test("a VF that a guest has is not given to another, however that one is to have it; to nobody it goes by that wish alone", async (t) => {
  const vf = bdf("0000:01:10.0");
  const { kernel, give } = await hostWithGuest(t, vf);
  await give();
  const seen = await planningOf(kernel).observe();
  const pid = seen.pfs[0]?.vfs[0]?.users.users[0]?.who.pid;
  assert.ok(pid);
  const planned = (wish: Pick<DesiredVf, "guest" | "driver">, from: Partial<SeenGuest> = {}) => {
    const a = { address: "qemu:a", name: "a", uuid: null, pid, running: true, unreachable: null } as const;
    const b = { ...a, address: "qemu:b", name: "b", pid: 7, devices: [] } as const;
    const holder: SeenGuest = { ...a, devices: [{ bdf: vf, deviceId: null, byVfleet: true }], ...from };
    const state = { ...seen, guests: { guests: [holder, b], gaps: [] } };
    const desired = [
      { pf: PF, wantedBy: ["attach"], onShrink: "refuse", vfs: [{ vfIndex: 0, ...wish }] },
    ] satisfies DesiredPf[];
    const [pf] = planHost({ state, desired }).pfs;
    assert.ok(pf);
    return {
      steps: pf.steps.map(({ kind }) => kind),
      refusals: pf.refusals.map(({ code, remedy }) => `${code} ${remedy}`),
    };
  };
  const back = `VFL-0211 give it back first, by: vfleet detach ${vf}; or give qemu:b another VF`;
  assert.deepEqual(planned({ guest: "qemu:b" }), { steps: [], refusals: [back] });
  // With another driver, too, it is told once.
  assert.deepEqual(planned({ guest: "qemu:b", driver: "default" }), { steps: [], refusals: [back] });
  assert.deepEqual(planned({ guest: "qemu:b" }, { running: false, pid: null }).refusals, [back]);
  assert.deepEqual(planned({ guest: "qemu:b" }, { unreachable: "its monitor is taken" }).refusals, [
    "VFL-0211 end its use by qemu:a first; or give qemu:b another VF",
  ]);
  assert.deepEqual(planned({ guest: "qemu:a" }), { steps: [], refusals: [] });
  assert.deepEqual(planned({ guest: null }), { steps: ["detachGuest"], refusals: [] });
});
