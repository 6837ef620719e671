/** A virtual machine with two VFs moves between two QEMUs while it is sent packets: by its VFs, by virtio, by other VFs. */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import type { Operation } from "../../src/host/apply/operation.ts";
import type { MigrationVerdict } from "../../src/host/migrate/migration-port.ts";
import type { MigrationTimes } from "../../src/host/migrate/migration-times.ts";
import type { BootResult } from "../../src/lab/boot.ts";
import type { CommandResult, InnerStatus } from "../../src/lab/guest-channel.ts";
import { requireTool } from "../require-tool.ts";
import { runInMachine } from "./run-in-machine.ts";

/** Patience with a busy host, and until other lab machines have ended. */
const MACHINE_MS = 600_000;
const TIMEOUT_MS = 1_200_000;
const NO_MAC = "00:00:00:00:00:00";
const MACS = ["02:00:00:00:00:0a", "02:00:00:00:00:0b"];
/** Of the guest's VFs, and of those that were free. */
const NO_MACS = [NO_MAC, NO_MAC];
/** On a quiet host 0.8 s: the guest stands still, and its VF comes up. */
const LONGEST_GAP_MS = 8000;

/** Of both who send. */
const INTERVAL_MS = 50;
/**
 * What is between the answers of one of both is up to two intervals longer than the silence; and on the one processor that all share
 * each may read an answer later than the other by as much.
 */
const TOLERANCE_MS = 4 * INTERVAL_MS;

interface Packet {
  readonly sentMs: number;
  readonly gotMs: number | null;
}

interface Command {
  readonly stage: string;
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Moved {
  readonly verdict: MigrationVerdict;
  readonly operation: Operation;
  readonly times: MigrationTimes;
}

describe("a guest with two VFs that moves in a lab machine", { skip: requireTool("lab"), timeout: TIMEOUT_MS }, () => {
  let result: BootResult;
  before(
    async () => {
      result = await runInMachine("failover.ts", "guests", MACHINE_MS);
    },
    { timeout: TIMEOUT_MS },
  );

  function records<T>(kind: string): T[] {
    return result.records.filter((record) => record.kind === kind) as unknown as T[];
  }
  function only<T>(kind: string): T {
    const [found, ...more] = records<T>(kind);
    assert.ok(found && more.length === 0, `one record "${kind}" is wanted`);
    return found;
  }
  function command(stage: string): Command {
    const found = records<Command>("command").find((each) => each.stage === stage);
    assert.ok(found, stage);
    return found;
  }
  function moved(): Moved {
    const { stdout, stderr } = command("moved");
    assert.ok(stdout.startsWith("{"), stderr);
    return JSON.parse(stdout);
  }
  function host(when: string) {
    const found = records<{ when: string; macs: readonly string[]; fdb: readonly string[] }>("host");
    const seen = found.find((each) => each.when === when);
    const sorted = (from: number, to: number) => seen?.macs.slice(from, to).sort();
    return { source: sorted(0, 2), free: sorted(2, 4), fdb: seen?.fdb };
  }
  function packets(): readonly Packet[] {
    return only<{ packets: readonly Packet[] }>("packets").packets;
  }
  function guest(when: string): InnerStatus {
    const found = records<{ when: string; status: InnerStatus }>("guest").find((each) => each.when === when);
    assert.ok(found, when);
    return found.status;
  }

  function igbvfs(when: string): number {
    return guest(when).pciDevices.filter(({ driver }) => driver === "igbvf").length;
  }

  test("has a failover interface over each virtio and VF, all three of one MAC address", () => {
    const { netDevices } = guest("with both");
    assert.deepEqual(
      netDevices.map(({ mac }) => mac).sort(),
      MACS.flatMap((mac) => [mac, mac, mac]),
    );
    // A line each for who has a master: address, name, master.
    const links = only<CommandResult>("guest-links").output.trim().split("\n");
    const masters = links.map((line) =>
      line
        .split(" ")
        .filter((_, place) => place !== 1)
        .join(" "),
    );
    assert.equal(masters.length, 4, masters.join("; "));
    assert.equal(new Set(masters).size, 2, masters.join("; "));
  });

  test("stays where it was, with its VFs, when the destination dies in the middle", () => {
    const { status, stdout, stderr } = command("rolled-back");
    assert.equal(status, 1, stdout + stderr);
    assert.match(stdout, /the guest was not moved, and is where it was: the migration failed/);
    const phases = [...stdout.matchAll(/^› (\w+)/gm)].map(([, phase]) => phase);
    assert.deepEqual(phases, ["prepared", "unplugging", "moving", "rollingBack", "rolledBack", "traffic"]);
    assert.match(stdout, /^ +no traffic +[\d.]+ m?s$/m);
    assert.equal(igbvfs("rolled-back"), 2);
    assert.deepEqual(host("rolled-back"), { source: MACS, free: NO_MACS, fdb: [] });
  });

  test("cannot move by VFIO, by what was seen: an 82576 has no variant driver", () => {
    const drivers = moved().verdict.checks.filter(({ check }) => check === "driver");
    assert.deepEqual(
      drivers.map(({ result }) => result),
      // And two of the knowledge of P2P, which guests with several VFs take.
      ["refused", "refused", "unknown", "unknown"],
    );
    assert.match(drivers[0]?.summary ?? "", /vfio-pci of a VF 8086:10ca has no migration/);
  });

  test("is at the destination, with VFs of it that are up", () => {
    const { operation, times } = moved();
    assert.equal(operation.state, "settled", JSON.stringify(operation.failure));
    assert.deepEqual(
      times.phases.map(({ phase }) => phase),
      ["prepared", "unplugging", "moving", "moved", "plugged"],
    );
    assert.equal(igbvfs("moved"), 2);
    assert.ok(guest("moved").netDevices.every(({ mac, carrier }) => MACS.includes(mac) && carrier === true));
    // Either of the free ones for either: they are of one kind.
    assert.deepEqual(host("moved"), { source: NO_MACS, free: MACS, fdb: [] });
  });

  test("answers before, over the standby while it moves, and after", (context) => {
    const { operation, times } = moved();
    const began = Date.parse(operation.startedAt);
    const { downtimeMs } = times;
    const at = (name: string) => began + (times.phases.find(({ phase }) => phase === name)?.atMs ?? Number.NaN);
    const all = packets();
    const answered = (from: number, to: number) =>
      all.filter(({ sentMs, gotMs }) => sentMs >= from && sentMs < to && gotMs !== null).length;
    const last = all.at(-1)?.sentMs ?? 0;
    // While vfleet starts the one processor of the machine is its: the guest answers late.
    const counts = [answered(began - 5000, began), answered(at("moving"), at("plugged")), answered(last - 2000, last)];
    const [before = 0, meanwhile = 0, after = 0] = counts;
    assert.ok(before > 20, `before: ${counts}`);
    assert.ok(meanwhile > 2, `while it moves, without any of its VFs: ${counts}`);
    assert.ok(after > 20, `after: ${counts}`);

    const gapOf = (sent: readonly Packet[]) => {
      const answers = sent.flatMap(({ gotMs }) => gotMs ?? []).sort((a, b) => a - b);
      return Math.max(...answers.slice(1).map((time, index) => time - (answers[index] ?? time)));
    };
    // vfleet's own pings, sent as close, and the same way.
    const told = operation.events.find(({ event }) => event === "traffic")?.at ?? "";
    const ownGap = gapOf(all.filter(({ sentMs }) => sentMs >= began && sentMs <= Date.parse(told)));
    const { traffic, withoutTrafficMs } = times;
    assert.equal(traffic?.unmeasured, null);
    const difference = Math.abs(ownGap - INTERVAL_MS - (withoutTrafficMs ?? Number.NaN));
    assert.ok(difference <= TOLERANCE_MS, `${ownGap} ms, by vfleet ${withoutTrafficMs} ms`);

    const lost = all.filter(({ gotMs }) => gotMs === null).length;
    const gap = gapOf(all);
    assert.ok(gap < LONGEST_GAP_MS, `${gap} ms`);
    context.diagnostic(
      `${all.length} packets, ${lost} lost; longest gap ${Math.round(gap)} ms; stood still ${downtimeMs} ms`,
    );
    context.diagnostic(
      `by vfleet ${traffic?.answered} answered, ${traffic?.lost} lost, ${withoutTrafficMs} ms without traffic; here meanwhile ${Math.round(ownGap)} ms`,
    );
    context.diagnostic(`all: ${(result.wallMs / 1000).toFixed(1)} s`);
  });
});
