import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { OperationHeader, OperationPf } from "../../host/apply/operation.ts";
import { recordedPf } from "../../host/apply/recorded-pfs.ts";
import type { DesiredPf } from "../../host/desired/desired-pf.ts";
import type { Guests, SeenGuest } from "../../host/guest-port.ts";
import type { ModelDescription } from "../../kernel/model/model-description.ts";
import { openModel } from "../../kernel/model/model-kernel.ts";
import { labModel } from "../../kernel/model/testing/lab-models.ts";
import { type Bdf, bdf } from "../../pci/bdf.ts";
import { type HostSetting, operationSetting, settingOf } from "../host-setting.ts";
import { planChange } from "./plan-change.ts";
import { changeVerdict } from "./planned-change.ts";

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

async function onHost(
  work: (host: HostSetting) => Promise<void>,
  changed: (model: ModelDescription) => ModelDescription = (model) => model,
): Promise<void> {
  const lab = labModel("igb");
  assert.ok(lab);
  const model = changed(lab);
  const folder = mkdtempSync(join(tmpdir(), "vfleet-planned-"));
  try {
    const kernel = await openModel(model, "undo");
    for (const module of ["igb", "ixgbe", "vfio-pci"]) await kernel.loadModule(module);
    await kernel.write(`/sys/bus/pci/devices/${PF}/sriov_numvfs`, "1");
    const folders = { state: folder, config: join(folder, "config"), locks: join(folder, "locks") };
    await work(await settingOf({ kernel, guests: FULL, folders }));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** As records know the PF that has the address now. */
async function knownAs(host: HostSetting, address: Bdf): Promise<OperationPf> {
  const found = (await host.planning.observe()).pfs.find((pf) => pf.bdf === address);
  assert.ok(found);
  return recordedPf(found);
}

/** An operation that was done. @returns its number */
async function recorded(host: HostSetting, more: Pick<OperationHeader, "kind"> & Partial<OperationHeader>) {
  const writer = await operationSetting(host).store.create({
    ...{ title: "t", startedAt: new Date().toISOString(), pid: 1, bootId: null },
    ...{ pfs: [await knownAs(host, PF)], steps: [], desired: [], before: [], ...more },
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

const SECOND = bdf("0000:02:00.0");

/** Cards of one kind in two slots, told apart by their serial numbers. */
function twoCards(model: ModelDescription): ModelDescription {
  const below = { kind: "device", device: "82599" } as const;
  return { ...model, machine: { ...model.machine, root: [PF, SECOND].map(() => ({ kind: "root port", below })) } };
}

test("a PF that has another address now is taken back there, and not who has its address", () =>
  onHost(async (host) => {
    const number = await recorded(host, {
      kind: "apply",
      pfs: [{ ...(await knownAs(host, SECOND)), bdf: PF }],
      before: [{ pf: PF, wantedBy: ["what was there"], onShrink: "refuse", numVfs: 2, vfs: [] }],
    });
    const { plan } = await planChange(host, { kind: "undo", operation: number });
    assert.deepEqual(
      plan.pfs.map(({ pf, steps }) => [pf, steps.length > 0]),
      [[SECOND, true]],
    );
  }, twoCards));

test("where a PF is gone nothing is taken back, whoever has its address", () =>
  onHost(async (host) => {
    const there = await knownAs(host, PF);
    const number = await recorded(host, {
      kind: "apply",
      pfs: [{ ...there, device: "15b3:1017" }],
      before: [{ pf: PF, wantedBy: ["what was there"], onShrink: "refuse", numVfs: 0, vfs: [] }],
    });
    const change = await planChange(host, { kind: "undo", operation: number });
    assert.deepEqual(
      change.plan.refusals.map(({ code, pf }) => [code, pf]),
      [["VFL-0311", PF]],
    );
    assert.equal(changeVerdict(change), "refused");
  }));
