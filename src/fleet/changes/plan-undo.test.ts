import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { OperationHeader } from "../../host/apply/operation.ts";
import type { DesiredPf } from "../../host/desired/desired-pf.ts";
import type { Guests, SeenGuest } from "../../host/guest-port.ts";
import { openModel } from "../../kernel/model/model-kernel.ts";
import { labModel } from "../../kernel/model/testing/lab-models.ts";
import { bdf } from "../../pci/bdf.ts";
import { type HostSetting, operationSetting, settingOf } from "../host-setting.ts";
import { planChange } from "./plan-change.ts";

const PF = bdf("0000:01:00.0");
const WEB: SeenGuest = {
  ...{ address: "libvirt:web", name: "web", uuid: null, pid: 4242 },
  ...{ running: true, devices: [], unreachable: null },
};
/** One that has no room for a VF. */
const FULL: Guests = {
  look: async () => ({ guests: [WEB], gaps: [] }),
  obstacles: async () => [{ code: "VFL-0403", summary: "no slot", evidence: [], remedy: "make one" }],
  attach: () => assert.fail("nothing is given while a plan is made"),
  detach: () => assert.fail("nothing is taken while a plan is made"),
};

async function onHost(work: (host: HostSetting) => Promise<void>): Promise<void> {
  const model = labModel("igb");
  assert.ok(model);
  const folder = mkdtempSync(join(tmpdir(), "vfleet-planned-"));
  try {
    const kernel = await openModel(model, "igb");
    for (const module of ["igb", "vfio-pci"]) await kernel.loadModule(module);
    await kernel.write(`/sys/bus/pci/devices/${PF}/sriov_numvfs`, "1");
    const folders = { state: folder, config: join(folder, "config"), locks: join(folder, "locks") };
    await work(await settingOf({ kernel, guests: FULL, folders }));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** An operation that was done. @returns its number */
async function recorded(host: HostSetting, more: Pick<OperationHeader, "kind"> & Partial<OperationHeader>) {
  const writer = await operationSetting(host).store.create({
    ...{ title: "t", startedAt: new Date().toISOString(), pid: 1, bootId: null },
    ...{ pfs: [{ bdf: PF, key: "k" }], steps: [], desired: [], before: [], ...more },
  });
  await writer.append({ at: new Date().toISOString(), event: "ended", state: "settled" });
  await writer.close();
  return writer.header.number;
}

test("a guest that cannot have its VF back refuses the plan that takes an operation back", () =>
  onHost(async (host) => {
    const pf: DesiredPf = { pf: PF, wantedBy: ["detach"], onShrink: "refuse", vfs: [] };
    const number = await recorded(host, {
      kind: "detach",
      desired: [{ ...pf, vfs: [{ vfIndex: 0, guest: null }] }],
      before: [{ ...pf, vfs: [{ vfIndex: 0, guest: WEB.address, driver: "vfio" }] }],
    });
    const { plan } = await planChange(host, { kind: "undo", operation: number });
    assert.ok(plan.pfs[0]?.steps.some(({ kind }) => kind === "attachGuest"));
    assert.deepEqual(
      plan.pfs[0]?.refusals.map(({ code, vfIndex }) => [code, vfIndex]),
      [["VFL-0403", 0]],
    );
  }));

test("a guest that was moved is not taken back by a plan, which would have nothing to do", () =>
  onHost(async (host) => {
    const number = await recorded(host, {
      kind: "migrate",
      migration: {
        ...{ method: "failover", guest: "qemu:web", destination: "qemu:web-dst", uri: "unix:/run/m", pfs: [PF] },
        vfs: [{ source: { pf: PF, vfIndex: 0, bdf: bdf("0000:01:10.0") }, destination: null, details: {} }],
        ...{ steps: [], undoSteps: [], details: {} },
      },
    });
    await assert.rejects(planChange(host, { kind: "undo", operation: number }), {
      code: "VFL-0512",
      message: /has moved a guest/,
    });
  }));
