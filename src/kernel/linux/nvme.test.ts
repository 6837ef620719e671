import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { requireTool } from "../../../test/require-tool.ts";
import { isUnread, unread } from "../port.ts";
import type { Nvme } from "../port-nvme.ts";
import { isPending } from "../port-outcome.ts";
import { openLinux } from "./linux-kernel.ts";
import { nvmeBy } from "./nvme.ts";
import { systemPrograms } from "./program.ts";

const folder = mkdtempSync(join(tmpdir(), "vfleet-nvme-"));
after(() => rmSync(folder, { recursive: true }));
let count = 0;

/** By way of an `nvme` that does `line`, on a host with a controller nvme0, of identifier 7. */
function nvmeOf(line: string): Nvme {
  const path = join(folder, `nvme-${count++}`);
  writeFileSync(path, `#!/bin/bash\n${line}\n`, { mode: 0o755 });
  return nvmeBy(systemPrograms({ nvme: path }), async (path) =>
    path === "/sys/class/nvme/nvme0/cntlid" ? new TextEncoder().encode("7\n") : unread(path, "ENOENT"),
  );
}

/** By way of one that gives these bytes, and keeps its arguments in `asked`. */
function giving(fill: (view: DataView) => void): Nvme {
  const bytes = new Uint8Array(4096);
  fill(new DataView(bytes.buffer));
  const data = join(folder, `data-${count++}`);
  writeFileSync(data, bytes);
  return nvmeOf(`echo "$@" >${folder}/asked; exec cat ${data}`);
}

const asked = () => readFileSync(join(folder, "asked"), "utf8");

describe("NVMe Identify", () => {
  it("reads the primary controller's capabilities", async () => {
    const nvme = giving((view) => {
      view.setUint16(0, 7, true);
      view.setUint16(2, 1, true);
      view.setUint8(4, 1);
      for (const [at, value] of [
        [32, 8],
        [36, 6],
      ] as const)
        view.setUint32(at, value, true);
      for (const [at, value] of [
        [40, 2],
        [42, 3],
        [44, 4],
        [46, 5],
      ] as const)
        view.setUint16(at, value, true);
    });
    assert.deepEqual(await nvme.primaryCapabilities("nvme0"), {
      controllerId: 7,
      portId: 1,
      vq: { total: 8, assigned: 6, primary: 2, private: 3, secondaryMax: 4, granularity: 5 },
    });
    assert.equal(
      asked(),
      `admin-passthru /dev/nvme0 --opcode=0x06 --namespace-id=0 --cdw10=${0x70014} --data-len=4096 --read --raw-binary\n`,
    );
  });

  it("reads secondary controllers", async () => {
    const nvme = giving((view) => {
      view.setUint8(0, 2);
      for (const [index, online] of [
        [1, 1],
        [2, 0],
      ] as const) {
        view.setUint16(32 * index, 7 + index, true);
        view.setUint16(32 * index + 2, 7, true);
        view.setUint8(32 * index + 4, online);
        for (const [at, value] of [
          [8, index],
          [10, 2],
          [12, 3],
        ] as const)
          view.setUint16(32 * index + at, value, true);
      }
    });
    assert.deepEqual(await nvme.secondaryControllers("nvme0"), [
      { controllerId: 8, primaryControllerId: 7, online: true, vfNumber: 1, vq: 2, vi: 3 },
      { controllerId: 9, primaryControllerId: 7, online: false, vfNumber: 2, vq: 2, vi: 3 },
    ]);
    assert.match(asked(), / --cdw10=21 /);
  });

  it("reads namespaces, and asks on where a list is full", async () => {
    const few = giving((view) => {
      view.setUint32(0, 1, true);
      view.setUint32(4, 5, true);
    });
    assert.deepEqual(await few.namespaces("nvme0", "allocated"), [1, 5]);
    assert.match(asked(), / --namespace-id=0 --cdw10=16 /);
    const full = new Uint32Array(1024).map((_, index) => index + 1);
    const rest = new Uint32Array(1024);
    rest[0] = 2000;
    for (const [name, ids] of [
      ["full", full],
      ["rest", rest],
    ] as const)
      writeFileSync(join(folder, name), ids);
    const many = nvmeOf(
      `case "$*" in *id=0\\ *) exec cat ${folder}/full;; *id=1024\\ *) exec cat ${folder}/rest;; esac; exit 1`,
    );
    assert.deepEqual(await many.namespaces("nvme0", "active"), [...full, 2000]);
    // One that gives the same list again and again is not asked for ever.
    const stuck = await nvmeOf(`exec cat ${folder}/full`).namespaces("nvme0", "active");
    assert.ok(!isUnread(stuck) && Array.isArray(stuck) && stuck.length === 2048);
  });

  it("tells errno from status", async () => {
    const refused = nvmeOf("echo 'NVMe status: Invalid Field in Command: A reserved value(0x4002)' >&2; exit 1");
    assert.deepEqual(await refused.secondaryControllers("nvme0"), {
      kind: "nvme-refused",
      status: 0x4002,
      reason: "Invalid Field in Command: A reserved value",
    });
    const denied = await nvmeOf(
      "printf '%s\\n' '/dev/nvme0: Permission denied' 'Usage: nvme ...' >&2; exit 1",
    ).namespaces("nvme0", "active");
    assert.ok(isUnread(denied) && denied.errno === "EACCES" && denied.reason === "/dev/nvme0: Permission denied");
    const short = await nvmeOf("echo no bytes").namespaces("nvme0", "active");
    assert.ok(isUnread(short) && short.errno === "EIO");
  });
});

describe("NVMe Virtualization Management", () => {
  it("sends what is meant", async () => {
    const nvme = nvmeOf(
      `echo "$@" >>${folder}/managed; echo 'success, Number of Controller Resources Modified (NRM):0x2'`,
    );
    for (const change of [
      { action: "assign", controllerId: 1, resource: "vi", count: 2 },
      { action: "assign", controllerId: 1, resource: "vq", count: 3 },
      { action: "online", controllerId: 1 },
      { action: "offline", controllerId: 1 },
      { action: "primary-flexible", resource: "vq", count: 4 },
    ] as const) {
      const answer = await nvme.manage("nvme0", change);
      assert.ok(answer.kind === "done" && answer.modified === 2);
    }
    assert.equal(
      readFileSync(join(folder, "managed"), "utf8"),
      [
        "virt-mgmt /dev/nvme0 --cntlid=1 --rt=1 --act=8 --nr=2",
        "virt-mgmt /dev/nvme0 --cntlid=1 --rt=0 --act=8 --nr=3",
        "virt-mgmt /dev/nvme0 --cntlid=1 --rt=0 --act=9 --nr=0",
        "virt-mgmt /dev/nvme0 --cntlid=1 --rt=0 --act=7 --nr=0",
        "virt-mgmt /dev/nvme0 --cntlid=7 --rt=0 --act=1 --nr=4",
        "",
      ].join("\n"),
    );
  });

  it("tells the controller's refusal from the kernel's", async () => {
    const online = { action: "online", controllerId: 1 } as const;
    const refused = nvmeOf(
      "echo 'NVMe status: Invalid Secondary Controller State: The action is invalid(0x4120)' >&2; exit 1",
    );
    assert.deepEqual(await refused.manage("nvme0", online), {
      kind: "nvme-refused",
      status: 0x4120,
      reason: "Invalid Secondary Controller State: The action is invalid",
    });
    const denied = await nvmeOf("echo 'virt-mgmt: Operation not permitted' >&2; exit 1").manage("nvme0", online);
    assert.ok(denied.kind === "failed" && denied.errno === "EPERM");
    const wrong = await refused.manage("nvme0", { ...online, controllerId: 65_536 });
    assert.ok(wrong.kind === "failed" && wrong.errno === "EINVAL");
    const slow = await nvmeOf("sleep 0.3; echo '(NRM):0'").manage("nvme0", online, { deadlineMs: 50 });
    assert.ok(isPending(slow));
    assert.equal((await slow.finished()).kind, "done");
  });

  it("knows that there is no such controller", async () => {
    const { nvme } = openLinux();
    for (const name of ["nvme98765", "nvme0/../x", "-h"]) {
      const list = await nvme.namespaces(name, "active");
      assert.ok(isUnread(list) && /^(ENODEV|ENODATA)$/.test(list.errno));
      const answer = await nvme.manage(name, { action: "online", controllerId: 1 });
      assert.ok(answer.kind === "failed" && answer.errno === list.errno);
    }
  });
});

it("nvme-cli has the commands and options that are used", { skip: requireTool("nvme") }, async () => {
  const nvme = nvmeBy(systemPrograms(), async () => new TextEncoder().encode("0\n"));
  // There is no such device, and `nvme` opens it once it has understood everything else.
  const list = await nvme.secondaryControllers("nvme98765");
  assert.ok(isUnread(list) && /^(ENOENT|EACCES)$/.test(list.errno), JSON.stringify(list));
  const answer = await nvme.manage("nvme98765", { action: "online", controllerId: 1 });
  assert.ok(answer.kind === "failed" && /^(ENOENT|EACCES)$/.test(String(answer.errno)));
});
