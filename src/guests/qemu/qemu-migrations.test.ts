/** Moves between two QEMUs as QMP tells of them, on the modelled host: their VFs, and what is written down. */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { requireTool } from "../../../test/require-tool.ts";
import { systemClock } from "../../host/apply/clock.ts";
import type { OperationStore } from "../../host/apply/operation.ts";
import { recoverOperations } from "../../host/apply/recover.ts";
import { type OperationHost, operationHost, PF, planningOf, QUICK } from "../../host/apply/testing/operation-host.ts";
import type { MigrationVerdict, MigrationWish } from "../../host/migrate/migration-port.ts";
import { migrationTimes } from "../../host/migrate/migration-times.ts";
import { recoverMigration } from "../../host/migrate/recover-migration.ts";
import { runMigration } from "../../host/migrate/run-migration.ts";
import type { ChangeableKernel } from "../../kernel/port-change.ts";
import { failed } from "../../kernel/port-outcome.ts";
import { parseVfInfo } from "../../kernel/port-vf-info.ts";
import { bdf } from "../../pci/bdf.ts";
import { openOperationStore } from "../../state/operation-store.ts";
import { openLocks } from "../../state/pf-locks.ts";
import { qemuMigrations } from "./qemu-migrations.ts";
import { AnsweringNamespace } from "./testing/answering-namespace.ts";
import { type Course, MACS, TwoQemus } from "./testing/two-qemus.ts";

const NO_MAC = "00:00:00:00:00:00";
const VFS = [bdf("0000:01:10.0"), bdf("0000:01:10.2"), bdf("0000:01:10.4"), bdf("0000:01:10.6")] as const;
const WISH: MigrationWish = {
  guest: "qemu:source",
  destination: "qemu:destination",
  method: "auto",
  vf: null,
  uri: "unix:/nowhere",
  probe: null,
};

/** The process ends here: nothing after it is done. */
class Killed extends Error {}

describe("a guest of QEMU that moves", () => {
  let host: OperationHost;
  let qemus: TwoQemus;
  let folders = 0;
  let store: OperationStore;

  before(async () => {
    host = await operationHost();
    const vf = (vfIndex: number) => ({ vfIndex, driver: "vfio" as const });
    const vfs = VFS.map((_, vfIndex) => vf(vfIndex));
    const plan = await host.plan([{ pf: PF, wantedBy: ["test"], onShrink: "refuse", numVfs: VFS.length, vfs }]);
    assert.equal((await host.apply(plan)).state, "settled");
  });
  after(() => host.close());
  afterEach(() => qemus.close());

  /** @param count of the guest's VFs: the first ones; those after them are free */
  async function start(course: Course = {}, count: 1 | 2 = 1): Promise<void> {
    const netdev = await netdevOf();
    await host.kernel.setVfs(
      netdev,
      atSource(count).map(([mac, id], vfIndex) => ({ vfIndex, mac, vlan: { id } })),
    );
    qemus = new TwoQemus(host.folder, VFS.slice(0, count));
    qemus.course = course;
    store = openOperationStore(`${host.folder}/moves-${++folders}`);
  }

  async function netdevOf(): Promise<string> {
    const [name] = (await host.kernel.list(`/sys/bus/pci/devices/${PF}/net`)) as readonly string[];
    assert.ok(name);
    return name;
  }

  async function vfs() {
    const json = await host.kernel.ipLink(await netdevOf());
    assert.ok(typeof json === "string");
    return (parseVfInfo(json) ?? []).map(({ mac, vlan }) => [mac, vlan]);
  }

  function setting() {
    const kernel = qemus.on(host.kernel);
    return {
      kernel,
      store,
      locks: openLocks(`${host.folder}/locks`),
      clock: systemClock,
      planning: planningOf(host.kernel),
      pid: 42,
      patience: QUICK,
    };
  }

  async function verdict(wish = WISH): Promise<MigrationVerdict> {
    return qemuMigrations(qemus.on(host.kernel)).verdict(wish, await planningOf(host.kernel).observe());
  }

  async function move(signal = new AbortController().signal, wish = WISH, changes: Partial<ChangeableKernel> = {}) {
    const port = qemuMigrations(qemus.on(host.kernel));
    const { move: planned, checks } = await verdict(wish);
    assert.ok(planned, JSON.stringify(checks));
    const again = (state: Parameters<typeof port.verdict>[1]) => port.verdict(wish, state);
    const kernel = { ...setting().kernel, ...changes };
    return runMigration({
      ...setting(),
      kernel,
      port,
      move: planned,
      again,
      title: "test",
      probe: wish.probe,
      timeoutMs: 5000,
      signal,
    });
  }

  function recover() {
    const given = setting();
    return recoverOperations({
      ...given,
      stuck: true,
      endMove: (operation, state, journal) =>
        recoverMigration(operation, state, journal, given, qemuMigrations(given.kernel)),
    });
  }

  type VfFacts = readonly [mac: string, vlan: number];
  const FREE: VfFacts = [NO_MAC, 0];
  /** Each VF has a standby and a VLAN of its own. */
  const its = (count: 1 | 2): VfFacts[] => MACS.slice(0, count).map((mac, place) => [mac, 100 + place]);
  const filled = (vfs: readonly VfFacts[]): VfFacts[] => VFS.map((_, place) => vfs[place] ?? FREE);
  const atSource = (count: 1 | 2) => filled(its(count));
  const atDestination = (count: 1 | 2) =>
    filled([...its(count).map(([, vlan]): VfFacts => [NO_MAC, vlan]), ...its(count)]);
  const AT_SOURCE = atSource(1);
  const AT_DESTINATION = atDestination(1);

  test("goes by the failover pair, since vfio-pci does not move a VF's state; its settings travel", async () => {
    await start();
    const { checks, move: planned } = await verdict();
    assert.equal(planned?.method, "failover");
    assert.equal(planned?.vfs[0]?.destination?.bdf, VFS[1]);
    assert.match(
      checks.find(({ check }) => check === "driver")?.summary ?? "",
      /vfio-pci of a VF 8086:10ca has no migration/,
    );
    assert.equal((await verdict({ ...WISH, method: "vfio" })).move, null);
    const operation = await move();
    assert.equal(operation.state, "settled", JSON.stringify(operation.failure));
    const phases = operation.events.flatMap((event) => (event.event === "phase" ? [event.phase] : []));
    assert.deepEqual(phases, ["prepared", "unplugging", "moving", "moved", "plugged"]);
    assert.deepEqual(
      operation.pfs.map(({ bdf: pf, device }) => [pf, device]),
      [[PF, "8086:10c9"]],
    );
    assert.deepEqual(await vfs(), AT_DESTINATION);
    assert.deepEqual(qemus.destination.vfs, [VFS[1]]);
  });

  test("stays where it was, with its VF's address, where the migration fails or is called back", async () => {
    await start({ comesTo: "failed" });
    const operation = await move();
    assert.deepEqual([operation.state, operation.failure?.code], ["undone", "VFL-0411"]);
    assert.match(operation.failure?.message ?? "", /is where it was: the migration failed/);
    assert.deepEqual(await vfs(), AT_SOURCE);
    qemus.close();

    await start({ polls: 1000 });
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 300);
    assert.equal((await move(stop.signal)).state, "undone");
    assert.deepEqual(await vfs(), AT_SOURCE);
    assert.ok(qemus.commands.includes("source migrate_cancel"));
  });

  test("leaves what is beside a socket that was given where it is, however its folder is called", async () => {
    await start();
    const folder = join(host.folder, "moves", "move-ABCDEF");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "data"), "");
    const { state } = await move(undefined, { ...WISH, uri: `unix:${join(folder, "socket")}` });
    assert.equal(state, "settled");
    assert.deepEqual(readdirSync(folder), ["data"]);
  });

  test("stays, though it came to this QEMU by a move before, which says `completed` of that", async () => {
    await start({ cameBefore: true });
    const refused = failed("eth0 vf 1 vlan", "100", "EPERM");
    let calls = 0;
    const operation = await move(undefined, WISH, {
      setVfs: async (...words) =>
        calls++ === 0 ? [{ vfIndex: 1, setting: "vlan", outcome: refused }] : host.kernel.setVfs(...words),
    });
    assert.equal(operation.state, "undone", JSON.stringify(operation.failure));
    assert.deepEqual([qemus.source.status, await vfs()], ["running", AT_SOURCE]);
    qemus.close();
    await start({ cameBefore: true });
    assert.equal((await move()).state, "settled");
  });

  test("runs at a destination that was started paused, as it ran before; nothing is told before it does", async () => {
    await start({ startsPaused: true });
    const operation = await move();
    assert.equal(operation.state, "settled", JSON.stringify(operation.failure));
    assert.ok(qemus.commands.includes("destination cont"));
    assert.equal(qemus.destination.status, "running");
  });

  test("is lost, and not said to run, where the destination ends with it; once both have ended, recovery puts the VFs back", async () => {
    await start({ endsWithIt: true });
    const operation = await move();
    assert.deepEqual([operation.state, operation.failure?.code], ["stuck", "VFL-0413"]);
    const told = operation.events.some((event) => event.event === "phase" && event.phase === "moved");
    assert.equal(told, false);
    assert.deepEqual([(await recover())[0]?.state, qemus.source.status], ["stuck", "postmigrate"]);
    qemus.end("source");
    const [recovered] = await recover();
    assert.equal(recovered?.state, "undone", JSON.stringify(recovered?.failure));
    assert.match(recovered?.failure?.message ?? "", /both QEMUs of qemu:source have ended/);
    assert.deepEqual(await vfs(), AT_SOURCE);
  });

  test("is not begun where it was called back before: nothing is written down, and the destination goes on waiting", async () => {
    await start();
    await assert.rejects(move(AbortSignal.abort()), { code: "VFL-0312" });
    assert.deepEqual([await store.numbers(), qemus.commands], [[], []]);
    assert.equal((await move()).state, "settled");
  });

  test("stays where it was where a VF does not take a setting, and tells what the kernel refused", async () => {
    await start();
    let calls = 0;
    const refused = failed("eth0 vf 1 vlan", "100", "EPERM");
    const { state, failure } = await move(undefined, WISH, {
      setVfs: async (...words) =>
        calls++ === 0 ? [{ vfIndex: 1, setting: "vlan", outcome: refused }] : host.kernel.setVfs(...words),
    });
    assert.deepEqual(
      [state, failure?.code, failure?.errno, failure?.target],
      ["undone", "VFL-0327", "EPERM", "eth0 vf 1 vlan"],
    );
    assert.deepEqual(await vfs(), AT_SOURCE);
  });

  test("is at the destination without a VF: stuck, until what stood in the way has gone", async () => {
    await start({ deviceAdd: "refused" });
    const operation = await move();
    assert.deepEqual([operation.state, operation.failure?.code], ["stuck", "VFL-0414"]);
    qemus.course = {};
    const [recovered] = await recover();
    assert.equal(recovered?.state, "settled");
    assert.deepEqual(await vfs(), AT_DESTINATION);
  });

  test("is refused where a VF is wanted that is another kind, or in use, or where nothing waits", async () => {
    await start();
    const end = host.useByGuest(VFS[1]);
    const used = await verdict({ ...WISH, vf: VFS[1] });
    end();
    assert.equal(used.move, null);
    assert.match(
      used.checks.find(({ check, method }) => check === "vf" && method === "failover")?.summary ?? "",
      /in use/,
    );
    qemus.destination.status = "running";
    assert.equal((await verdict()).checks.find(({ check }) => check === "destination")?.result, "refused");
    qemus.destination.status = "inmigrate";
    qemus.end("destination");
    assert.equal((await verdict()).move, null);
  });

  test("with several VFs: each has its own standby, and gets another VF of the same kind", async () => {
    await start({}, 2);
    const { move: planned } = await verdict();
    assert.deepEqual(
      planned?.vfs.map(({ source, destination, details }) => [source.bdf, destination?.bdf, details.standbyId]),
      [
        [VFS[0], VFS[2], "standby0"],
        [VFS[1], VFS[3], "standby1"],
      ],
    );
    const operation = await move();
    assert.equal(operation.state, "settled", JSON.stringify(operation.failure));
    assert.deepEqual(await vfs(), atDestination(2));
    assert.deepEqual(qemus.destination.vfs, [VFS[2], VFS[3]]);
  });

  test("with several VFs it is moved with all of them, or with none", async () => {
    await start({ comesTo: "failed" }, 2);
    assert.equal((await move()).state, "undone");
    assert.deepEqual(await vfs(), atSource(2));
    qemus.close();

    await start({}, 2);
    const named = await verdict({ ...WISH, vf: VFS[2] });
    assert.match(named.checks.map(({ summary }) => summary).join(), /the guest has 2 VFs/);
    const end = host.useByGuest(VFS[3]);
    const used = await verdict();
    end();
    assert.equal(used.move, null);
    assert.match(
      used.checks.find(({ result, method }) => result === "refused" && method === "failover")?.summary ?? "",
      /in use/,
    );
    assert.deepEqual([named.move, await vfs(), qemus.commands], [null, atSource(2), []]);
  });

  describe("and is sent to", { skip: requireTool("netns") || requireTool("ping") }, () => {
    let network: AnsweringNamespace;
    before(() => {
      network = new AnsweringNamespace(2);
    });
    after(() => network.close());

    for (const [course, state] of [
      [{}, "settled"],
      [{ comesTo: "failed" }, "undone"],
    ] as const) {
      test(`its time without traffic is told of a move that ends ${state}`, async () => {
        await start(course);
        const operation = await move(undefined, { ...WISH, probe: network.address });
        assert.equal(operation.state, state, JSON.stringify(operation.failure));
        const { traffic, withoutTrafficMs } = migrationTimes(operation);
        assert.equal(traffic?.by, `ping ${network.address}`);
        assert.ok(traffic.answered > 10, JSON.stringify(traffic));
        assert.equal(withoutTrafficMs, Math.max(0, (traffic.longestGapMs ?? Number.NaN) - traffic.intervalMs));
        assert.deepEqual((await store.read(operation.number))?.events, operation.events, "as it is on the disk");
      });
    }

    test("it is not moved, nor anything written down, where it does not answer before", async () => {
      await start();
      await assert.rejects(move(undefined, { ...WISH, probe: network.nobody }), { code: "VFL-0416" });
      assert.deepEqual([await store.numbers(), qemus.commands], [[], []]);
      assert.deepEqual(await vfs(), AT_SOURCE);
      // The locks are free again.
      assert.equal((await move()).state, "settled");
    });
  });

  for (const [what, count, finish] of [
    ["and QEMU goes on by itself", 1, (): void => qemus.finishAlone()],
    ["while memory moves", 1, (): void => {}],
    ["and the destination, too", 1, (): void => qemus.end("destination")],
    ["with two VFs, and QEMU goes on by itself", 2, (): void => qemus.finishAlone()],
    ["with two VFs, while memory moves", 2, (): void => {}],
  ] as const) {
    test(`killed at any record ${what}: the guest runs once, and its host is as it is`, async () => {
      let records = 0;
      for (let at = 0; ; at++) {
        await start({ polls: 2 }, count);
        const own = store;
        const killing = killedAt(own, at);
        store = killing.store;
        const ended = await move().then(
          () => true,
          (error) => {
            assert.ok(error instanceof Killed, String(error));
            return false;
          },
        );
        store = own;
        if (ended) {
          records = at;
          qemus.close();
          break;
        }
        finish();
        const [operation] = await recover();
        assert.ok(operation);
        assert.equal(qemus.ranTwice, false, `record ${at}`);
        const isOver = qemus.destination.status === "running" && !qemus.destination.ended;
        if (operation.state === "settled") {
          assert.ok(isOver, `record ${at}`);
          assert.deepEqual(await vfs(), atDestination(count), `record ${at}`);
          assert.deepEqual(qemus.destination.vfs, VFS.slice(count, 2 * count));
        } else if (operation.state === "undone") {
          assert.equal(qemus.source.status, "running");
          assert.ok(!isOver, `record ${at}`);
          assert.deepEqual(await vfs(), atSource(count), `record ${at}`);
        } else {
          // It had left, and where it went is no more.
          assert.deepEqual([operation.state, operation.failure?.code], ["stuck", "VFL-0413"], `record ${at}`);
          assert.ok(qemus.destination.ended && qemus.source.status === "postmigrate");
          assert.ok(!qemus.commands.includes("source cont"));
        }
        qemus.close();
      }
      assert.ok(records > 8, `${records} records`);
    });
  }
});

/** A store whose process dies instead of writing record `at`, and whatever comes after. */
function killedAt(store: OperationStore, at: number): { readonly store: OperationStore } {
  return {
    store: {
      ...store,
      list: (onDamage) => store.list(onDamage),
      read: (number) => store.read(number),
      resume: (number) => store.resume(number),
      async create(header) {
        const writer = await store.create(header);
        let written = 0;
        return {
          header: writer.header,
          close: () => writer.close(),
          async append(event) {
            if (written++ >= at) throw new Killed();
            await writer.append(event);
          },
        };
      },
    },
  };
}
