/** What a change keeps beside the host, where its process dies before it could write that down. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { applyPlan } from "../host/apply/apply-plan.ts";
import { openModel } from "../kernel/model/model-kernel.ts";
import { labModel } from "../kernel/model/testing/lab-models.ts";
import { bdf } from "../pci/bdf.ts";
import { readAllocations, readDesiredFolder } from "../state/desired-folder.ts";
import type { ChangeRequest } from "./changes/change-request.ts";
import { doChange } from "./changes/do-change.ts";
import { planChange } from "./changes/plan-change.ts";
import { type HostSetting, operationSetting, settingOf } from "./host-setting.ts";
import { recoverHost } from "./recover-host.ts";

const PF = bdf("0000:01:00.0");
const NUM_VFS = `/sys/bus/pci/devices/${PF}/sriov_numvfs`;
const TENANTS: ChangeRequest = {
  kind: "apply",
  persist: true,
  files: [
    {
      label: "tenants.yaml",
      text: `apiVersion: vfleet.dev/v1alpha1
kind: VfPolicy
metadata: {name: tenants}
spec: {select: {driver: igb}, numVfs: 2, vfs: [{range: "0-1", pool: web}]}
---
apiVersion: vfleet.dev/v1alpha1
kind: VfClaim
metadata: {name: shop}
spec: {guest: shop, pool: web}
`,
    },
  ],
};
async function onHost(work: (host: HostSetting) => Promise<void>): Promise<void> {
  const model = labModel("igb");
  assert.ok(model);
  const folder = mkdtempSync(join(tmpdir(), "vfleet-recovered-"));
  try {
    const kernel = await openModel({ ...model, modules: ["igb", "vfio-pci"] }, "recovered");
    const folders = { state: folder, config: join(folder, "config"), locks: join(folder, "locks") };
    await work(await settingOf({ kernel, guests: undefined, folders }));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Does a change up to where it would be kept, and dies there: nothing that it does then reaches the disk. @param more what it does before */
async function dieBeforeKeeping(
  host: HostSetting,
  request: ChangeRequest,
  more = async (_: () => Promise<void>) => {},
) {
  const { host: setting, plan, kind, title, replan, keeping } = await planChange(await settingOf(host), request);
  const { keep } = keeping;
  assert.ok(keep);
  let isDead = false;
  const { store, ...rest } = operationSetting(setting);
  const mortal: typeof store = {
    ...store,
    async create(header) {
      const writer = await store.create(header);
      return {
        ...writer,
        append: async (event) => (isDead ? undefined : writer.append(event)),
        close: () => writer.close(),
      };
    },
  };
  const keepAndDie = async () => {
    await more(keep);
    isDead = true;
  };
  await applyPlan({
    ...{ ...rest, store: mortal, plan, kind, title },
    ...(replan && { replan }),
    keeping: { ...keeping, keep: keepAndDie },
  });
  assert.ok(isDead);
}

async function claimsOf({ folders }: HostSetting): Promise<string[]> {
  return (await readAllocations(folders.state)).map(({ claim }) => claim);
}

async function documentsOf({ folders }: HostSetting): Promise<number> {
  return (await readDesiredFolder(folders.config)).length;
}

async function statesOf(host: HostSetting): Promise<string[]> {
  return (await recoverHost(host, {})).map(({ state, failure }) =>
    [state, ...(failure ? [failure.code] : [])].join(" "),
  );
}

test("an operation that died before it could keep what it was to keep is settled once that is kept", () =>
  onHost(async (host) => {
    await dieBeforeKeeping(host, TENANTS);
    assert.deepEqual([await claimsOf(host), await documentsOf(host)], [[], 0]);
    assert.deepEqual(await statesOf(host), ["settled"]);
    assert.deepEqual([await claimsOf(host), await documentsOf(host)], [["shop"], 1]);
  }));

test("what it had kept already is no hindrance", () =>
  onHost(async (host) => {
    await dieBeforeKeeping(host, TENANTS, (keep) => keep());
    assert.deepEqual(await statesOf(host), ["settled"]);
    assert.deepEqual([await claimsOf(host), await documentsOf(host)], [["shop"], 1]);
  }));

test("where it goes back, what it had kept is as it was again, and no hindrance to that", () =>
  onHost(async (host) => {
    await dieBeforeKeeping(host, TENANTS, (keep) => keep());
    assert.ok("write" in host.kernel);
    await host.kernel.write(`/sys/bus/pci/devices/${PF}/sriov_numvfs`, "0");
    await host.kernel.write(`/sys/bus/pci/devices/${PF}/sriov_numvfs`, "3");
    assert.deepEqual(await statesOf(host), ["undone VFL-0312"]);
    assert.deepEqual([await claimsOf(host), await documentsOf(host)], [[], 0]);
    assert.deepEqual(await host.kernel.read(NUM_VFS), new TextEncoder().encode("0\n"));
  }));

test("what somebody else has kept meanwhile is not written over: it goes back", () =>
  onHost(async (host) => {
    await dieBeforeKeeping(host, TENANTS);
    const path = join(host.folders.state, "allocations.json");
    const others = [{ claim: "other", pfKey: "k", vfIndex: 0, mac: null }];
    writeFileSync(path, JSON.stringify(others));
    assert.deepEqual(await statesOf(host), ["undone VFL-0308"]);
    assert.deepEqual(JSON.parse(readFileSync(path, "utf8")), others);
    assert.equal(await documentsOf(host), 0);
  }));

test("a claim whose VFs were made as new, and which it died before giving up, is given up", () =>
  onHost(async (host) => {
    await doChange(await planChange(host, TENANTS));
    assert.deepEqual(await claimsOf(host), ["shop"]);
    await dieBeforeKeeping(host, { kind: "release", claim: "shop" });
    assert.deepEqual(await claimsOf(host), ["shop"]);
    assert.deepEqual(await statesOf(host), ["settled"]);
    assert.deepEqual(await claimsOf(host), []);
  }));
