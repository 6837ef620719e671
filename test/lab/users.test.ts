/** Who is told to use functions, where they are in use for real: guest/users.ts puts them to use in a lab machine. */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import type { DeviceUser, DeviceUsers } from "../../src/kernel/port-users.ts";
import { findImage } from "../../src/lab/image.ts";
import type { LabImage } from "../../src/lab/lab-image.ts";
import { MACHINES } from "../../src/lab/machines.ts";
import { requireTool } from "../require-tool.ts";
import { runGuestScript } from "./guest-script.ts";

const BOOT_TIMEOUT_MS = 600_000;
/** With the time that machines wait for each other. */
const TEST_TIMEOUT_MS = 900_000;
const IGB = "0000:01:00.0";
const NVME = "0000:02:00.0";
/** By vfIndex. */
const VFS = [0, 1, 2, 3, 4, 5, 6].map((index) => `0000:01:1${index >> 2}.${(index & 3) * 2}`);

const BLUE = "in network namespace blue";
const USED_VFS = [
  [`namespace vf0 ${BLUE}`, `address vf0 ${BLUE}: vf0 has the address 10.1.0.1/24 (scope global) ${BLUE}`],
  [
    "address vf1: vf1 has the address 10.2.0.1/24 (scope global)",
    "route vf1: the route to 10.9.0.0/16 by 10.2.0.2 leads through vf1 (table main)",
  ],
  ["upper br0", "address br0: br0 has the address 10.3.0.1/24 (scope global), upon vf2"],
  ["upper bond0"],
  ["upper vlan4", `upper mac4 ${BLUE}`],
  ["vfio sleep"],
  [],
];

describe("users of functions", { skip: requireTool("lab"), timeout: TEST_TIMEOUT_MS }, () => {
  let stages: ReadonlyMap<unknown, Readonly<Record<string, DeviceUsers>>>;

  before(
    async ({ signal }) => {
      const machine = MACHINES.find(({ name }) => name === "igb-nvme");
      assert.ok(machine);
      let output = "";
      const { exitCode, records } = await runGuestScript("users.ts", {
        image: findImage() as LabImage,
        machine,
        timeoutMs: BOOT_TIMEOUT_MS,
        signal,
        onOutput: (text) => {
          output += text;
        },
      });
      assert.equal(exitCode, 0, output);
      stages = new Map(records.map(({ stage, used }) => [stage, used as Record<string, DeviceUsers>]));
    },
    { timeout: TEST_TIMEOUT_MS },
  );

  function usersOf(stage: string, bdf: string): readonly string[] {
    return (stages.get(stage)?.[bdf]?.users ?? []).map(summary);
  }

  test("nobody, where drivers alone are there", () => {
    assert.deepEqual(stages.get("idle")?.[IGB]?.users, []);
    assert.deepEqual(stages.get("idle")?.[NVME]?.users, []);
  });

  for (const [index, expected] of USED_VFS.entries()) {
    test(`of VF ${index}: ${expected.map((text) => text.split(":")[0]).join(", ") || "nobody"}`, () => {
      assert.deepEqual(usersOf("used", VFS[index] ?? ""), expected);
    });
  }

  test("an interface that is up, and a driver for guests, are no users", () => {
    const kinds = (bdf = "") => stages.get("used")?.[bdf]?.idle.map(({ kind }) => kind) ?? [];
    assert.ok(kinds(VFS[6]).includes("up"));
    assert.deepEqual(kinds(VFS[5]), ["driver"]);
  });

  test("a PF's users are those of its VFs, each with its VF", () => {
    const users = stages.get("used")?.[IGB]?.users ?? [];
    const expected = USED_VFS.flatMap((texts, index) => texts.map((text) => `${VFS[index]} ${text}`));
    assert.deepEqual(
      users.map((user) => `${user.vf} ${summary(user)}`),
      expected,
    );
  });

  test("of an NVMe controller: swap, a mount, a process with the disk open, a loop device", () => {
    assert.deepEqual(usersOf("used", NVME), ["swap nvme0n1"]);
    assert.deepEqual(usersOf("mounted", NVME), ["mount /mnt/disk"]);
    assert.deepEqual(usersOf("open", NVME), ["blockOpen sleep"]);
    assert.deepEqual(usersOf("loop", NVME), ["holder loop0"]);
  });

  test("a VF that its process has let go has no user", () => {
    assert.deepEqual(usersOf("mounted", VFS[5] ?? ""), []);
  });

  test("all was looked at but the first program's console, opened before there were mounts", () => {
    for (const used of stages.values()) {
      for (const { notLookedAt } of Object.values(used)) {
        assert.deepEqual(
          notLookedAt.filter(({ reason }) => !/^file [012] of process 1, \/dev\/console \(deleted\),/.test(reason)),
          [],
        );
      }
    }
  });
});

function summary({ kind, who, evidence }: DeviceUser): string {
  const whose = who.netdev ?? who.mountPoint ?? who.blockDevice ?? who.command ?? "";
  const where = who.namespace === undefined ? "" : ` in ${who.namespace}`;
  const detail = kind === "address" || kind === "route" ? `: ${evidence}` : "";
  return `${kind} ${whose}${where}${detail}`;
}
