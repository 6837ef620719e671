import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Operation } from "../host/apply/operation.ts";
import type { DesiredPf } from "../host/desired/desired-pf.ts";
import { planHost } from "../host/plan/plan-host.ts";
import type { HostState } from "../host/state/host-state.ts";
import { hostState, NOBODY, nvmePf, usedBy, vfioUser } from "../host/state/testing/host-state-builder.ts";
import { unread } from "../kernel/port.ts";
import { bdf } from "../pci/bdf.ts";
import { renderStatus } from "./render-status.ts";

const PF = bdf("0000:01:00.0");

function told(state: HostState, desired?: Partial<DesiredPf>, unfinished: readonly Operation[] = []): string[] {
  const wanted: DesiredPf = { pf: PF, wantedBy: ["policy a"], onShrink: "refuse", vfs: [], ...desired };
  const plan = desired === undefined ? undefined : planHost({ state, desired: [wanted] });
  return renderStatus({ state, plan, unfinished });
}

/** Columns of the row that begins with this VF or range. */
function row(lines: readonly string[], vfs: string): string[] {
  const found = lines.find((line) => line.startsWith(`  ${vfs} `));
  assert.ok(found, `${vfs} in\n${lines.join("\n")}`);
  return found.trim().split(/ {2,}/);
}

describe("a host for a person", () => {
  test("first whether anything is wrong, then PF by PF", () => {
    const lines = told(hostState([{ vfs: 2 }]), { numVfs: 2 });
    assert.equal(lines[0], "1 PF, 2 VFs; all as desired");
    assert.equal(
      lines[2],
      "0000:01:00.0  Intel 82576 Gigabit Network Connection (eth01000)  igb  2 of 7 VFs  as desired",
    );
    assert.equal(told(hostState([{ vfs: 2 }]))[0]?.startsWith("1 PF, 2 VFs; nothing is desired"), true);
  });

  test("what differs, and what is refused, by its number of VFs and its code", () => {
    const differs = told(hostState([{ vfs: 2 }]), { numVfs: 5 });
    assert.match(differs[0] ?? "", /1 PF differs from what is desired: vfleet plan$/);
    assert.match(differs[2] ?? "", /2 of 7 VFs, 5 wanted {2}differs$/);
    const refused = told(hostState([{ vfs: [{ users: usedBy(vfioUser()) }, {}] }]), { numVfs: 5 });
    assert.match(refused[0] ?? "", /what is desired is refused/);
    assert.match(refused[2] ?? "", /refused \(VFL-0211\)$/);
  });

  test("a VF with its pool, driver, settings and who has it", () => {
    const state = hostState([
      {
        vfs: [
          {
            driver: "vfio-pci",
            netdevs: [],
            settings: { mac: "02:00:00:00:00:01", vlan: 5, qos: 2, trust: true },
            users: usedBy(vfioUser()),
          },
          { settings: { qos: 3, maxTxRateMbps: 500, spoofCheck: false, linkState: "disable" } },
        ],
      },
    ]);
    const lines = told(state, { vfs: [{ vfIndex: 0, pool: "fast" }] });
    assert.deepEqual(row(lines, "0"), [
      "0",
      "0000:01:10.0",
      "fast",
      "vfio-pci",
      "-",
      "02:00:00:00:00:01",
      "vlan 5 qos 2, trusted",
      "process 4242 has /dev/vfio/20 open",
    ]);
    assert.deepEqual(row(lines, "1").slice(5), [
      "-",
      "vlan 0 qos 3, max 500 Mbit/s, no spoof check, link disabled",
      "-",
    ]);
  });

  test("256 VFs that differ in their addresses and names alone are one line; one that differs breaks it", () => {
    const vfs = Array.from({ length: 256 }, (_, index) => ({
      settings: { mac: `02:00:00:00:${index >> 4}0:${index % 16}0`, vlan: index === 200 ? 9 : 5 },
    }));
    const lines = told(hostState([{ bdf: "0000:01:00.0", vfs, firstVfOffset: 1, vfStride: 1, driverLimit: 256 }]));
    assert.equal(lines.length, 3 + 1 + 3);
    const first = row(lines, "0-199");
    assert.equal(first[1], "0000:01:00.1 .. 01:19.0");
    assert.match(first[4] ?? "", /^vf\w+ and 199 more$/);
    assert.match(first[5] ?? "", /^02:00:00:00:00:00 and 199 more$/);
    assert.equal(row(lines, "200")[6], "vlan 9");
    assert.ok(row(lines, "201-255"));
  });

  test("VFs that are used by different processes are not one line", () => {
    const vfs = Array.from({ length: 10 }, (_, index) =>
      index < 2 ? { users: usedBy(vfioUser({ pid: 100 + index })) } : {},
    );
    const lines = told(hostState([{ vfs, driverLimit: 64 }]));
    assert.match(row(lines, "0").at(-1) ?? "", /process 100/);
    assert.match(row(lines, "1").at(-1) ?? "", /process 101/);
    assert.ok(row(lines, "2-9"));
  });

  test("what could not be read is ?, never nothing", () => {
    const gone = unread("/sys/x", "EACCES", "permission denied");
    const notLooked = { ...NOBODY, notLookedAt: [{ way: "openFiles" as const, errno: "EACCES", reason: "x" }] };
    const state = hostState([
      { numVfs: gone, driver: gone, vfs: [{ driver: gone, netdevs: gone, settings: gone, users: notLooked }] },
    ]);
    const lines = told(state);
    assert.match(lines[2] ?? "", /\? {2}\? of 7 VFs/);
    assert.deepEqual(row(lines, "0").slice(2), ["-", "?", "?", "?", "?", "not known (run as root)"]);
  });

  test("NVMe secondaries with their resources", () => {
    const lines = told(hostState([nvmePf({ vfs: [{ online: true, vq: 2, vi: 1 }, {}] })]));
    assert.equal(row(lines, "0")[6], "online, 2 queues, 1 interrupt");
    assert.equal(row(lines, "1")[6], "offline, 0 queues, 0 interrupts");
  });

  test("operations that need a hand come before all else, with their way out", () => {
    const operation: Operation = {
      format: 1,
      number: 4,
      kind: "apply",
      title: "policy a",
      startedAt: "2026-11-01T10:00:00.000Z",
      pid: 7,
      bootId: null,
      pfs: [],
      desired: [],
      before: [],
      steps: [],
      state: "stuck",
      events: [],
      failure: {
        code: "VFL-0305",
        message: "it is so",
        remedy: "do so",
        errno: null,
        target: null,
        value: null,
        log: [],
      },
      endedAt: null,
    };
    assert.deepEqual(
      told(hostState(), undefined, [operation, { ...operation, number: 5, state: "applying", failure: null }]).slice(
        0,
        6,
      ),
      [
        "stuck  operation 4: apply policy a",
        "  cause       it is so (VFL-0305)",
        "  remedy      do so",
        "  then        vfleet recover --stuck",
        "not ended  operation 5: apply policy a",
        "  then        vfleet recover",
      ],
    );
  });
});
