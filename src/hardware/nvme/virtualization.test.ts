/** Primary and secondary controllers: NVM Express Base 2.0 §8.26, §5.28; statuses as QEMU's nvme gives them. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parsePrimaryCapabilities, parseSecondaryControllers } from "../../kernel/linux/nvme-identify.ts";
import type { NvmeDriver } from "../guests/nvme-driver.ts";
import { bringOnline, manage, NvmeLab } from "./testing/nvme-lab.ts";

const PRIMARY = 1;
const OFFLINE = 7;
const ASSIGN = 8;
const ONLINE = 9;
const VQ = 0;
const VI = 1;
const CSTS = 0x1c;

function ready(lab: NvmeLab): NvmeDriver {
  const driver = lab.driver(0);
  driver.enable();
  return driver;
}

function page(driver: NvmeDriver, cns: number): Uint8Array {
  const data = driver.identify(cns);
  assert.ok(typeof data !== "number");
  return data;
}

const secondaries = (driver: NvmeDriver) => parseSecondaryControllers(page(driver, 0x15));

describe("§5.28 Virtualization Management", () => {
  test("what is refused, and how", () => {
    const lab = new NvmeLab({ numVfs: 2 });
    const driver = ready(lab);
    assert.equal(manage(driver, ASSIGN, 9, VQ, 2).status, 0x411f, "no such controller");
    assert.equal(manage(driver, ASSIGN, 1, VQ, 5).status, 0x4121, "above VQFRSM");
    assert.equal(manage(driver, ASSIGN, 1, 2, 1).status, 0x4122, "no such resource");
    assert.equal(manage(driver, ONLINE, 1).status, 0x4120, "it has nothing");
    assert.equal(manage(driver, 5, 1).status, 0x4002, "no such action");
    assert.deepEqual(manage(driver, ASSIGN, 1, VQ, 4), { status: 0, result: 4 });
    assert.deepEqual(manage(driver, ASSIGN, 2, VQ, 4), { status: 0, result: 4 });
    assert.equal(manage(driver, ASSIGN, 3, VQ, 1).status, 0x4122, "all eight are given out");
    assert.equal(manage(driver, ONLINE, 1).status, 0x4120, "it has no vector");
    assert.equal(manage(driver, ASSIGN, 1, VI, 1).status, 0);
    assert.equal(manage(driver, ONLINE, 1).status, 0);
    assert.equal(manage(driver, ONLINE, 1).status, 0, "it is");
    assert.equal(manage(driver, ASSIGN, 1, VQ, 2).status, 0x4120, "it is online");
    assert.equal(manage(driver, ASSIGN, 3, VI, 1).status, 0);
    assert.equal(manage(driver, ASSIGN, 3, VQ, 0).status, 0);
    assert.equal(manage(driver, ONLINE, 3).status, 0x4120, "its VF is not enabled");
  });

  test("the primary controller's flexible resources: after its next reset", () => {
    const lab = new NvmeLab({ numVfs: 1 });
    const driver = ready(lab);
    assert.equal(manage(driver, PRIMARY, 1, VQ, 1).status, 0x411f);
    assert.equal(manage(driver, PRIMARY, 0, VQ, 9).status, 0x4121);
    assert.deepEqual(manage(driver, PRIMARY, 0, VQ, 6), { status: 0, result: 6 });
    assert.equal(manage(driver, ASSIGN, 1, VQ, 3).status, 0x4122, "two are left");
    driver.enable();
    assert.equal(parsePrimaryCapabilities(page(driver, 0x14)).vq?.primary, 0, "CC.EN is not enough");
    lab.device.reset("flr");
    driver.enable();
    assert.equal(parsePrimaryCapabilities(page(driver, 0x14)).vq?.primary, 6);
    assert.equal(driver.admin({ opcode: 9, dword10: 7, dword11: 0x00ff_00ff }).result, 0x0009_0009, "ten I/O queues");
  });
});

describe("§8.26.3 states of a secondary controller", () => {
  test("offline, it has CSTS.CFS and nothing else", () => {
    const lab = new NvmeLab({ numVfs: 1 });
    assert.deepEqual(
      [0, 4, 8, CSTS].map((at) => lab.read(1, at)),
      [0, 0, 0, 2],
    );
    lab.write(1, 0x14, 0x0046_0001);
    assert.deepEqual([lab.read(1, 0x14), lab.read(1, CSTS)], [0, 2]);
  });

  test("online, it has the queues that it was given; its own FLR leaves it so", () => {
    const lab = new NvmeLab({ numVfs: 1 });
    bringOnline(ready(lab), 1);
    const tenant = lab.started(1, { ioQueues: 4 });
    assert.equal(tenant.ioQueues.length, 1, "of two, one is the admin queue");
    lab.controller(1).reset("flr");
    assert.equal(lab.read(1, CSTS), 0);
    tenant.enable();
    assert.ok(tenant.ready);
  });

  for (const [what, act] of [
    ["Virtualization Management", (_lab, driver) => manage(driver, OFFLINE, 1)],
    ["CC.EN of the primary controller", (lab) => lab.write(0, 0x14, 0)],
    ["FLR of the primary controller", (lab) => lab.device.reset("flr")],
  ] satisfies [string, (lab: NvmeLab, driver: NvmeDriver) => unknown][]) {
    test(`${what} takes it offline, and what it was given away`, () => {
      const lab = new NvmeLab({ numVfs: 1 });
      const driver = ready(lab);
      bringOnline(driver, 1);
      lab.started(1);
      act(lab, driver);
      assert.equal(lab.read(1, CSTS), 2);
      driver.enable();
      assert.deepEqual(
        secondaries(driver).map(({ online, vq, vi }) => [online, vq, vi]),
        Array.from({ length: 4 }, () => [false, 0, 0]),
      );
      assert.equal(parsePrimaryCapabilities(page(driver, 0x14)).vq?.assigned, 0);
    });
  }

  test("VF Enable cleared: as offline; a device may keep what was assigned", () => {
    for (const keepsResources of [false, true]) {
      const lab = new NvmeLab({ numVfs: 1, keepsResources });
      const driver = ready(lab);
      bringOnline(driver, 1);
      lab.device.disableVfs();
      const [first] = secondaries(driver);
      const kept = keepsResources ? 2 : 0;
      assert.deepEqual([first?.online, first?.vq, first?.vi], [false, kept, kept]);
    }
  });

  test("§5.17.2.15 the list begins with the id that is asked for", () => {
    const driver = ready(new NvmeLab({ numVfs: 4 }));
    const data = driver.identify(0x15, 0, 3);
    assert.ok(typeof data !== "number");
    assert.deepEqual(
      parseSecondaryControllers(data).map(({ controllerId, vfNumber }) => [controllerId, vfNumber]),
      [
        [3, 3],
        [4, 4],
      ],
    );
  });
});
