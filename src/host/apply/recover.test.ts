/** Operations whose process died, on a host that is another one than it was. */
import assert from "node:assert/strict";
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
async function die({ plan, apply }: OperationHost): Promise<void> {
  const abandon = new AbortController();
  const operation = await apply(await plan(wish(2)), {
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
});
