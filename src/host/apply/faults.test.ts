/** What goes wrong in a card, its driver or the kernel while a plan is done: what is told, and what is left of it. */
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import type { Fault } from "../../hardware/fault.ts";
import { type KernelFault, putFault } from "../../kernel/model/kernel-fault.ts";
import type { DesiredPf } from "../desired/desired-pf.ts";
import { functionAt, type OperationHost, operationHost, PF } from "./testing/operation-host.ts";

const hosts: OperationHost[] = [];
after(() => {
  for (const host of hosts) host.close();
});

const WISH: readonly DesiredPf[] = [
  {
    pf: PF,
    wantedBy: ["test"],
    numVfs: 4,
    onShrink: "refuse",
    vfs: [
      { vfIndex: 0, driver: "vfio", network: { vlan: 100 } },
      { vfIndex: 2, driver: "default" },
    ],
  },
];

type WithoutPlace<T> = T extends { readonly function: string } ? Omit<T, "function"> : never;

interface Case {
  readonly title: string;
  readonly fault: WithoutPlace<Fault | KernelFault>;
  readonly code: string;
  readonly errno: string | null;
  readonly message: RegExp;
  /** A line of the kernel's log that is put to the failure; null where the kernel says nothing of it. */
  readonly log: RegExp | null;
}

const refusal = (errno: string, code: string): Case => ({
  title: `the driver refuses by ${errno}`,
  fault: { kind: "sriov refusal", errno },
  code,
  errno,
  message: new RegExp(`"4" was refused: the kernel answered ${errno}`),
  log: null,
});

const CASES: readonly Case[] = [
  refusal("EPERM", "VFL-0327"),
  refusal("EINVAL", "VFL-0340"),
  refusal("ENOSPC", "VFL-0331"),
  refusal("EAGAIN", "VFL-0326"),
  refusal("EOPNOTSUPP", "VFL-0328"),
  refusal("ENODEV", "VFL-0329"),
  refusal("ETIMEDOUT", "VFL-0341"),
  refusal("EBUSY", "VFL-0321"),
  {
    title: "the driver enables fewer than it is asked for, and the write succeeds",
    fault: { kind: "sriov limit", numVfs: 3 },
    code: "VFL-0302",
    errno: null,
    message: /4 VFs were asked for, and 3 are enabled/,
    log: /igb 0000:01:00\.0: 4 VFs requested; only 3 enabled$/m,
  },
  {
    title: "the firmware offers fewer than it did at boot",
    fault: { kind: "vfs offered", totalVfs: 3 },
    code: "VFL-0341",
    errno: "EIO",
    message: /the kernel answered EIO/,
    log: /4 VFs allocated$/m,
  },
  {
    title: "no memory for the third VF",
    fault: { kind: "no memory", vf: 2 },
    code: "VFL-0338",
    errno: "ENOMEM",
    message: /the kernel answered ENOMEM/,
    log: /0000:01:10\.2: Adding to iommu group/,
  },
  {
    title: "VF 0 never answers: the kernel makes none",
    fault: { kind: "silent vf", vf: 0 },
    code: "VFL-0341",
    errno: "EIO",
    message: /the kernel answered EIO/,
    log: /0000:01:10\.0: unknown header type 7f, ignoring device$/m,
  },
  {
    title: "another VF never answers, which the kernel does not see",
    fault: { kind: "silent vf", vf: 2 },
    code: "VFL-0341",
    errno: null,
    message: /^VF 2 \(0000:01:10\.4\) does not answer: its registers read all ones$/,
    log: null,
  },
];

async function host(): Promise<OperationHost & { readonly name: string }> {
  const made = await operationHost();
  hosts.push(made);
  return { ...made, name: functionAt(made.kernel, PF).name };
}

describe("faults while a plan is done", () => {
  for (const { title, fault, code, errno, message, log } of CASES) {
    test(title, async () => {
      const { plan, apply, picture, kernel, store, recover, name } = await host();
      const before = await picture();
      putFault(kernel.linux, { ...fault, function: name } as Fault | KernelFault);
      const operation = await apply(await plan(WISH));
      assert.equal(operation.state, "undone", JSON.stringify(operation.failure));
      const { failure } = operation;
      assert.deepEqual([failure?.code, failure?.errno], [code, errno]);
      assert.match(failure?.message ?? "", message);
      const told = failure?.log.join("\n") ?? "";
      if (log === null) assert.doesNotMatch(told, /error|fail|refus/i);
      else assert.match(told, log);
      assert.equal(await picture(), before);
      assert.deepEqual(await store.read(1), operation);
      assert.deepEqual(await recover(), []);
      putFault(
        kernel.linux,
        fault.kind === "vfs offered"
          ? { kind: "vfs offered", function: name, totalVfs: 8 }
          : { kind: "recovery", function: name },
      );
      assert.equal((await apply(await plan(WISH))).state, "settled");
    });
  }

  test("the driver waits for its firmware for longer than anybody waits: stuck, until it has answered", async () => {
    const { plan, apply, picture, kernel, recover, name } = await host();
    putFault(kernel.linux, { kind: "sriov stall", function: name });
    const waited: string[] = [];
    const operation = await apply(await plan(WISH), {
      onEvent: (progress) => {
        if (progress.kind === "waiting") waited.push(progress.target);
      },
    });
    assert.match(waited[0] ?? "", /sriov_numvfs$/);
    assert.equal(operation.state, "stuck");
    assert.equal(operation.failure?.code, "VFL-0304");
    assert.match(operation.failure?.remedy ?? "", /recover/);
    putFault(kernel.linux, { kind: "recovery", function: name });
    await new Promise((resolve) => setTimeout(resolve, 20));
    // Half of what was wished is there now, by a write that nobody waited for: it is taken back.
    assert.deepEqual(
      (await recover({ stuck: true })).map(({ state, failure }) => [state, failure?.code]),
      [["undone", "VFL-0305"]],
    );
    assert.match(await picture(), /"numVfs": 0/);
  });
});
