/** Every kind of change by the API, at modelled machines that are processes: with guests, and two of them, so that one can move. */
import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { openHost } from "../../fleet/host-setting.ts";
import { listMachines, runningMachine } from "../../kernel/model/remote/modelled-machine.ts";
import type { NamedHost } from "../serve.ts";
import { type Served, serveHosts, until } from "../testing/served.ts";
import { API_PATH } from "./api.ts";

const PF = "0000:01:00.0";
const VF = "0000:01:10.0";
const NAMES = ["one", "two"] as const;

const folder = mkdtempSync(join(tmpdir(), "vfleet-changes-"));
// Machines have their folders there.
process.env.XDG_STATE_HOME = folder;

function modelFile(name: string, guests: string): string {
  const file = join(folder, `${name}.yaml`);
  writeFileSync(
    file,
    `apiVersion: vfleet.dev/v1alpha1
kind: Model
metadata: {name: ${name}}
spec:
  memory: 256MiB
  iommu: {interruptRemapping: true}
  kernel: {parameters: intel_iommu=on, modules: [igb, igbvf, vfio-pci, model_vfio_pci]}
  guests: ${guests}
  root: [{rootPort: {below: {device: "82576"}}}]
`,
  );
  return file;
}

function document(kind: string, name: string, spec: string) {
  const text = `apiVersion: vfleet.dev/v1alpha1\nkind: ${kind}\nmetadata: {name: ${name}}\nspec: ${spec}\n`;
  return { name, text };
}

describe("every kind of change by the API", () => {
  let served: Omit<Served, "setting">;

  before(async () => {
    const hosts: NamedHost[] = [];
    for (const name of NAMES) {
      const guests = name === "one" ? "[{name: web, memoryMib: 16}, {name: db, memoryMib: 16}]" : "[]";
      hosts.push({ name, setting: await openHost({ source: `model:${modelFile(name, guests)}` }) });
    }
    served = await serveHosts(hosts, folder);
    await until(async () => (await served.ask("/readyz")).status === 200);
  });
  after(async () => {
    for (const { file } of await listMachines()) await (await runningMachine(file))?.powerOff();
    await served.close();
  });

  const plan = (body: unknown, host = "one") => served.ask(`${API_PATH}/hosts/${host}/plans`, { method: "POST", body });

  async function refused(body: unknown, status: number, code: string): Promise<string> {
    const answer = await plan(body);
    assert.deepEqual([answer.status, answer.body.code], [status, code], answer.text);
    return answer.body.detail;
  }

  async function record(number: number, host = "one") {
    const { body } = await served.ask(`${API_PATH}/hosts/${host}/operations/${number}/record`);
    return body;
  }

  /** Plans and does it. @returns its record, null where nothing was to be done */
  async function done(body: unknown, host = "one") {
    const { status, body: planned, text } = await plan(body, host);
    assert.equal(status, 201, text);
    const applied = await served.ask(`${API_PATH}/plans/${planned.id}/apply`, { method: "POST" });
    assert.equal(applied.status, 202, applied.text);
    const { operation } = applied.body;
    if (operation === null) return null;
    const path = `${API_PATH}/hosts/${host}/operations/${operation}`;
    await until(async () => (await served.ask(path)).body.status?.endedAt != null);
    const written = await record(operation, host);
    assert.equal(written.state, "settled", JSON.stringify(written.failure));
    return written;
  }

  async function vf(index: number, host = "one") {
    const { body } = await served.ask(`${API_PATH}/hosts/${host}/virtualfunctions/${PF}-vf${index}`);
    return body.status;
  }

  const vfs = (numVfs: number) => ({
    kind: "apply",
    document: document("VfPolicy", "nics", `{select: {driver: igb}, numVfs: ${numVfs}, pf: {up: true}}`),
  });

  it("set: settings by the names of policies", async () => {
    for (const host of NAMES) await done(vfs(3), host);
    const settings = { vlan: 100, trust: true, mac: "02:00:00:00:00:01" };
    const { kind, title } = await done({ kind: "set", vf: `${PF}-vf1`, settings });
    assert.deepEqual([kind, title], ["set", `${PF} VF 1: vlan=100 trust=on mac=02:00:00:00:00:01`]);
    const { vlan, trust, mac } = (await vf(1)).settings;
    assert.deepEqual({ vlan, trust, mac }, settings);
    assert.equal(await done({ kind: "set", vf: `${PF}-vf1`, settings: { vlan: 100 } }), null);
    assert.match(await refused({ kind: "set", vf: `${PF}-vf1`, settings: { vlna: 1 } }, 400, "VFL-0001"), /vlna/);
    await refused({ kind: "set", vf: `${PF}-vf1`, settings: {} }, 400, "VFL-0001");
    await refused({ kind: "set", vf: `${PF}-vf1`, settings: { vlan: 5000 } }, 400, "VFL-0001");
    await refused({ kind: "set", vf: `${PF}-vf9`, settings: { vlan: 1 } }, 400, "VFL-0233");
    await refused({ kind: "set", vf: "eth0", settings: { vlan: 1 } }, 400, "VFL-0233");
  });

  it("reset: as new for the next tenant", async () => {
    assert.equal((await done({ kind: "reset", vf: `${PF}-vf1` })).title, `${PF} VF 1`);
    assert.deepEqual([(await vf(1)).settings.vlan, (await vf(1)).settings.trust], [0, false]);
  });

  it("bind: to a driver", async () => {
    await done({ kind: "bind", vf: `${PF}-vf2`, driver: "vfio-pci" });
    assert.equal((await vf(2)).driver, "vfio-pci");
    await done({ kind: "bind", vf: `${PF}-vf2`, driver: "default" });
    assert.equal((await vf(2)).driver, "igbvf");
    await refused({ kind: "bind", vf: `${PF}-vf2`, driver: "" }, 400, "VFL-0501");
  });

  it("attach and detach: while a guest has it, no other gets it", async () => {
    await done({ kind: "attach", vf: `${PF}-vf2`, guest: "model:db" });
    assert.equal((await vf(2)).guest, "model:db");
    const { body: other } = await plan({ kind: "attach", vf: `${PF}-vf2`, guest: "web" });
    assert.deepEqual([other.verdict, other.plan.pfs[0].refusals.length], ["refused", 1]);
    assert.deepEqual([other.plan.pfs[0].refusals[0].code, other.plan.pfs[0].steps], ["VFL-0211", []]);
    await done({ kind: "detach", vf: `${PF}-vf2` });
    assert.equal((await vf(2)).guest, null);
    await refused({ kind: "attach", vf: `${PF}-vf2`, guest: "nobody" }, 409, "VFL-0224");
    await refused({ kind: "attach", vf: `${PF}-vf2` }, 400, "VFL-0001");
    await refused({ kind: "attach", guest: "web" }, 400, "VFL-0001");
    await refused({ kind: "attach", vf: `${PF}-vf2`, guest: "web", persistent: true }, 400, "VFL-0001");
    await refused({ kind: "detach", vf: `${PF}-vf2`, claim: "x" }, 400, "VFL-0001");
    await refused({ kind: "attach", vf: `${PF}-vf2`, guest: "web", vfTokenFile: "/etc/passwd" }, 400, "VFL-0501");
  });

  it("a claim's VF: to its guest, and back, and nobody's again", async () => {
    const claim = document("VfClaim", "web-nic", "{guest: web, select: {driver: igb}, lifetime: guest}");
    const { body: planned } = await plan({ kind: "apply", document: claim });
    assert.equal(planned.keeps.length, 1);
    await done({ kind: "apply", document: claim });
    await done({ kind: "attach", claim: "web-nic" });
    const { body } = await served.ask(`${API_PATH}/hosts/one/guests/model:web`);
    assert.equal(body.status.devices.length, 1);
    const { body: held } = await plan({ kind: "release", claim: "web-nic" });
    assert.equal(held.verdict, "refused");
    await done({ kind: "detach", claim: "web-nic" });
    const { body: ended } = await plan({ kind: "release", ended: true });
    assert.deepEqual([ended.verdict, ended.title, ended.plan.pfs], ["settled", "", []]);
    assert.equal((await done({ kind: "release", claim: "web-nic" })).title, "claim web-nic");
    await refused({ kind: "release", claim: "web-nic" }, 400, "VFL-0232");
    await refused({ kind: "attach", claim: "web-nic" }, 400, "VFL-0232");
    const list = `${API_PATH}/hosts/one/documents`;
    assert.equal((await served.ask(`${list}/web-nic`, { method: "DELETE" })).status, 204);
  });

  it("of two documents for one policy that were planned before either was kept, one is", async () => {
    const named = (name: string) => ({
      kind: "apply",
      document: { ...document("VfPolicy", "other", "{select: {driver: igb}, vfs: [{range: 0-2}]}"), name },
    });
    const [one, two] = [await plan(named("first")), await plan(named("second"))];
    assert.deepEqual([one.body.verdict, two.body.verdict], ["settled", "settled"], one.text);
    const apply = (id: string) => served.ask(`${API_PATH}/plans/${id}/apply`, { method: "POST" });
    assert.deepEqual((await apply(one.body.id)).body, { operation: null });
    const { status, body } = await apply(two.body.id);
    assert.deepEqual([status, body.code], [409, "VFL-0308"]);
    const names = (await served.ask(`${API_PATH}/hosts/one/documents`)).body.items.map(
      (each: { name: string }) => each,
    );
    assert.deepEqual(
      names.map(({ name }: { name: string }) => name),
      ["first", "nics"],
    );
    await served.ask(`${API_PATH}/hosts/one/documents/first`, { method: "DELETE" });
  });

  it("files alone are wanted, and kept only where that is asked for", async () => {
    const { name, text } = document("VfPolicy", "alone", "{select: {driver: igb}, numVfs: 3}");
    const files = [{ label: `${name}.yaml`, text }];
    const { body } = await plan({ kind: "apply", files });
    assert.deepEqual([body.verdict, body.keeps], ["settled", []]);
    const { body: kept } = await plan({ kind: "apply", files, persist: true });
    assert.match(kept.keeps[0], /\/alone\.yaml$/);
    await refused({ kind: "apply", files, document: { name, text } }, 400, "VFL-0001");
  });

  it("migrate: a verdict, then the guest runs on another host of the server, by the host's name", async () => {
    for (const host of NAMES) await done({ kind: "bind", vf: `${PF}-vf0`, driver: "model_vfio_pci" }, host);
    const move = { kind: "migrate", guest: "web", destination: "two" };
    const { body: without } = await plan(move);
    assert.deepEqual([without.verdict, without.migration.move], ["refused", null]);
    const cannot = await served.ask(`${API_PATH}/plans/${without.id}/apply`, { method: "POST" });
    assert.deepEqual([cannot.status, cannot.body.code], [409, "VFL-0412"]);
    await done({ kind: "attach", vf: `${PF}-vf0`, guest: "web" });
    for (const probe of ["web", "-f", "192.0.2", "fe80::1%eth0", "192.0.2.1 -f", 7])
      await refused({ ...move, probe }, 400, "VFL-0501");
    // A guest of the model has no address.
    await refused({ ...move, probe: "192.0.2.1" }, 409, "VFL-0417");
    const { body: planned } = await plan(move);
    assert.deepEqual([planned.verdict, planned.plan.pfs], ["changes", []]);
    assert.equal(planned.migration.move.guest, "model:web");
    const moved = await done(move);
    assert.deepEqual([moved.kind, moved.migration.vfs[0].source.bdf], ["migrate", VF]);
    const statusAt = async (host: string) => (await served.ask(`${API_PATH}/hosts/${host}/guests/model:web`)).status;
    // Both hosts are looked at.
    await until(async () => (await statusAt("one")) === 404 && (await statusAt("two")) === 200);
    const { body } = await served.ask(`${API_PATH}/hosts/two/guests/model:web`);
    assert.deepEqual(
      body.status.devices.map(({ bdf }: { bdf: string }) => bdf),
      [VF],
    );
    for (const destination of ["model:/etc/passwd", "tcp:192.0.2.1:1", "nowhere"]) {
      await refused({ ...move, guest: "db", destination }, 409, "VFL-0415");
    }
  });

  it("release: back to no VFs, of what is named and nothing else", async () => {
    await refused({ kind: "release" }, 400, "VFL-0001");
    await refused({ kind: "release", all: true, ended: true }, 400, "VFL-0001");
    await refused({ kind: "release", pfs: ["0000:09:00.0"] }, 400, "VFL-0233");
    await refused({ kind: "release", policy: "nobody" }, 400, "VFL-0232");
    const { body } = await plan({ kind: "release", policy: "nics" });
    assert.equal(body.verdict, "changes", JSON.stringify(body.plan.pfs[0].refusals));
    await done({ kind: "release", pfs: [PF] });
    assert.equal((await served.ask(`${API_PATH}/hosts/one/virtualfunctions`)).body.items.length, 0);
    assert.equal(await done({ kind: "release", all: true }), null);
  });

  it("who may only look may plan, and not do it", async () => {
    const { body } = await served.ask(`${API_PATH}/tokens`, { method: "POST", body: { name: "v", role: "viewer" } });
    const asked = { method: "POST", token: body.token };
    const planned = await served.ask(`${API_PATH}/hosts/one/plans`, { ...asked, body: vfs(2) });
    assert.equal(planned.status, 201);
    assert.equal((await served.ask(`${API_PATH}/plans/${planned.body.id}/apply`, asked)).status, 403);
  });
});
