import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { readInventory } from "../../host/inventory.ts";
import { openSource } from "../../kernel/open-source.ts";
import { keepAllocations } from "../../state/desired-folder.ts";
import { type Served, serveHosts, startServed, until } from "../testing/served.ts";
import { API_PATH } from "./api.ts";

const PF = "0000:01:00.0";
const VF = "0000:01:10.0";
const HOST = `${API_PATH}/hosts/lab`;

describe("what is read of a host when it is asked for", () => {
  let served: Served;
  let netdev: string;

  before(async () => {
    served = await startServed();
    const { kernel } = served.setting;
    if (!("write" in kernel)) throw new TypeError("the host takes no changes");
    await kernel.write(`/sys/bus/pci/devices/${PF}/sriov_numvfs`, "2");
    await until(async () => (await served.ask(`${HOST}/virtualfunctions`)).body?.items?.length === 2);
    const names = await kernel.list(`/sys/bus/pci/devices/${PF}/net`);
    if (!Array.isArray(names)) throw new TypeError("the PF has no interface");
    netdev = names[0];
  });
  after(() => served.close());

  it("whose token it is", async () => {
    assert.deepEqual((await served.ask(`${API_PATH}/whoami`)).body, { name: "first", role: "admin" });
    const { body } = await served.ask(`${API_PATH}/tokens`, { method: "POST", body: { name: "eye", role: "viewer" } });
    const own = await served.ask(`${API_PATH}/whoami`, { token: body.token });
    assert.deepEqual(own.body, { name: "eye", role: "viewer" });
  });

  it("the topology has every function in its place", async () => {
    const { body } = await served.ask(`${HOST}/topology`);
    const find = (bdf: string) => body.functions.find((fn: { bdf: string }) => fn.bdf === bdf);
    const [pf, vf] = [find(PF), find(VF)];
    const port = find(pf.parent);
    assert.deepEqual([port.kind, port.parent, port.name], ["rootPort", null, null]);
    assert.deepEqual([pf.kind, pf.driver, pf.name], ["pf", "igb", netdev]);
    assert.ok(pf.link.width > 0 && pf.link.speed <= pf.link.maxSpeed);
    assert.deepEqual([vf.kind, vf.pf, vf.vfIndex, vf.parent], ["vf", PF, 0, pf.parent]);
    // An 82576, and its VF.
    assert.deepEqual([pf.device, vf.device], [`${0x8086}:${0x10c9}`, `${0x8086}:${0x10ca}`]);
    const unread = body.functions.filter(({ unknown }: { unknown: object }) => Object.keys(unknown).length > 0);
    assert.deepEqual(unread, []);
  });

  it("a function is told whole, with its registers", async () => {
    const { body } = await served.ask(`${HOST}/functions/${PF}`);
    assert.deepEqual([body.bdf, body.driver, body.devices.net, body.unknown], [PF, "igb", [netdev], {}]);
    const resource = body.resources.find(({ index }: { index: number }) => index === 0);
    assert.deepEqual([typeof resource.start, body.registers.bars[0].address], ["number", resource.start]);
    assert.match(body.config, /^86 80 c9 10 /);
    assert.equal(body.config.split(" ").length, 4096);
    const vf = (await served.ask(`${HOST}/functions/${VF}`)).body;
    assert.deepEqual([vf.physfn, vf.vfIndex, vf.settings.vfIndex], [PF, 0, 0]);
    // Of VFs it is not read at first.
    assert.ok(vf.registers.extendedCapabilities.length > 0);
    const { kernel } = served.setting;
    if (!("write" in kernel)) throw new TypeError("the host takes no changes");
    await kernel.write(`/sys/bus/pci/devices/${PF}/sriov_numvfs`, "0");
    assert.equal((await served.ask(`${HOST}/functions/${VF}`)).body.code, "VFL-0013");
    await kernel.write(`/sys/bus/pci/devices/${PF}/sriov_numvfs`, "2");
    assert.equal((await served.ask(`${HOST}/functions/${VF}`)).body.vfIndex, 0);
    assert.equal((await served.ask(`${HOST}/functions/0000:7f:00.0`)).status, 404);
    assert.equal((await served.ask(`${HOST}/functions/x`)).status, 400);
  });

  it("preflights of all PFs, and of one with a number", async () => {
    const { body: all } = await served.ask(`${HOST}/preflights`);
    assert.deepEqual(
      all.items.map(({ bdf, asked, use }: Record<string, unknown>) => [bdf, asked, use]),
      [[PF, null, null]],
    );
    const { body: one } = await served.ask(`${HOST}/preflights?pf=${PF}&vfs=8`);
    assert.deepEqual([one.items[0].asked, one.items[0].verdict], [8, "refuse"]);
    assert.equal((await served.ask(`${HOST}/preflights?pf=${VF}`)).body.code, "VFL-0014");
    assert.equal((await served.ask(`${HOST}/preflights?vfs=x`)).status, 400);
  });

  it("claims have their PF by its address, and null where none of that key was seen", async () => {
    assert.deepEqual((await served.ask(`${HOST}/claims`)).body, { items: [] });
    const { body: pf } = await served.ask(`${HOST}/physicalfunctions/${PF}`);
    await keepAllocations(served.setting.folders.state, [
      { claim: "web", guest: "model:web", pfKey: pf.status.key, vfIndex: 1, mac: null },
      { claim: "gone", pfKey: "serial:0", vfIndex: 0, mac: "02:00:00:00:00:01" },
    ]);
    const { items } = (await served.ask(`${HOST}/claims`)).body;
    await keepAllocations(served.setting.folders.state, []);
    assert.deepEqual(
      items.map(({ claim, guest, lifetime, pf: at, vfIndex }: Record<string, unknown>) => {
        return [claim, guest, lifetime, at, vfIndex];
      }),
      [
        ["web", "model:web", null, PF, 1],
        ["gone", null, null, null, 0],
      ],
    );
  });

  it("a capture is what vfleet capture writes, and is read as a host", async () => {
    const response = await fetch(new URL(`${HOST}/capture`, served.server.url), {
      headers: { authorization: `Bearer ${served.token}` },
    });
    assert.equal(response.headers.get("content-type"), "application/gzip");
    const file = join(served.folder, "lab.tar.gz");
    writeFileSync(file, Buffer.from(await response.arrayBuffer()));
    const { functions } = await readInventory(await openSource(`snapshot:${file}`));
    const { body } = await served.ask(`${HOST}/topology`);
    assert.deepEqual(
      [...functions.keys()],
      body.functions.map(({ bdf }: { bdf: string }) => bdf),
    );
    assert.equal((await served.ask(`${HOST}/capture?anonymise=perhaps`)).status, 400);
  });

  it("what codes mean is for anyone, without a token", async () => {
    const { body } = await served.ask(`${API_PATH}/errors/vfl-0102`, { token: null });
    assert.equal(body.code, "VFL-0102");
    assert.ok(body.explanation.length > 0);
    assert.equal((await served.ask(`${API_PATH}/errors/VFL-9999`, { token: null })).status, 404);
  });

  it("traffic of a modelled machine is started, looked at and ended", async () => {
    const path = `${HOST}/traffic`;
    assert.deepEqual((await served.ask(path)).body, { items: [] });
    const { kernel } = served.setting;
    if (!("write" in kernel)) throw new TypeError("the host takes no changes");
    await kernel.setLink(netdev, { up: true });
    const start = (body: object) => served.ask(path, { method: "POST", body });
    const begun = await start({ netdev, from: "pf", to: 0, framesPerSecond: 100 });
    assert.equal(begun.status, 201, begun.text);
    const { items } = (await served.ask(path)).body;
    assert.deepEqual([items[0].id, items[0].to, items[0].bytes], [begun.body.id, 0, 64]);
    const end = () => served.ask(`${path}/${begun.body.id}`, { method: "DELETE" });
    assert.equal((await end()).body.netdev, netdev);
    assert.equal((await end()).status, 404);
    const refused = await start({ netdev: "nobody", from: 0, to: 1 });
    assert.deepEqual([refused.status, refused.body.code, refused.body.details.errno], [409, "VFL-0521", "ENODEV"]);
    assert.equal((await start({ netdev, from: 0, to: 1, more: 1 })).status, 400);
  });

  it("a host that is no modelled machine has no traffic of a server's", async () => {
    const { flows: _, ...setting } = served.setting;
    const other = await serveHosts([{ name: "lab", setting }], mkdtempSync(join(tmpdir(), "vfleet-server-")));
    try {
      const { status, body } = await other.ask(`${HOST}/traffic`);
      assert.deepEqual([status, body.code], [409, "VFL-0520"]);
    } finally {
      await other.close();
    }
  });

  it("of a host there is not there is nothing to read", async () => {
    for (const word of ["topology", `functions/${PF}`, "preflights", "claims", "capture", "traffic"]) {
      assert.equal((await served.ask(`${API_PATH}/hosts/nobody/${word}`)).body.code, "VFL-0504", word);
    }
  });
});
