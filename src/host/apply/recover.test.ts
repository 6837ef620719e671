/** Operations whose process died, on a host that is another one than it was. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import type { ModelDescription } from "../../kernel/model/model-description.ts";
import { type Bdf, bdf } from "../../pci/bdf.ts";
import type { DesiredPf } from "../desired/desired-pf.ts";
import { eventsOf, type OperationHost, operationHost, PF, planningOf } from "./testing/operation-host.ts";

const MODULES = ["igb", "igbvf", "vfio-pci"];
const hosts: OperationHost[] = [];
after(() => {
  for (const host of hosts) host.close();
});

async function host(...args: Parameters<typeof operationHost>): Promise<OperationHost> {
  const made = await operationHost(...args);
  hosts.push(made);
  return made;
}

function wish(numVfs: number): DesiredPf[] {
  return [{ pf: PF, wantedBy: ["test"], numVfs, onShrink: "refuse", vfs: [{ vfIndex: 0, driver: "vfio" }] }];
}

const IXGBE = ["ixgbe", "ixgbevf", "vfio-pci"];
const NUMBERED = "82599";

/** The machine with these cards in its slots in place of its own. */
function withCards(...devices: readonly (string | undefined)[]) {
  return (description: ModelDescription): ModelDescription => ({
    ...description,
    machine: {
      ...description.machine,
      root: devices.map((device) => ({
        kind: "root port",
        ...(device === undefined ? {} : { below: { kind: "device", device } }),
      })),
    },
  });
}

/** Dies when the VFs are there, and before anything else is done. */
async function die({ plan, apply }: OperationHost, desired: readonly DesiredPf[] = wish(2)): Promise<void> {
  const abandon = new AbortController();
  const operation = await apply(await plan(desired), {
    abandon: abandon.signal,
    onEvent: (progress) => {
      if (progress.kind !== "event" || progress.event.event !== "stepDone") return;
      if (progress.steps[progress.event.step]?.kind === "setNumVfs") abandon.abort();
    },
  });
  assert.equal(operation.state, "applying");
}

/** Recovers what one host's records hold on another: the same machine later. */
function recoverOn(records: OperationHost, { kernel }: OperationHost) {
  return records.recover({ kernel, planning: planningOf(kernel) });
}

async function numVfs({ read }: OperationHost, pf: Bdf): Promise<string> {
  return read(`/sys/bus/pci/devices/${pf}/sriov_numvfs`);
}

describe("recoverOperations", () => {
  test("after a reboot nothing of an operation is left: it is overtaken, and nothing is touched", async () => {
    const before = await host();
    await die(before);
    const later = await host("igb", MODULES, (description) => ({
      ...description,
      host: { machineId: "6d6f64656c6c65642d6d616368696e65", bootId: "00000000-0000-4000-8000-000000000002" },
    }));
    await later.write(`/sys/bus/pci/devices/${PF}/sriov_numvfs`, "1");
    const picture = await later.picture();
    const [operation] = await recoverOn(before, later);
    assert.equal(operation?.state, "overtaken");
    assert.deepEqual(eventsOf(operation).slice(-2), ["resumed", "ended overtaken"]);
    assert.equal(await later.picture(), picture);
    assert.deepEqual(await recoverOn(before, later), []);
  });

  test("a PF that has another address now is found by its serial number, and goes back there", async () => {
    const before = await host("igb", IXGBE, withCards(NUMBERED));
    await die(before);
    // It was put into the next slot, without a reboot.
    const later = await host("igb", IXGBE, withCards(undefined, NUMBERED));
    const moved = bdf("0000:02:00.0");
    await later.write(`/sys/bus/pci/devices/${moved}/sriov_numvfs`, "2");
    const [operation] = await recoverOn(before, later);
    assert.equal(operation?.state, "undone", JSON.stringify(operation?.failure));
    assert.equal(operation?.failure?.code, "VFL-0312");
    assert.equal(await numVfs(later, moved), "0");
  });

  test("another card in the slot of one without a serial number is not taken for it", async () => {
    const before = await host();
    await die(before);
    const later = await host("igb", ["nvme"], withCards("NVMe"));
    await later.write(`/sys/bus/pci/devices/${PF}/sriov_drivers_autoprobe`, "0");
    await later.write(`/sys/bus/pci/devices/${PF}/sriov_numvfs`, "2");
    const [operation] = await recoverOn(before, later);
    assert.equal(operation?.state, "stuck");
    assert.equal(operation?.failure?.code, "VFL-0311", JSON.stringify(operation?.failure));
    assert.equal(await numVfs(later, PF), "2");
  });

  test("a PF that is gone leaves it stuck, and when it is back the way out is recover --stuck", async () => {
    const before = await host();
    await die(before);
    await before.write(`/sys/bus/pci/devices/${PF}/remove`, "1");
    const [stuck] = await before.recover();
    assert.equal(stuck?.state, "stuck");
    assert.deepEqual(await before.recover(), []);
    await before.write("/sys/bus/pci/rescan", "1");
    const [operation] = await before.recover({ stuck: true });
    assert.equal(operation?.state, "undone", JSON.stringify(operation?.failure));
    assert.equal(await numVfs(before, PF), "0");
    assert.equal((await before.apply(await before.plan(wish(2)))).state, "settled");
  });

  test("what a newer operation has made is not undone by one that was cut off before it", async () => {
    const one = await host();
    await die(one);
    assert.equal((await one.apply(await one.plan(wish(4)))).state, "settled");
    const picture = await one.picture();
    const [operation, ...others] = await one.recover();
    assert.equal(operation?.state, "overtaken", JSON.stringify(operation?.failure));
    assert.equal(operation?.failure?.code, "VFL-0313");
    assert.match(operation?.failure?.message ?? "", /^operation 2 has changed 0000:01:00\.0 since/);
    assert.deepEqual(others, []);
    assert.equal(await one.picture(), picture);
    assert.deepEqual(await one.recover({ stuck: true }), []);
  });

  test("nor by one that was stuck before it", async () => {
    const one = await host();
    await die(one);
    await one.write(`/sys/bus/pci/devices/${PF}/remove`, "1");
    assert.equal((await one.recover())[0]?.state, "stuck");
    await one.write("/sys/bus/pci/rescan", "1");
    assert.equal((await one.apply(await one.plan(wish(4)))).state, "settled");
    const [operation] = await one.recover({ stuck: true });
    assert.equal(operation?.state, "overtaken", JSON.stringify(operation?.failure));
    assert.equal(await numVfs(one, PF), "4");
  });

  test("one that a newer one has gone back to is taken back itself", async () => {
    const one = await host();
    await die(one);
    const stop = new AbortController();
    const newer = await one.apply(await one.plan(wish(4)), {
      signal: stop.signal,
      onEvent: (progress) => {
        if (progress.kind === "event" && progress.event.event === "stepDone") stop.abort();
      },
    });
    assert.equal(newer.state, "undone", JSON.stringify(newer.failure));
    assert.deepEqual(
      (await one.recover()).map(({ number, state }) => [number, state]),
      [[1, "undone"]],
    );
    assert.equal(await numVfs(one, PF), "0");
  });

  test("several that were cut off go back from the newest to the oldest", async () => {
    const one = await host();
    const picture = await one.picture();
    await die(one);
    await die(one, wish(4));
    assert.deepEqual(
      (await one.recover()).map(({ number, state }) => [number, state]),
      [
        [2, "undone"],
        [1, "undone"],
      ],
    );
    assert.equal(await one.picture(), picture);
  });

  test("of several PFs those go back that no newer operation has changed", async () => {
    const one = await host("switch-acs");
    const [first, second] = (await planningOf(one.kernel).observe()).pfs.map(({ bdf }) => bdf) as [Bdf, Bdf];
    const onPf = (pf: Bdf, count: number) => wish(count).map((each) => ({ ...each, pf }));
    await die(one, [...onPf(first, 2), ...onPf(second, 2)]);
    assert.equal((await one.apply(await one.plan(onPf(second, 3)))).state, "settled");
    const [operation] = await one.recover();
    assert.equal(operation?.state, "overtaken", JSON.stringify(operation?.failure));
    const { message = "" } = operation?.failure ?? {};
    assert.ok(message.startsWith(`operation 2 has changed ${second} since`), message);
    assert.ok(message.includes(`taken back: ${first}`), message);
    assert.deepEqual([await numVfs(one, first), await numVfs(one, second)], ["0", "3"]);
  });

  test("whether a newer one whose record is damaged has changed its PF nobody knows: it is stuck", async () => {
    const one = await host();
    await die(one);
    assert.equal((await one.apply(await one.plan(wish(4)))).state, "settled");
    writeFileSync(join(one.folder, "operations", "000002.jsonl"), "nonsense\n");
    const [operation] = await one.recover({ onDamage: () => {} });
    assert.equal(operation?.state, "stuck");
    assert.match(operation?.failure?.message ?? "", /000002/);
    assert.equal(await numVfs(one, PF), "4");
  });
});
