import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { DESIRED } from "../../host/apply/operation.ts";
import { openModel } from "../../kernel/model/model-kernel.ts";
import { labModel } from "../../kernel/model/testing/lab-models.ts";
import { bdf } from "../../pci/bdf.ts";
import { openLocks } from "../../state/pf-locks.ts";
import { type HostSetting, settingOf } from "../host-setting.ts";
import type { ChangeRequest } from "./change-request.ts";
import { doChange } from "./do-change.ts";
import { planChange } from "./plan-change.ts";
import { changeVerdict } from "./planned-change.ts";

const PF = bdf("0000:01:00.0");

const POLICY = `apiVersion: vfleet.dev/v1alpha1
kind: VfPolicy
metadata: {name: net}
spec: {select: {driver: igb}, numVfs: 2, vfs: [{range: 0-1, pool: p}]}
`;
const LINK = `apiVersion: vfleet.dev/v1alpha1
kind: VfPolicy
metadata: {name: link}
spec: {select: {driver: igb}, pf: {up: true}}
`;
const CLAIM = `---
apiVersion: vfleet.dev/v1alpha1
kind: VfClaim
metadata: {name: web}
spec: {pool: p, guest: web}
`;

interface Place {
  /** As it is kept now. */
  host(): Promise<HostSetting>;
  plan(request: ChangeRequest): ReturnType<typeof planChange>;
  readonly setting: HostSetting;
}

async function onHost(work: (place: Place) => Promise<void>): Promise<void> {
  const model = labModel("igb");
  assert.ok(model);
  const folder = mkdtempSync(join(tmpdir(), "vfleet-done-"));
  try {
    const kernel = await openModel(model, "igb");
    for (const module of ["igb", "igbvf"]) await kernel.loadModule(module);
    const folders = { state: join(folder, "state"), config: join(folder, "config"), locks: join(folder, "locks") };
    const setting = await settingOf({ kernel, guests: undefined, folders });
    const host = () => settingOf(setting);
    await work({ setting, host, plan: async (request) => planChange(await host(), request) });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const files = (...texts: readonly string[]) => texts.map((text, index) => ({ label: `${"abc"[index]}.yaml`, text }));

test("what is only to be written down is not, where the host is not so any more", () =>
  onHost(async ({ host, plan, setting: { folders } }) => {
    await doChange(await plan({ kind: "apply", files: files(POLICY) }));
    const claim = await plan({ kind: "apply", files: files(POLICY + CLAIM) });
    assert.equal(changeVerdict(claim), "settled");
    await doChange(await plan({ kind: "release", all: true }));
    await assert.rejects(doChange(claim), { code: "VFL-0308", message: /since the plan: setNumVfs of 0000:01:00\.0/ });
    assert.deepEqual((await host()).claims, []);

    await doChange(await plan({ kind: "apply", files: files(POLICY) }));
    const again = await plan({ kind: "apply", files: files(POLICY + CLAIM) });
    const { release } = await openLocks(folders.locks).acquire([PF]);
    await assert.rejects(doChange(again), { code: "VFL-0306" });
    release();
    assert.equal(await doChange(again), undefined);
    assert.equal((await host()).claims.length, 1);
    // Where nothing is written, nobody is waited for.
    const nothing = await plan({ kind: "apply", files: files(POLICY) });
    const held = await openLocks(folders.locks).acquire([PF, DESIRED]);
    assert.equal(await doChange(nothing), undefined);
    held.release();
  }));

test("of several files none is kept where one cannot be, and the operation is taken back", () =>
  onHost(async ({ plan, setting: { folders } }) => {
    const change = await plan({ kind: "apply", files: files(POLICY, LINK), persist: true });
    assert.equal(changeVerdict(change), "changes");
    const inTheWay = join(folders.config, ".b.yaml.new");
    mkdirSync(inTheWay, { recursive: true, mode: 0o700 });
    const operation = await doChange(change);
    assert.deepEqual([operation?.state, operation?.failure?.code], ["undone", "VFL-0307"]);
    assert.deepEqual(readdirSync(folders.config), [".b.yaml.new"]);
    rmSync(inTheWay, { recursive: true });
    await doChange(await plan({ kind: "apply", files: files(POLICY, LINK), persist: true }));
    assert.deepEqual(readdirSync(folders.config), ["a.yaml", "b.yaml"]);
  }));

test("a document takes the place of the one of its name, whatever its file ends in", () =>
  onHost(async ({ plan, setting: { folders } }) => {
    mkdirSync(folders.config, { mode: 0o700 });
    writeFileSync(join(folders.config, "net.yml"), POLICY);
    const text = `# edited\n${POLICY}`;
    await doChange(await plan({ kind: "apply", document: { name: "net", text } }));
    assert.deepEqual(readdirSync(folders.config), ["net.yml"]);
    assert.equal(readFileSync(join(folders.config, "net.yml"), "utf8"), text);
  }));

test("files that would not be kept by their names are refused before the host is read", () =>
  onHost(async ({ host }) => {
    const look = () => assert.fail("the host was read");
    for (const labels of [["x/net.yaml", "y/net.yaml"], [".net.yaml"], [`${"n".repeat(250)}.yaml`]]) {
      const named = labels.map((label, index) => ({ label, text: [POLICY, LINK][index] ?? "" }));
      const request = { kind: "apply", files: named } as const;
      await assert.rejects(planChange(await host(), { ...request, persist: true }, look), { code: "VFL-0001" });
      assert.deepEqual((await planChange(await host(), request)).keeps, []);
    }
  }));
