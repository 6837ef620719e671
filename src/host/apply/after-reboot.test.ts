/** What a reboot leaves of an operation that it has cut off. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { readAllocations, readDesiredFolder } from "../../state/desired-folder.ts";
import type { StepOf } from "../plan/step.ts";
import type { Kept, Operation, OperationHeader } from "./operation.ts";
import { type OperationHost, operationHost, PF } from "./testing/operation-host.ts";

const hosts: OperationHost[] = [];
after(() => {
  for (const host of hosts) host.close();
});

const NUM_VFS = { kind: "setNumVfs", pf: PF, from: 0, to: 1 } as const;
const ATTACH: StepOf<"attachGuest"> = {
  ...{ kind: "attachGuest", pf: PF, vfIndex: 0, guest: "libvirt:web" },
  attachment: { place: "both" },
};
const DETACH: StepOf<"detachGuest"> = { ...ATTACH, kind: "detachGuest", attachment: { place: "definition" } };
const CLAIM = { claim: "shop", pfKey: "k", vfIndex: 0, mac: null };
const KEEPS: Kept = {
  allocations: { from: [], to: [CLAIM] },
  documents: [{ name: "tenants.yaml", from: null, to: "# tenants\n" }],
};

interface CutOff {
  readonly host: OperationHost;
  recover(): Promise<Operation | undefined>;
}

/** One of an earlier boot: `begun` steps began, all but the last were done; then, where it went back, so many of `undo`. */
async function cutOff(
  { steps, keeps }: Pick<OperationHeader, "steps" | "keeps">,
  begun: number,
  undone?: { readonly steps: OperationHeader["steps"]; readonly done: number },
): Promise<CutOff> {
  const host = await operationHost();
  hosts.push(host);
  const at = new Date(0).toISOString();
  const writer = await host.store.create({
    ...{ kind: "apply", title: "t", startedAt: at, pid: 1, bootId: "another", pfs: [{ bdf: PF, key: "k" }] },
    ...{ desired: [], before: [], steps, ...(keeps && { keeps }) },
  });
  for (let step = 0; step < begun; step++) {
    await writer.append({ at, event: "stepBegun", step });
    if (step < begun - 1) await writer.append({ at, event: "stepDone", step, tookMs: 1, evidence: "e", log: [] });
  }
  if (undone) {
    await writer.append({ at, event: "undoBegun", why: "w", steps: undone.steps });
    for (let step = 0; step < undone.done; step++) {
      await writer.append({ at, event: "stepBegun", step });
      await writer.append({ at, event: "stepDone", step, tookMs: 1, evidence: "e", log: [] });
    }
  }
  await writer.close();
  return { host, recover: async () => (await host.recover())[0] };
}

async function keptOn({ host: { folder } }: CutOff): Promise<[claims: number, documents: number]> {
  return [(await readAllocations(folder)).length, (await readDesiredFolder(join(folder, "config"))).length];
}

describe("after a reboot", () => {
  test("of VFs and their settings nothing is left to tell", async () => {
    const { recover } = await cutOff({ steps: [NUM_VFS, ATTACH] }, 1);
    const operation = await recover();
    assert.deepEqual([operation?.state, operation?.failure], ["overtaken", null]);
  });

  for (const [what, step, message] of [
    ["may have come into", ATTACH, /: libvirt:web may have VF 0 of 0000:01:00\.0 in its definition$/],
    ["may have gone from", DETACH, /: libvirt:web may not have VF 0 of 0000:01:00\.0 in its definition any more$/],
  ] as const) {
    test(`a VF that ${what} a guest's definition is told of`, async () => {
      const operation = await (await cutOff({ steps: [NUM_VFS, step] }, 2)).recover();
      assert.deepEqual([operation?.state, operation?.failure?.code], ["overtaken", "VFL-0313"]);
      assert.match(operation?.failure?.message ?? "", message);
    });
  }

  test("not where it had been taken back, nor where the guest had it live alone", async () => {
    const undo = { steps: [DETACH], done: 1 };
    assert.equal((await (await cutOff({ steps: [ATTACH] }, 1, undo)).recover())?.failure, null);
    const live = { ...ATTACH, attachment: { place: "live" } } as const;
    assert.equal((await (await cutOff({ steps: [live] }, 1)).recover())?.failure, null);
  });

  test("what it had not begun to keep is not kept: its VFs are gone", async () => {
    const cut = await cutOff({ steps: [NUM_VFS], keeps: KEEPS }, 1);
    assert.equal((await cut.recover())?.failure, null);
    assert.deepEqual(await keptOn(cut), [0, 0]);
  });

  test("what it had begun to keep, all else being done, is kept as a whole, and told of", async () => {
    const cut = await cutOff({ steps: [NUM_VFS], keeps: KEEPS }, 1);
    writeFileSync(join(cut.host.folder, "allocations.json"), JSON.stringify([CLAIM]));
    const operation = await cut.recover();
    assert.equal(operation?.state, "overtaken");
    assert.match(operation?.failure?.message ?? "", /: what it was to keep is kept$/);
    assert.deepEqual(await keptOn(cut), [1, 1]);
  });

  test("where that cannot be, it says so", async () => {
    const cut = await cutOff({ steps: [NUM_VFS], keeps: KEEPS }, 1);
    writeFileSync(join(cut.host.folder, "allocations.json"), JSON.stringify([CLAIM]));
    mkdirSync(join(cut.host.folder, "config"), { mode: 0o700 });
    writeFileSync(join(cut.host.folder, "config", "tenants.yaml"), "# another's\n");
    const operation = await cut.recover();
    assert.equal(operation?.state, "overtaken");
    assert.match(operation?.failure?.message ?? "", /kept in part: .*tenants\.yaml has changed/);
  });
});
