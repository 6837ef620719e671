import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { VfleetError } from "../../errors/vfleet-error.ts";
import { putFault } from "../../kernel/model/kernel-fault.ts";
import { failed } from "../../kernel/port-outcome.ts";
import type { Bdf } from "../../pci/bdf.ts";
import type { DesiredPf } from "../desired/desired-pf.ts";
import type { Step } from "../plan/step.ts";
import type { ApplyRequest } from "./apply-plan.ts";
import {
  eventsOf,
  functionAt,
  kernelWith,
  type OperationHost,
  operationHost,
  PF,
  planningOf,
  QUICK,
} from "./testing/operation-host.ts";

const hosts: OperationHost[] = [];
after(() => {
  for (const host of hosts) host.close();
});

async function host(...args: Parameters<typeof operationHost>): Promise<OperationHost> {
  const made = await operationHost(...args);
  hosts.push(made);
  return made;
}

const NUM_VFS = `/sys/bus/pci/devices/${PF}/sriov_numvfs`;
const VF0 = "0000:01:10.0" as Bdf;

function wish(numVfs: number, vfs: DesiredPf["vfs"] = []): DesiredPf[] {
  return [{ pf: PF, wantedBy: ["test"], numVfs, onShrink: "refuse", vfs }];
}

const TWO_POOLS = wish(4, [
  { vfIndex: 0, driver: "vfio", network: { mac: "02:00:00:00:00:01", vlan: 100, qos: 3 } },
  { vfIndex: 1, driver: "vfio", network: { mac: "02:00:00:00:00:02", spoofCheck: false } },
  { vfIndex: 2, driver: "default", network: { vlan: 200, trust: true, maxTxRateMbps: 100 } },
  { vfIndex: 3, driver: "none" },
]);

/** With a kernel that answers otherwise, also where the host is looked at. */
function by(kernel: ReturnType<typeof kernelWith>): Partial<ApplyRequest> {
  return { kernel, planning: planningOf(kernel) };
}

/** Somebody else does something, right after the first step of a kind, before the next. */
function onceDone(kind: Step["kind"], what: () => Promise<void>): Partial<ApplyRequest> {
  let doing: Promise<void> | undefined;
  return {
    onEvent: (progress) => {
      if (doing || progress.kind !== "event" || progress.event.event !== "stepDone") return;
      if (progress.steps[progress.event.step]?.kind === kind) doing = what();
    },
  };
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof VfleetError, String(error));
  return error.code;
}

describe("applyPlan", () => {
  test("makes VFs with their settings and drivers, and then there is nothing to do", async () => {
    const { plan, apply, picture, read, store } = await host();
    const operation = await apply(await plan(TWO_POOLS));
    assert.equal(operation.state, "settled", JSON.stringify(operation.failure));
    assert.equal(await read(NUM_VFS), "4");
    assert.equal(await read(`/sys/bus/pci/devices/${PF}/sriov_drivers_autoprobe`), "1");
    assert.deepEqual(
      (await plan(TWO_POOLS)).pfs.flatMap(({ steps }) => steps),
      [],
    );
    const seen = await picture();
    for (const text of ["02:00:00:00:00:01", '"vlan": 200', '"trust": true', '"driver": "none"']) {
      assert.ok(seen.includes(text), text);
    }
    assert.deepEqual(await store.read(1), operation);
    assert.ok(operation.events.every((event) => event.event !== "stepDone" || event.evidence !== ""));
  });

  test("changes one VF, and leaves the others alone", async () => {
    const { plan, apply, picture, kernel } = await host();
    await apply(await plan(TWO_POOLS));
    const before = await picture();
    const mark = kernel.linux.log.end;
    const operation = await apply(await plan(wish(4, [{ vfIndex: 2, network: { vlan: 201 } }])));
    assert.deepEqual(eventsOf(operation), ["stepBegun setVfNetwork", "stepDone setVfNetwork", "ended settled"]);
    assert.equal(await picture(), before.replace('"vlan": 200', '"vlan": 201'));
    assert.deepEqual(
      operation.before[0]?.vfs.map(({ vfIndex }) => vfIndex),
      [2],
    );
    assert.ok(kernel.linux.log.since(mark).lines.every((line) => !/0000:01:10\.[024]/.test(line)));
  });

  test("a setting that the kernel refuses takes everything back, and says why", async () => {
    const { plan, apply, picture, kernel, store } = await host();
    const before = await picture();
    const broken = kernelWith(kernel, {
      write: async (path, text, waiting) =>
        path.endsWith("driver_override") && text.startsWith("vfio")
          ? failed(path, text, "EPERM")
          : kernel.write(path, text, waiting),
    });
    const operation = await apply(await plan(TWO_POOLS), by(broken));
    assert.equal(operation.state, "undone", JSON.stringify(operation.failure));
    assert.equal(operation.failure?.code, "VFL-0327");
    assert.equal(operation.failure?.errno, "EPERM");
    assert.match(operation.failure?.target ?? "", /driver_override$/);
    assert.equal(await picture(), before);
    assert.deepEqual(await store.read(1), operation);
  });

  test("a VF whose node never appears ends the waiting", async () => {
    const { plan, apply, picture, kernel } = await host();
    const before = await picture();
    const late = kernelWith(kernel, {
      readLink: async (path) =>
        path.endsWith("virtfn3") ? { kind: "unread", path, errno: "ENOENT", reason: "no" } : kernel.readLink(path),
    });
    // The host is looked at as it is: what is late is seen by the step alone.
    const operation = await apply(await plan(TWO_POOLS), { kernel: late });
    assert.equal(operation.state, "undone", JSON.stringify(operation.failure));
    assert.equal(operation.failure?.code, "VFL-0303");
    assert.match(operation.failure?.message ?? "", /VF 3 has no node/);
    assert.equal(await picture(), before);
  });

  test("a setting that does not stay is noticed", async () => {
    const { plan, apply, picture, kernel } = await host();
    const before = await picture();
    const deaf = kernelWith(kernel, {
      setVfs: (netdev, changes, waiting) =>
        kernel.setVfs(
          netdev,
          changes.map((change) => (change.vlan ? { ...change, vlan: { id: 7 } } : change)),
          waiting,
        ),
    });
    const operation = await apply(await plan(TWO_POOLS), by(deaf));
    assert.equal(operation.state, "undone", JSON.stringify(operation.failure));
    assert.equal(operation.failure?.code, "VFL-0310");
    assert.match(operation.failure?.message ?? "", /VLAN of VF 0 reads 7 after 100 was set/);
    assert.equal(await picture(), before);
  });

  test("what changed between plan and apply is not written over", async () => {
    const { plan, apply, write, read, store } = await host();
    const made = await plan(TWO_POOLS);
    await write(NUM_VFS, "2");
    assert.equal(await codeOf(apply(made)), "VFL-0308");
    assert.equal(await read(NUM_VFS), "2");
    assert.deepEqual(await store.list(), []);
  });

  test("two at once: the second is told who is at work", async () => {
    const { plan, apply } = await host();
    const made = await plan(TWO_POOLS);
    const both = await Promise.allSettled([apply(made), apply(made)]);
    const lost = both.find(({ status }) => status === "rejected") as PromiseRejectedResult;
    assert.equal((lost.reason as VfleetError).code, "VFL-0306");
    assert.ok(both.some((each) => each.status === "fulfilled" && each.value.state === "settled"));
  });

  test("an interruption ends it after the step that it is at, and takes it back", async () => {
    const { plan, apply, picture } = await host();
    const before = await picture();
    const stop = new AbortController();
    const operation = await apply(await plan(TWO_POOLS), {
      signal: stop.signal,
      onEvent: (progress) => {
        if (progress.kind === "event" && progress.event.event === "stepDone" && progress.event.step === 2) stop.abort();
      },
    });
    assert.equal(operation.state, "undone", JSON.stringify(operation.failure));
    assert.equal(operation.failure?.code, "VFL-0312");
    assert.equal(await picture(), before);
  });

  test("a disk that is full in the middle: all is taken back, and told", async () => {
    const { plan, apply, picture, store, recover } = await host();
    const before = await picture();
    const full: typeof store = {
      ...store,
      async create(header) {
        const writer = await store.create(header);
        let left = 5;
        return {
          header: writer.header,
          append: async (event) => {
            if (left-- <= 0) throw new VfleetError("VFL-0307", { message: "no space is left" });
            await writer.append(event);
          },
          close: () => writer.close(),
        };
      },
    };
    const operation = await apply(await plan(TWO_POOLS), { store: full });
    assert.equal(operation.state, "undone");
    assert.equal(operation.failure?.code, "VFL-0307");
    assert.equal(await picture(), before);
    // The record does not say so yet; whoever looks next sees it by the hardware.
    assert.equal((await store.read(1))?.state, "applying");
    assert.deepEqual(
      (await recover()).map(({ state }) => state),
      ["undone"],
    );
    assert.equal(await picture(), before);
  });

  test("a PF that is pulled out in the middle leaves it stuck, with the way out", async () => {
    const { plan, apply, kernel } = await host();
    const operation = await apply(await plan(TWO_POOLS), {
      onEvent: (progress) => {
        if (progress.kind !== "event" || progress.event.event !== "stepDone") return;
        const { step } = progress.event;
        if (progress.steps[step]?.kind === "setNumVfs") void kernel.write(`/sys/bus/pci/devices/${PF}/remove`, "1");
      },
    });
    assert.equal(operation.state, "stuck");
    assert.equal(operation.failure?.code, "VFL-0311", JSON.stringify(operation.failure));
    assert.match(operation.failure?.remedy ?? "", /vfleet recover/);
  });

  test("a VF that somebody took since the plan is not taken away", async () => {
    const { plan, apply, useByGuest, read, recover } = await host();
    await apply(await plan(TWO_POOLS));
    const shrink = await plan(wish(0));
    const end = useByGuest(VF0);
    assert.equal(await codeOf(apply(shrink)), "VFL-0308");
    assert.equal(await read(NUM_VFS), "4");
    end();
    assert.equal((await apply(shrink)).state, "settled");
    assert.deepEqual(await recover(), []);
  });

  test("a write that blocks on a guest is told, ends stuck, and is recovered when the guest has gone", async () => {
    const { plan, apply, useByGuest, kernel, read, recover, picture } = await host();
    await apply(await plan(TWO_POOLS));
    let end = () => {};
    const waited: string[] = [];
    // The guest comes between the last look at users and the write.
    const late = kernelWith(kernel, {
      write: (path, text, waiting) => {
        if (path === NUM_VFS && text === "0") end = useByGuest(VF0);
        return kernel.write(path, text, waiting);
      },
    });
    const operation = await apply(await plan(wish(0)), {
      kernel: late,
      onEvent: (progress) => {
        if (progress.kind === "waiting") waited.push(progress.target);
      },
    });
    assert.deepEqual(waited, [NUM_VFS]);
    assert.equal(operation.state, "stuck");
    assert.equal(operation.failure?.code, "VFL-0304");
    end();
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(await read(NUM_VFS), "0");
    // Left alone where nobody asks for it.
    assert.deepEqual(await recover(), []);
    assert.deepEqual(
      (await recover({ stuck: true })).map(({ state }) => state),
      ["settled"],
    );
    assert.ok((await picture()).includes('"numVfs": 0'));
  });

  test("who gives up waiting leaves it to recovery, at once", async () => {
    const { plan, apply, useByGuest, kernel, recover } = await host();
    await apply(await plan(TWO_POOLS));
    let end = () => {};
    const abandon = new AbortController();
    const late = kernelWith(kernel, {
      write: (path, text, waiting) => {
        if (path === NUM_VFS && text === "0") {
          end = useByGuest(VF0);
          setTimeout(() => abandon.abort(), 5);
        }
        return kernel.write(path, text, waiting);
      },
    });
    // Far longer than the test would last.
    const patience = { ...QUICK, writeMs: 1_000_000, longWriteMs: 1_000_000 };
    const operation = await apply(await plan(wish(0)), { kernel: late, abandon: abandon.signal, patience });
    assert.deepEqual(eventsOf(operation), ["stepBegun setNumVfs"]);
    end();
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual(
      (await recover()).map(({ state }) => state),
      ["settled"],
    );
  });

  test("two PFs side by side; where one fails both go back", async () => {
    const { plan, apply, picture, kernel } = await host("switch-acs");
    const [first, second] = (await planningOf(kernel).observe()).pfs.map(({ bdf }) => bdf);
    assert.ok(first && second);
    const both = [first, second].map((pf) => ({ ...(wish(2)[0] as DesiredPf), pf }));
    const before = await picture();
    const { name } = functionAt(kernel, second);
    putFault(kernel.linux, { kind: "no memory", function: name, vf: 1 });
    const operation = await apply(await plan(both));
    assert.equal(operation.state, "undone", JSON.stringify(operation.failure));
    assert.equal(operation.failure?.code, "VFL-0338");
    assert.equal(await picture(), before);
    putFault(kernel.linux, { kind: "recovery", function: name });
    assert.equal((await apply(await plan(both))).state, "settled");
  });

  for (const [what, slow, quick] of [
    ["the first PF", 0, 1],
    ["the second PF", 1, 0],
  ] as const) {
    test(`a write that ${what} still waits for is not hidden by the other's failure: it ends stuck`, async () => {
      const { plan, apply, kernel } = await host("switch-acs");
      const pfs = (await planningOf(kernel).observe()).pfs.map(({ bdf }) => bdf);
      const written: string[] = [];
      const broken = kernelWith(kernel, {
        async write(path, text, waiting) {
          if (!path.endsWith("sriov_numvfs")) return kernel.write(path, text, waiting);
          written.push(path);
          if (path.includes(pfs[quick] ?? "?")) return failed(path, text, "ENOMEM");
          const finished = () => new Promise<never>(() => {});
          return { kind: "pending", target: path, finished };
        },
      });
      const both = [pfs[slow], pfs[quick]].map((pf) => ({ ...(wish(2)[0] as DesiredPf), pf: pf as Bdf }));
      const operation = await apply(await plan(both), by(broken));
      assert.equal(operation.state, "stuck", JSON.stringify(operation.failure));
      assert.equal(operation.failure?.code, "VFL-0304");
      assert.match(operation.failure?.target ?? "", new RegExp(pfs[slow] ?? "?"));
      assert.equal(eventsOf(operation).includes("undoBegun"), false);
      assert.equal(written.length, 2);
    });
  }

  for (const [what, others] of [
    ["another number of VFs", "4"],
    ["as many VFs as are wanted", "2"],
  ] as const) {
    test(`${what} that somebody else makes first are left to them, on the way back, too`, async () => {
      const { plan, apply, write, read, recover } = await host();
      const operation = await apply(
        await plan(wish(2, [{ vfIndex: 0, driver: "vfio" }])),
        onceDone("setDriversAutoprobe", () => write(NUM_VFS, others)),
      );
      assert.equal(operation.state, "undone", JSON.stringify(operation.failure));
      assert.equal(operation.failure?.code, "VFL-0308");
      assert.equal(await read(NUM_VFS), others);
      assert.equal(await read(`/sys/bus/pci/devices/${PF}/sriov_drivers_autoprobe`), "1");
      assert.equal(await read(`/sys/bus/pci/devices/${VF0}/driver_override`), "(null)");
      assert.deepEqual(await recover({ stuck: true }), []);
    });
  }

  test("where somebody else's VFs have taken the place of those that were there, it is stuck until they are gone", async () => {
    const { plan, apply, write, read, recover } = await host();
    await apply(await plan(wish(4)));
    const operation = await apply(
      await plan(wish(2)),
      onceDone("setNumVfs", () => write(NUM_VFS, "3")),
    );
    assert.equal(operation.state, "stuck");
    assert.match(operation.failure?.message ?? "", /somebody else has set 3 VFs/);
    assert.equal(await read(NUM_VFS), "3");
    assert.deepEqual(
      (await recover({ stuck: true })).map(({ state }) => state),
      ["stuck"],
    );
    assert.equal(await read(NUM_VFS), "3");
    await write(NUM_VFS, "0");
    const [recovered] = await recover({ stuck: true });
    assert.equal(recovered?.state, "undone", JSON.stringify(recovered?.failure));
    assert.equal(await read(NUM_VFS), "4");
  });

  test("a VF that was just made, and that somebody has taken already, is not unbound", async () => {
    const { plan, apply, write, kernel, useByGuest, recover, read } = await host();
    let end = () => {};
    const unbound: string[] = [];
    const watching = kernelWith(kernel, {
      write(path, text, waiting) {
        if (path.endsWith("/unbind")) unbound.push(text);
        return kernel.write(path, text, waiting);
      },
    });
    const operation = await apply(await plan(wish(2, [{ vfIndex: 0, driver: "igbvf" }])), {
      ...by(watching),
      ...onceDone("awaitVfs", async () => {
        await write(`/sys/bus/pci/devices/${VF0}/driver_override`, "vfio-pci");
        await write("/sys/bus/pci/drivers_probe", VF0);
        end = useByGuest(VF0);
      }),
    });
    assert.deepEqual(unbound, []);
    const failedStep = operation.events.find((event) => event.event === "stepFailed");
    assert.equal(failedStep?.failure.code, "VFL-0308");
    assert.match(failedStep?.failure.message ?? "", /0000:01:10\.0 is in use now: qemu/);
    // Nor is it taken away on the way back.
    assert.equal(operation.state, "stuck");
    assert.equal(await read(NUM_VFS), "2");
    end();
    assert.deepEqual(
      (await recover({ stuck: true })).map(({ state }) => state),
      ["undone"],
    );
  });

  test("a VF whose address cannot be read may be in use", async () => {
    const { plan, apply, kernel, read } = await host();
    await apply(await plan(TWO_POOLS));
    const shrink = await plan(wish(0));
    const blind = kernelWith(kernel, {
      readLink: async (path) =>
        path.endsWith("virtfn3") ? { kind: "unread", path, errno: "EIO", reason: "no" } : kernel.readLink(path),
    });
    const operation = await apply(shrink, { kernel: blind });
    assert.equal(operation.failure?.code, "VFL-0308", JSON.stringify(operation.failure));
    assert.match(operation.failure?.message ?? "", /is not known: .*virtfn3: no/);
    assert.equal(await read(NUM_VFS), "4");
  });

  for (const error of [new Error("nobody has foreseen it"), "not even an error"]) {
    test(`what cannot be kept takes all back, whatever is thrown: ${error}`, async () => {
      const { plan, apply, picture, store } = await host();
      const before = await picture();
      const keep = async () => {
        throw error;
      };
      const operation = await apply(await plan(TWO_POOLS), { keeping: { check: async () => {}, keep } });
      assert.equal(operation.state, "undone", JSON.stringify(operation.failure));
      assert.equal(operation.failure?.code, "VFL-0314");
      assert.equal(operation.failure?.message, String(error));
      assert.equal(await picture(), before);
      assert.equal((await store.read(1))?.state, "undone");
    });
  }
});
