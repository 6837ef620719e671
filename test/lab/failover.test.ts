/** A virtual machine with a VF moves between two QEMUs while it is sent packets: by its VF, by virtio, by another VF. */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import type { BootResult } from "../../src/lab/boot.ts";
import type { CommandResult, InnerStatus } from "../../src/lab/guest-channel.ts";
import { requireTool } from "../require-tool.ts";
import { runInMachine } from "./run-in-machine.ts";

/** Patience with a busy host, and until other lab machines have ended. */
const MACHINE_MS = 600_000;
const TIMEOUT_MS = 1_200_000;
const MAC = "02:00:00:00:00:0a";
/** On a quiet host 0.8 s: the guest stands still, and its VF comes up. */
const LONGEST_GAP_MS = 8000;

interface Packet {
  readonly sentMs: number;
  readonly gotMs: number | null;
}

interface Phase {
  readonly phase: string;
  readonly atMs: number;
}

describe("a guest with a VF that moves in a lab machine", { skip: requireTool("lab"), timeout: TIMEOUT_MS }, () => {
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
  function moved() {
    return only<{ phases: readonly Phase[]; downtimeMs: number; withoutVf: string | null; began: number }>("moved");
  }
  function packets(): readonly Packet[] {
    return only<{ packets: readonly Packet[] }>("packets").packets;
  }
  function guest(when: string): InnerStatus {
    const found = records<{ when: string; status: InnerStatus }>("guest").find((each) => each.when === when);
    assert.ok(found, when);
    return found.status;
  }

  test("has a failover interface over virtio and VF, all of one MAC address", () => {
    const { netDevices } = guest("with both");
    assert.deepEqual(
      netDevices.map(({ mac }) => mac),
      [MAC, MAC, MAC],
    );
    const { output } = only<CommandResult>("guest-links");
    assert.equal(output.match(/master eth0/g)?.length, 2);
  });

  test("stays where it was, with its VF, when the destination dies in the middle", () => {
    const { failure, status } = only<{ failure: string; status: InnerStatus }>("rolled-back");
    assert.match(failure, /the guest was not moved, and is where it was: the migration failed/);
    assert.ok(status.pciDevices.some(({ driver }) => driver === "igbvf"));
    const phases = records<Phase & { uri: string }>("phase").filter(({ uri }) => uri.includes("doomed"));
    assert.deepEqual(
      phases.map(({ phase }) => phase),
      ["checked", "unplugging", "moving", "rollingBack", "rolledBack"],
    );
  });

  test("is at the destination, with a VF of it that is up", () => {
    const { phases, withoutVf } = moved();
    assert.equal(withoutVf, null);
    assert.deepEqual(
      phases.map(({ phase }) => phase),
      ["checked", "unplugging", "moving", "moved", "plugged"],
    );
    const { pciDevices, netDevices } = guest("moved");
    assert.ok(pciDevices.some(({ driver }) => driver === "igbvf"));
    assert.ok(netDevices.every(({ mac, carrier }) => mac === MAC && carrier === true));
  });

  test("answers before, over the standby while it moves, and after", (context) => {
    const { began, phases, downtimeMs } = moved();
    const at = (name: string) => began + (phases.find(({ phase }) => phase === name)?.atMs ?? Number.NaN);
    const all = packets();
    const answered = (from: number, to: number) =>
      all.filter(({ sentMs, gotMs }) => sentMs >= from && sentMs < to && gotMs !== null).length;
    const last = all.at(-1)?.sentMs ?? 0;
    assert.ok(answered(began - 2000, began) > 20, "before");
    assert.ok(answered(at("moving"), at("moved")) > 2, "while its memory moves, without any VF");
    assert.ok(answered(last - 2000, last) > 20, "after");

    const lost = all.filter(({ gotMs }) => gotMs === null).length;
    const times = all.flatMap(({ gotMs }) => gotMs ?? []).sort((a, b) => a - b);
    const gap = Math.max(...times.slice(1).map((time, index) => time - (times[index] ?? time)));
    assert.ok(gap < LONGEST_GAP_MS, `${gap} ms`);
    context.diagnostic(
      `${all.length} packets in 20 s, ${lost} lost; longest gap ${Math.round(gap)} ms; stood still ${downtimeMs} ms`,
    );
    context.diagnostic(`all: ${(result.wallMs / 1000).toFixed(1)} s`);
  });
});
