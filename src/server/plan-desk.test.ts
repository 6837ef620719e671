import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { settingOf } from "../fleet/host-setting.ts";
import type { Guests, SeenGuests } from "../host/guest-port.ts";
import { openModel } from "../kernel/model/model-kernel.ts";
import { labModel } from "../kernel/model/testing/lab-models.ts";
import { API_PATH } from "./http/api.ts";
import { type Served, serveHosts, until } from "./testing/served.ts";

const VF = "0000:01:00.0-vf0";

/** What was read of the host, each time that it was. */
const seen: WeakRef<SeenGuests>[] = [];
const GUESTS: Guests = {
  look: async () => {
    const guests = { guests: [], gaps: [] };
    seen.push(new WeakRef(guests));
    return guests;
  },
  obstacles: async () => [],
  attach: () => assert.fail("nothing is given while a plan is made"),
  detach: () => assert.fail("nothing is taken while a plan is made"),
};

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

function policy(vlan: number): string {
  return `apiVersion: vfleet.dev/v1alpha1
kind: VfPolicy
metadata: {name: web}
spec: {select: {driver: igb}, numVfs: 2, vfs: [{range: "0", pool: p, network: {vlan: ${vlan}}}]}
---
apiVersion: vfleet.dev/v1alpha1
kind: VfClaim
metadata: {name: web}
spec: {pool: p, guest: web}
`;
}

describe("plans that are kept", () => {
  let served: Omit<Served, "setting">;

  before(async () => {
    const model = labModel("igb");
    assert.ok(model);
    const folder = mkdtempSync(join(tmpdir(), "vfleet-desk-"));
    const kernel = await openModel(model, "igb");
    for (const module of ["igb", "igbvf"]) await kernel.loadModule(module);
    await kernel.write("/sys/bus/pci/devices/0000:01:00.0/sriov_numvfs", "2");
    const folders = { state: join(folder, "host"), config: join(folder, "config"), locks: join(folder, "locks") };
    const setting = await settingOf({ kernel, guests: GUESTS, folders });
    served = await serveHosts([{ name: "lab", setting }], folder);
    await until(async () => (await served.ask("/readyz")).status === 200);
  });
  after(() => served.close());

  const plan = (body: unknown, token = served.token) =>
    served.ask(`${API_PATH}/hosts/lab/plans`, { method: "POST", body, token });
  const isKept = async (id: string) => (await served.ask(`${API_PATH}/plans/${id}`)).status === 200;

  it("do not hold what was read of the host", async () => {
    const asked = [
      { kind: "apply", document: { name: "web", text: policy(100) } },
      { kind: "apply", files: [{ label: "web.yaml", text: policy(200) }], persist: true },
      { kind: "set", vf: VF, settings: { vlan: 300 } },
      { kind: "bind", vf: VF, driver: "none" },
      { kind: "reset", vf: VF },
      { kind: "release", all: true },
      { kind: "release", ended: true },
    ];
    seen.length = 0;
    const ids: string[] = [];
    for (const body of asked) {
      const { status, text, body: made } = await plan(body);
      assert.equal(status, 201, text);
      ids.push(made.id);
    }
    assert.ok(seen.length >= asked.length);
    await until(async () => {
      collect();
      return seen.every((each) => each.deref() === undefined);
    });
    for (const id of ids) assert.equal(await isKept(id), true);
  });

  it("of one token are so many that they do not push out those of others", async () => {
    const { body: made } = await served.ask(`${API_PATH}/tokens`, {
      method: "POST",
      body: { name: "viewer", role: "viewer" },
    });
    const { body: first } = await plan({ kind: "set", vf: VF, settings: { vlan: 7 } });
    const ids: string[] = [];
    for (let vlan = 1; vlan <= 201; vlan++) {
      ids.push((await plan({ kind: "set", vf: VF, settings: { vlan } }, made.token)).body.id);
    }
    assert.equal(await isKept(first.id), true);
    const kept = await Promise.all(ids.map(isKept));
    assert.deepEqual(
      kept,
      ids.map((_, index) => index >= ids.length - 20),
    );
  });
});
