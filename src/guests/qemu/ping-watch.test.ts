import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { findTool, requireTool } from "../../../test/require-tool.ts";
import { VfleetError } from "../../errors/vfleet-error.ts";
import { withoutTrafficMs } from "../../host/migrate/traffic-watch.ts";
import { checkProbeAddress, watchByPing } from "./ping-watch.ts";
import { AnsweringNamespace } from "./testing/answering-namespace.ts";

const DOWN_MS = 700;
/** Pings go by the kernel's ticks, and this machine may be busy. */
const LATE_MS = 400;

function refused(code: string, words: RegExp) {
  return (error: unknown) => error instanceof VfleetError && error.code === code && words.test(error.message);
}

test("checkProbeAddress takes what a guest can have, and nothing that others would answer for", () => {
  for (const address of ["192.0.2.10", "fd00::10"]) checkProbeAddress(address);
  for (const address of [
    "web",
    "-f",
    "1.2.3",
    "fe80::1%eth0",
    "127.0.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "ff02::1",
  ])
    assert.throws(() => checkProbeAddress(address), refused("VFL-0417", /is no/), address);
  const own = Object.values(networkInterfaces())
    .flat()
    .find((each) => each !== undefined && !each.internal);
  if (own) assert.throws(() => checkProbeAddress(own.address), refused("VFL-0417", /host's own/));
});

describe("watchByPing", { skip: requireTool("netns") || requireTool("ping") }, () => {
  let guest: AnsweringNamespace;
  before(() => {
    guest = new AnsweringNamespace(1);
  });
  after(() => guest.close());

  test("tells how long a guest has not answered, and how many packets it has lost", async () => {
    const watch = await watchByPing(guest.address);
    const ended = watch.end();
    await sleep(500);
    guest.answer(false);
    await sleep(DOWN_MS);
    guest.answer(true);
    const seen = await ended;
    const without = withoutTrafficMs(seen);
    assert.ok(without !== null && without > DOWN_MS - seen.intervalMs && without < DOWN_MS + LATE_MS, `${without} ms`);
    assert.ok((seen.lost ?? 0) > 0 && seen.answered > 10, JSON.stringify(seen));
    assert.deepEqual(pingsOf(process.pid), []);
  });

  test("a guest that does not answer again has no figure", async () => {
    const watch = await watchByPing(guest.address);
    guest.answer(false);
    const seen = await watch.end();
    guest.answer(true);
    assert.match(seen.unmeasured ?? "", /no answer for \d+\.\d s at the end/);
    assert.equal(withoutTrafficMs(seen), null);
  });

  test("a ping that ends in between is told, and has no figure", async () => {
    const watch = await watchByPing(guest.address);
    const [pid] = pingsOf(process.pid);
    assert.ok(pid);
    process.kill(pid, "SIGTERM");
    const seen = await watch.end();
    assert.match(seen.unmeasured ?? "", /ping ended: SIGTERM, in the middle/);
    assert.equal(withoutTrafficMs(seen), null);
  });

  test("who does not answer, or cannot be sent to, is refused, and no ping stays", async () => {
    await assert.rejects(watchByPing(guest.nobody), refused("VFL-0416", /has not answered in 5 s/));
    await assert.rejects(
      watchByPing(guest.address, { program: "/nowhere/ping" }),
      refused("VFL-0417", /there is no ping/),
    );
    assert.deepEqual(pingsOf(process.pid), []);
  });

  test("BusyBox's ping is refused", { skip: requireTool("busybox") }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "vfleet-ping-"));
    const program = join(folder, "ping");
    symlinkSync(findTool("busybox") ?? "", program);
    await assert.rejects(watchByPing(guest.address, { program }), refused("VFL-0417", /invalid option/));
    rmSync(folder, { recursive: true });
  });

  test("ping ends with a process that is killed", async () => {
    const script = `const { watchByPing } = await import(${JSON.stringify(import.meta.resolve("./ping-watch.ts"))});
      await watchByPing("${guest.address}"); console.log("watching"); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(child.stdout, "data");
    const [ping] = pingsOf(child.pid);
    assert.ok(ping);
    child.kill("SIGKILL");
    await once(child, "close");
    for (let waited = 0; isAlive(ping); waited += 50) {
      assert.ok(waited < 5000, `ping ${ping} goes on`);
      await sleep(50);
    }
  });
});

/** Of a process's children. */
function pingsOf(parent: number | undefined): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const [, comm, , ppid] = /\((.*)\) (\S) (\d+)/.exec(statOf(Number(name)) ?? "") ?? [];
      return comm === "ping" && Number(ppid) === parent ? [Number(name)] : [];
    });
}

function isAlive(pid: number): boolean {
  const stat = statOf(pid);
  return stat !== undefined && !/\) Z /.test(stat);
}

function statOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    // It has ended.
    return undefined;
  }
}
