import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { operationSetting, settingOf } from "../../fleet/host-setting.ts";
import { DESIRED, type Operation } from "../../host/apply/operation.ts";
import { openLocks } from "../../state/pf-locks.ts";
import { type Served, startServed, until } from "../testing/served.ts";
import { API_PATH } from "./api.ts";

const PF = "0000:01:00.0";
const SRIOV_NUMVFS = `/sys/bus/pci/devices/${PF}/sriov_numvfs`;

function policy(numVfs: number, vlan = 100): string {
  return `apiVersion: vfleet.dev/v1alpha1
kind: VfPolicy
metadata: {name: web}
spec:
  select: {driver: igb}
  numVfs: ${numVfs}
  pf: {up: true}
  vfs: [{range: 0-1, network: {vlan: ${vlan}}}]
`;
}

describe("changes by the API", () => {
  let served: Served;

  before(async () => {
    served = await startServed();
  });
  after(() => served.close());

  async function planned(body: unknown) {
    return served.ask(`${API_PATH}/hosts/lab/plans`, { method: "POST", body });
  }

  async function apply(id: string) {
    return served.ask(`${API_PATH}/plans/${id}/apply`, { method: "POST" });
  }

  async function ended(number: number): Promise<{ state: string; stepsDone: number; steps: number }> {
    const end = performance.now() + 30_000;
    for (;;) {
      const { body } = await served.ask(`${API_PATH}/hosts/lab/operations/${number}`);
      if (body.status?.endedAt) return body.status;
      assert.ok(performance.now() < end, `operation ${number} did not end in 30 s`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async function numVfs(): Promise<string> {
    const bytes = await served.setting.kernel.read(SRIOV_NUMVFS);
    return Buffer.from(bytes as Uint8Array)
      .toString()
      .trim();
  }

  async function desired(): Promise<string> {
    return (await served.ask(`${API_PATH}/hosts/lab`)).body.status.desired;
  }

  it("a plan is shown, and writes nothing", async () => {
    const { status, body } = await planned({ kind: "apply", document: { name: "web", text: policy(4) } });
    assert.equal(status, 201);
    assert.deepEqual([body.verdict, body.kind, body.title], ["changes", "apply", "policy web"]);
    assert.ok(body.plan.pfs[0].steps.length > 3);
    assert.equal(await numVfs(), "0");
    assert.deepEqual((await served.ask(`${API_PATH}/plans/${body.id}`)).body, body);
    assert.deepEqual((await served.ask(`${API_PATH}/hosts/lab/documents`)).body.items, []);
  });

  it("it is done as it was shown, once; the document is kept, and the host is as desired", async () => {
    const { body: plan } = await planned({ kind: "apply", document: { name: "web", text: policy(4) } });
    const { status, body } = await apply(plan.id);
    assert.equal(status, 202);
    const operation = await ended(body.operation);
    assert.equal(operation.state, "settled");
    assert.equal(operation.stepsDone, operation.steps);
    assert.equal(await numVfs(), "4");
    assert.equal((await apply(plan.id)).status, 404);
    // The record of its end comes before what is kept of it.
    const list = `${API_PATH}/hosts/lab/documents`;
    await until(async () => (await served.ask(list)).body.items.length === 1);
    const { body: documents } = await served.ask(list);
    assert.deepEqual(documents.items[0].objects, [{ kind: "VfPolicy", name: "web" }]);
    assert.equal(documents.items[0].text, policy(4));
    const { body: audit } = await served.ask(`${API_PATH}/audit?limit=3`);
    assert.deepEqual(
      audit.items.map((item: Record<string, unknown>) => [item.status, item.change]),
      [
        // The plan that is done already, and is no more.
        [404, null],
        [202, { host: "lab", kind: "apply", operation: body.operation }],
        [201, { host: "lab", kind: "apply", operation: null }],
      ],
    );
    await until(async () => (await desired()) === "settled");
    const { body: record } = await served.ask(`${API_PATH}/hosts/lab/operations/${body.operation}/record`);
    assert.equal(record.events.at(-1).state, "settled");
  });

  it("where the host has moved since the plan was shown, nothing is done", async () => {
    const { body: plan } = await planned({ kind: "apply", document: { name: "web", text: policy(4, 200) } });
    const { kernel } = served.setting;
    assert.ok("setVfs" in kernel);
    await kernel.setVfs("eth0", [{ vfIndex: 0, vlan: { id: 7 } }]);
    const { status, body } = await apply(plan.id);
    assert.deepEqual([status, body.code], [409, "VFL-0308"]);
    await until(async () => (await desired()) === "differs");
  });

  it("an operation is taken back by a plan like any other", async () => {
    const { body: plan } = await planned({ kind: "apply", document: { name: "web", text: policy(4, 300) } });
    const { body: done } = await apply(plan.id);
    assert.equal((await ended(done.operation)).state, "settled");
    const { body: undo } = await planned({ kind: "undo", operation: done.operation });
    assert.equal(undo.verdict, "changes");
    const { body: undone } = await apply(undo.id);
    assert.equal((await ended(undone.operation)).state, "settled");
    const { body: vf } = await served.ask(`${API_PATH}/hosts/lab/virtualfunctions/${PF}-vf0`);
    assert.equal(vf.status.settings.vlan, 7);
    const { store } = operationSetting(served.setting);
    const { steps, desired: wished, before: was, pfs } = (await store.read(done.operation)) as Operation;
    const record = { kind: "apply", title: "t", startedAt: new Date().toISOString(), pid: 1, bootId: null };
    const writer = await store.create({ ...record, pfs, desired: wished, before: was, steps });
    const at = new Date().toISOString();
    await writer.append({ at, event: "undoBegun", why: "t", steps: [] });
    await writer.append({ at, event: "ended", state: "undone" });
    await writer.close();
    const { status: again, body: nothing } = await planned({ kind: "undo", operation: writer.header.number });
    assert.deepEqual([again, nothing.code], [409, "VFL-0512"]);
    const { status, body } = await planned({ kind: "undo", operation: 999 });
    assert.deepEqual([status, body.code], [404, "VFL-0504"]);
  });

  it("a refusal is an answer with its cause and remedy, and cannot be done", async () => {
    const { kernel } = served.setting;
    assert.ok("linux" in kernel);
    const { status, body } = await planned({ kind: "apply", document: { name: "web", text: policy(64) } });
    assert.equal(status, 201);
    assert.equal(body.verdict, "refused");
    const [refusal] = [...body.plan.refusals, ...body.plan.pfs[0].refusals];
    assert.match(refusal.code, /^VFL-0\d{3}$/);
    assert.ok(refusal.remedy.length > 0);
    const answer = await apply(body.id);
    assert.deepEqual([answer.status, answer.body.code], [409, refusal.code]);
    assert.equal(await numVfs(), "4");
    // What is refused in a plan is no error of who asked for the plan.
    const { body: audit } = await served.ask(`${API_PATH}/audit?limit=2`);
    const told = audit.items.map((item: Record<string, unknown>) => [item.status, item.code]);
    assert.deepEqual(told, [
      [409, refusal.code],
      [201, null],
    ]);
  });

  it("a document that is wrong is told by line and column; one that says what another says, too", async () => {
    const wrong = policy(4).replace("numVfs", "numVFs");
    const first = await planned({ kind: "apply", document: { name: "web", text: wrong } });
    assert.deepEqual([first.status, first.body.code], [400, "VFL-0016"]);
    assert.match(first.body.detail, /web\.yaml:6:3/);
    const twice = await planned({ kind: "apply", document: { name: "other", text: policy(4) } });
    assert.deepEqual([twice.status, twice.body.code], [400, "VFL-0016"]);
    const path = await planned({ kind: "apply", document: { name: "../web", text: policy(4) } });
    assert.deepEqual([path.status, path.body.code], [400, "VFL-0501"]);
  });

  it("of two who edit a document the second is told that it has changed", async () => {
    const list = `${API_PATH}/hosts/lab/documents`;
    const [{ resourceVersion }] = (await served.ask(list)).body.items;
    const edited = (text: string, version: string) =>
      planned({ kind: "apply", document: { name: "web", text, resourceVersion: version } });
    const first = await edited(`# first\n${policy(4, 300)}`, resourceVersion);
    assert.equal(first.status, 201);
    const { body } = await apply(first.body.id);
    await ended(body.operation);
    await until(async () => (await served.ask(list)).body.items[0].resourceVersion !== resourceVersion);
    const second = await edited(`# second\n${policy(4, 300)}`, resourceVersion);
    assert.deepEqual([second.status, second.body.code], [412, "VFL-0513"]);
    const gone = await planned({
      kind: "apply",
      document: { name: "other", text: policy(4).replace("name: web", "name: other"), resourceVersion },
    });
    assert.deepEqual([gone.status, gone.body.code], [412, "VFL-0513"]);
  });

  it("a document that is to be new takes no other's place", async () => {
    const fresh = (name: string) =>
      planned({ kind: "apply", document: { name, text: policy(4), resourceVersion: "" } });
    const taken = await fresh("web");
    assert.deepEqual([taken.status, taken.body.code], [412, "VFL-0513"]);
    assert.match(taken.body.detail, /the document web has been there before/);
    // Its name is free: what is wrong is that it says what the other says.
    assert.equal((await fresh("other")).body.code, "VFL-0016");
  });

  it("a document is taken away where it is still the one that was read", async () => {
    const list = `${API_PATH}/hosts/lab/documents`;
    const { body } = await served.ask(list);
    const version: string = body.items[0].resourceVersion;
    const other = await served.ask(`${list}/web?resourceVersion=0000`, { method: "DELETE" });
    // Whoever is at work at what is desired may be about to keep it.
    const { release } = await openLocks(served.setting.folders.locks).acquire([DESIRED]);
    const during = await served.ask(`${list}/web`, { method: "DELETE" });
    assert.deepEqual([during.status, during.body.code], [409, "VFL-0306"]);
    release();
    assert.deepEqual([other.status, other.body.code], [412, "VFL-0513"]);
    assert.equal((await served.ask(`${list}/web?resourceVersion=${version}`, { method: "DELETE" })).status, 204);
    assert.equal((await served.ask(`${list}/web`, { method: "DELETE" })).status, 404);
    assert.equal(existsSync(join(served.folder, "config/web.yaml")), false);
    assert.equal(await desired(), "nothing");
  });

  it("where claims have got VFs since the plan was shown, no other claim gets the same ones", async () => {
    const claim = (name: string) =>
      planned({
        kind: "apply",
        document: {
          name,
          text: `apiVersion: vfleet.dev/v1alpha1\nkind: VfClaim\nmetadata: {name: ${name}}\nspec: {guest: ${name}, select: {driver: igb}}\n`,
        },
      });
    const [one, two] = [await claim("one"), await claim("two")];
    assert.equal((await apply(one.body.id)).status, 202);
    await until(async () => (await settingOf(served.setting)).claims.length === 1);
    const { status, body } = await apply(two.body.id);
    assert.deepEqual([status, body.code], [409, "VFL-0308"]);
    assert.equal((await apply((await claim("two")).body.id)).status, 202);
    await until(async () => (await settingOf(served.setting)).claims.length === 2);
    const { claims } = await settingOf(served.setting);
    assert.equal(new Set(claims.map(({ vfIndex }) => vfIndex)).size, 2);
  });
});
