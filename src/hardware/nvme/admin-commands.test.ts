/** Commands of the admin queue, by sections of NVM Express Base 2.0. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { NvmeDriver } from "../guests/nvme-driver.ts";
import { bringOnline, NvmeLab } from "./testing/nvme-lab.ts";

const DNR = 0x4000;

function ready(lab: NvmeLab, id = 0): NvmeDriver {
  const driver = lab.driver(id);
  driver.enable();
  return driver;
}

function identified(driver: NvmeDriver, cns: number, namespaceId = 0, controllerId = 0): DataView {
  const page = driver.identify(cns, namespaceId, controllerId);
  assert.ok(typeof page !== "number", `CNS ${cns.toString(16)} was refused: ${page.toString(16)}`);
  return new DataView(page.buffer);
}

function logPage(driver: NvmeDriver, page: number, bytes: number, retain = false): DataView {
  const data = new Uint8Array(bytes);
  const dword10 = (page | (retain ? 0x8000 : 0) | ((bytes / 4 - 1) << 16)) >>> 0;
  assert.equal(driver.admin({ opcode: 2, dword10 }, data).status, 0);
  return new DataView(data.buffer);
}

describe("§5.17 Identify", () => {
  test("CNS 01h, the controller", () => {
    const lab = new NvmeLab({ numVfs: 1 });
    const primary = ready(lab);
    const data = identified(primary, 1);
    assert.equal(data.getUint16(0, true), 0x1b36);
    assert.equal(data.getUint8(77), 7, "MDTS");
    assert.equal(data.getUint32(80, true), lab.read(0, 8), "VER is VS");
    assert.equal(data.getUint16(256, true) & 0x88, 0x88, "namespaces and virtualization can be managed");
    assert.deepEqual([data.getUint8(512), data.getUint8(513)], [0x66, 0x44]);
    bringOnline(primary, 1);
    const secondary = identified(ready(lab, 1), 1);
    assert.equal(secondary.getUint16(78, true), 1, "CNTLID");
    assert.equal(secondary.getUint8(76) & 4, 4, "CMIC: of a VF");
    assert.equal(secondary.getUint16(256, true) & 0x88, 0, "a tenant manages neither");
  });

  test("CNS 00h, 03h and 11h, a namespace", () => {
    const driver = ready(new NvmeLab({ namespaces: [{ id: 3, sizeBytes: 2 ** 20, blockBytes: 4096 }] }));
    const data = identified(driver, 0, 3);
    assert.equal(data.getUint32(0, true), 256);
    assert.equal(data.getUint8(26), 1, "FLBAS");
    assert.equal(data.getUint8(128 + 4 + 2), 12, "LBADS of its format");
    assert.equal(data.getUint8(30), 1, "it is shared");
    assert.ok(identified(driver, 0, 4).getUint32(0, true) === 0, "an inactive one is all zeros");
    assert.equal(identified(driver, 0, 0xffff_ffff).getUint8(128 + 2), 9);
    assert.equal(driver.identify(0, 0), 0xb | DNR);
    assert.equal(identified(driver, 0x11, 3).getUint32(0, true), 256);
    const descriptors = identified(driver, 3, 3);
    assert.deepEqual([descriptors.getUint8(0), descriptors.getUint8(1)], [1, 8]);
    assert.deepEqual([descriptors.getUint8(12), descriptors.getUint8(13)], [2, 16]);
    assert.deepEqual(descriptors.getBigUint64(4), data.getBigUint64(120), "the EUI-64 is the same");
    assert.equal(driver.identify(3, 4), 2 | DNR);
    assert.equal(identified(driver, 6).getUint32(0, true), 0);
    assert.equal(driver.identify(0x77), 2 | DNR);
  });

  test("CNS 02h, 10h, 12h and 13h, lists", () => {
    const lab = new NvmeLab({
      numVfs: 2,
      namespaces: [
        { id: 1, sizeBytes: 2 ** 20, controllers: [0, 2] },
        { id: 5, sizeBytes: 2 ** 20, controllers: [1] },
      ],
    });
    const driver = ready(lab);
    assert.deepEqual(driver.namespaces(), [1]);
    assert.equal(identified(driver, 2, 1).getUint32(0, true), 0, "above 1 there is none");
    assert.equal(driver.identify(2, 0xffff_fffe), 0xb | DNR);
    const allocated = identified(driver, 0x10);
    assert.deepEqual([allocated.getUint32(0, true), allocated.getUint32(4, true)], [1, 5]);
    const attached = identified(driver, 0x12, 1, 1);
    assert.deepEqual([attached.getUint16(0, true), attached.getUint16(2, true)], [1, 2], "from id 1 on");
    const controllers = identified(driver, 0x13);
    assert.deepEqual(
      [0, 2, 4, 6].map((at) => controllers.getUint16(at, true)),
      [3, 0, 1, 2],
    );
    bringOnline(driver, 1);
    const tenant = ready(lab, 1);
    assert.deepEqual(tenant.namespaces(), [5]);
    for (const cns of [0x10, 0x11, 0x12, 0x13, 0x14, 0x15]) assert.equal(tenant.identify(cns, 1), 2 | DNR);
  });
});

describe("§5.4 to §5.7 I/O queues", () => {
  const create = (driver: NvmeDriver, opcode: number, dword10: number, dword11: number, page = true) =>
    driver.admin({ opcode, dword10, dword11 }, page ? new Uint8Array(4) : undefined).status;

  test("what cannot be created", () => {
    const driver = ready(new NvmeLab());
    assert.equal(create(driver, 5, 0x0003_0000, 1), 0x101 | DNR, "id 0");
    assert.equal(create(driver, 5, 0x0003_0005, 1), 0x101 | DNR, "more than there are");
    assert.equal(create(driver, 5, 0x0000_0001, 1), 0x102 | DNR, "one entry");
    assert.equal(create(driver, 5, 0x0800_0001, 1), 0x102 | DNR, "2049 entries");
    assert.equal(create(driver, 5, 0x0003_0001, 0), 2 | DNR, "in pieces");
    assert.equal(create(driver, 5, 0x0003_0001, 0x0005_0001), 0x108 | DNR, "vector 5 of 5");
    assert.equal(create(driver, 1, 0x0003_0001, 0x0001_0001), 0x100 | DNR, "no completion queue");
    assert.equal(create(driver, 5, 0x0003_0001, 1), 0);
    assert.equal(create(driver, 5, 0x0003_0001, 1), 0x101 | DNR, "it is there");
    assert.equal(create(driver, 1, 0x0003_0001, 0x0001_0001), 0);
    assert.equal(create(driver, 1, 0x0003_0001, 0x0001_0001), 0x101 | DNR);
    assert.equal(create(driver, 1, 0x0003_0002, 1), 0x100 | DNR, "the admin completion queue is not for it");
  });

  test("completion queues go after their submission queues", () => {
    const driver = new NvmeLab().started(0);
    assert.equal(create(driver, 4, 1, 0, false), 0x10c | DNR);
    assert.equal(create(driver, 0, 0, 0, false), 0x101 | DNR, "the admin queue stays");
    assert.equal(create(driver, 0, 1, 0, false), 0);
    assert.equal(create(driver, 4, 1, 0, false), 0);
    assert.equal(create(driver, 4, 1, 0, false), 0x101 | DNR);
  });
});

describe("§5.15 Get Features, §5.27 Set Features", () => {
  const get = (driver: NvmeDriver, id: number, select = 0) => driver.admin({ opcode: 10, dword10: id | (select << 8) });
  const set = (driver: NvmeDriver, id: number, value: number) =>
    driver.admin({ opcode: 9, dword10: id >>> 0, dword11: value });

  test("§5.27.1.5 Number of Queues", () => {
    const driver = ready(new NvmeLab());
    assert.deepEqual(set(driver, 7, 0x0001_0001), { status: 0, result: 0x0003_0003 });
    assert.equal(set(driver, 7, 0xffff).status, 2 | DNR);
    assert.equal(driver.setUpIoQueues(), 0);
    assert.equal(set(driver, 7, 0x0001_0001).status, 0xc | DNR, "after queues have been created");
    assert.equal(get(driver, 7).result, 0x0003_0003);
  });

  test("current values, defaults, capabilities; what is not saved goes with a reset", () => {
    const driver = ready(new NvmeLab());
    assert.equal(set(driver, 6, 0).status, 0);
    assert.deepEqual(
      [0, 1, 2, 3].map((select) => get(driver, 6, select).result),
      [0, 1, 1, 4],
    );
    assert.equal(get(driver, 2, 3).result, 0, "there is one power state");
    assert.equal(set(driver, 2, 1).status, 2 | DNR);
    assert.equal(set(driver, 0x8000_0006, 0).status, 0x10d | DNR);
    assert.equal(set(driver, 0x7f, 0).status, 2 | DNR);
    assert.equal(get(driver, 0x7f).status, 2 | DNR);
    driver.enable();
    assert.equal(get(driver, 6).result, 1);
  });
});

test("§5.27.1.3, §5.27.1.7: thresholds of each temperature, configurations of each vector", () => {
  const driver = ready(new NvmeLab());
  const get = (dword10: number, dword11: number) => driver.admin({ opcode: 10, dword10, dword11 }).result;
  const set = (dword10: number, dword11: number) => driver.admin({ opcode: 9, dword10, dword11 }).status;
  const under = 0x10_0000;
  assert.deepEqual([get(4, 0), get(4, under)], [0x157, 0], "WCTEMP above, nothing below");
  assert.equal(set(4, under | 0x111), 0);
  assert.deepEqual([get(4, 0), get(4, under)], [0x157, 0x111]);
  assert.equal(set(9, 0x1_0002), 0);
  assert.deepEqual([get(9, 1), get(9, 2)], [1, 0x1_0002]);
});

describe("§5.2 Asynchronous Event Request, §5.1 Abort", () => {
  test("four may wait, and can be aborted", () => {
    const driver = ready(new NvmeLab());
    assert.equal(driver.listen(), 0);
    assert.equal(driver.admin({ opcode: 8, dword10: 0x0099_0000 }).result, 1, "there is no such command");
    assert.equal(driver.admin({ opcode: 8, dword10: 31 << 16 }).result, 0);
    driver.pollAdmin();
    assert.deepEqual(driver.events, [], "aborted, it tells of nothing");
  });

  test("a doorbell of no queue, and a value that none has, until the error log is read", () => {
    const lab = new NvmeLab();
    const driver = lab.started(0);
    driver.listen();
    lab.write(0, 0x1000 + 8 * 9, 1);
    lab.write(0, 0x1008, 99);
    driver.pollAdmin();
    assert.deepEqual(driver.events, [0x0001_0000]);
    logPage(driver, 1, 64, true);
    driver.pollAdmin();
    assert.equal(driver.events.length, 1, "retained");
    logPage(driver, 1, 64);
    driver.pollAdmin();
    assert.deepEqual(driver.events, [0x0001_0000, 0x0001_0100]);
  });
});

describe("§5.16 Get Log Page", () => {
  test("§5.16.1.2 errors, newest first, of commands whose status has More", () => {
    const driver = new NvmeLab().started(0);
    assert.equal(driver.io(0, 2, 1, 8192, 1), 0x6080);
    assert.equal(driver.io(0, 2, 1, 9000, 1), 0x6080);
    const log = logPage(driver, 1, 128);
    assert.deepEqual([log.getUint32(0, true), log.getUint32(16, true)], [2, 9000]);
    assert.deepEqual([log.getUint32(64, true), log.getUint32(80, true)], [1, 8192]);
    assert.equal(log.getUint16(12, true), 0x6080 * 2);
    assert.equal(logPage(driver, 2, 512).getUint32(176, true), 2, "SMART counts them, §5.16.1.3");
  });

  test("§5.16.1.3 SMART counts what was read and written", () => {
    const lab = new NvmeLab();
    const driver = lab.started(0);
    for (let block = 0; block < 3; block++) driver.io(0, 1, 1, block, 1, new Uint8Array(512));
    driver.io(0, 2, 1, 0, 1, new Uint8Array(512));
    lab.clock.advance(2 * 3_600_000_000_000);
    const log = logPage(driver, 2, 512);
    assert.deepEqual(
      [32, 48, 64, 80, 128].map((at) => log.getUint32(at, true)),
      [1, 1, 1, 3, 2],
    );
  });

  test("§5.16.1.4 firmware, §5.16.1.6 effects; others there are not", () => {
    const driver = ready(new NvmeLab());
    assert.equal(logPage(driver, 3, 512).getUint8(0), 1);
    const effects = logPage(driver, 5, 4096);
    assert.equal(effects.getUint32(1024 + 4, true) & 3, 3, "Write changes blocks");
    assert.equal(effects.getUint32(1024 + 8, true), 1, "Read does not");
    assert.equal(driver.admin({ opcode: 2, dword10: 0x77 }, new Uint8Array(4)).status, 0x109 | DNR);
  });
});

describe("§5.22 Namespace Attachment, §5.23 Namespace Management", () => {
  function create(driver: NvmeDriver, blocks: number, shared: boolean, format = 0, capacity = blocks) {
    const data = new DataView(new ArrayBuffer(4096));
    data.setUint32(0, blocks, true);
    data.setUint32(8, capacity, true);
    data.setUint8(26, format);
    data.setUint8(30, shared ? 1 : 0);
    return driver.admin({ opcode: 0xd }, new Uint8Array(data.buffer));
  }
  function attach(driver: NvmeDriver, namespaceId: number, ids: readonly number[], detach = false) {
    const data = new DataView(new ArrayBuffer(4096));
    data.setUint16(0, ids.length, true);
    for (const [index, id] of ids.entries()) data.setUint16(2 + 2 * index, id, true);
    return driver.admin({ opcode: 0x15, namespaceId, dword10: detach ? 1 : 0 }, new Uint8Array(data.buffer)).status;
  }

  test("a private namespace is for one controller, a shared one for all; who has it is told of changes", () => {
    const lab = new NvmeLab({ numVfs: 2 });
    const driver = ready(lab);
    bringOnline(driver, 1);
    const tenant = ready(lab, 1);
    assert.equal(tenant.listen(), 0);
    assert.deepEqual(create(driver, 2048, false), { status: 0, result: 2 });
    assert.equal(attach(driver, 2, [1, 2]), 0x119 | DNR);
    assert.equal(attach(driver, 2, [1]), 0);
    assert.equal(attach(driver, 2, [1]), 0x118 | DNR);
    assert.equal(attach(driver, 2, [2]), 0x119 | DNR);
    assert.equal(attach(driver, 2, [99]), 0x11c | DNR);
    assert.equal(attach(driver, 2, []), 0x11c | DNR);
    assert.equal(attach(driver, 9, [1]), 0xb | DNR);
    tenant.pollAdmin();
    assert.deepEqual(tenant.events, [0x0004_0002], "Namespace Attribute Changed, log page 04h");
    assert.equal(logPage(tenant, 4, 4096).getUint32(0, true), 2);
    assert.equal(logPage(tenant, 4, 4096).getUint32(0, true), 0, "told once");
    assert.deepEqual(tenant.namespaces(), [1, 2]);
    assert.equal(attach(driver, 2, [0], true), 0x11a | DNR);
    assert.equal(attach(driver, 2, [1], true), 0);
    assert.deepEqual(tenant.namespaces(), [1]);
    assert.equal(tenant.admin({ opcode: 0x15, namespaceId: 2 }, new Uint8Array(4096)).status, 1 | DNR);
  });

  test("what cannot be created, and deletion", () => {
    const driver = ready(new NvmeLab());
    assert.equal(create(driver, 2 ** 20, true).status, 0x115 | DNR);
    assert.equal(create(driver, 8, true, 2).status, 0x10a | DNR);
    assert.equal(create(driver, 8, true, 0, 4).status, 0x11b | DNR);
    assert.equal(create(driver, 0, true).status, 2 | DNR);
    assert.equal(create(driver, 8, true, 1).result, 2);
    assert.equal(driver.admin({ opcode: 0xd, namespaceId: 7, dword10: 1 }).status, 0xb | DNR);
    assert.equal(driver.admin({ opcode: 0xd, namespaceId: 0xffff_ffff, dword10: 1 }).status, 0);
    assert.deepEqual(driver.namespaces(), []);
    assert.equal(identified(driver, 1).getUint32(296, true), 64 * 2 ** 20, "UNVMCAP is all");
  });
});
