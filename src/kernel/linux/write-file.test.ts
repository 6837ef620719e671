import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { requireTool } from "../../../test/require-tool.ts";
import { isUnread } from "../port.ts";
import { isPending, type Outcome, type Within } from "../port-outcome.ts";
import { openLinux } from "./linux-kernel.ts";

const folder = mkdtempSync(join(tmpdir(), "vfleet-write-"));
after(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function fifo(name: string): string {
  const path = join(folder, name);
  execFileSync("mkfifo", [path]);
  return path;
}

/** A `dd` that does `line`. */
function dd(name: string, line: string): { readonly programs: { readonly dd: string } } {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/bash\n${line}\n`, { mode: 0o755 });
  return { programs: { dd: path } };
}

/** `done`, `pending`, or the errno. */
function word(answer: Within<Outcome>): string {
  return answer.kind === "failed" ? String(answer.errno) : answer.kind;
}

describe("write", () => {
  const kernel = openLinux();

  it("writes to a file that is there, and neither makes nor cuts one", async () => {
    const path = file("there", "0123456789");
    const answer = await kernel.write(path, "ab\n");
    assert.ok(answer.kind === "done" && answer.tookMs > 0);
    assert.equal(readFileSync(path, "utf8"), "ab\n3456789");
    assert.equal(word(await kernel.write(path, "")), "done");
    assert.equal(readFileSync(path, "utf8"), "ab\n3456789");
    assert.equal(word(await kernel.write(join(folder, "none"), "x")), "ENOENT");
    assert.ok(!existsSync(join(folder, "none")));
    assert.equal(word(await kernel.write(`${path}\0`, "x")), "ENOENT");
    assert.equal(word(await kernel.write(folder, "x")), "EISDIR");
    assert.equal(word(await kernel.write(path, "x".repeat(65_537))), "E2BIG");
  });

  it("writes below another root", async () => {
    file("inside", "1");
    assert.equal(word(await openLinux(folder).write("/inside", "2")), "done");
    assert.equal(readFileSync(join(folder, "inside"), "utf8"), "2");
  });

  it("writes in one piece, which /dev/kmsg makes one record", { skip: requireTool("root") }, async (t) => {
    const mark = await kernel.logMark();
    const text = `vfleet test ${process.pid} ${"x".repeat(800)}`;
    // Without the end of the line the record waits for more.
    const answer = await kernel.write("/dev/kmsg", `${text}\n`);
    const part = isUnread(mark) ? mark : await kernel.logSince(mark);
    if (isUnread(mark) || isUnread(part)) return t.skip("no kernel log here");
    assert.equal(word(answer), "done");
    assert.equal(part.lost, 0);
    assert.equal(part.lines.filter((line) => line.endsWith(`] ${text}`)).length, 1);
  });

  it("gives the kernel's errno, and the value that was tried", { skip: requireTool("root") }, async (t) => {
    // A parameter of the kernel itself that everyone has, and whose value stays what it is.
    const path = "/sys/module/printk/parameters/time";
    const before = await kernel.read(path);
    if (isUnread(before)) return t.skip(before.reason);
    assert.equal(word(await kernel.write(path, new TextDecoder().decode(before))), "done");
    assert.deepEqual(await kernel.write(path, "perhaps"), {
      kind: "failed",
      target: path,
      value: "perhaps",
      errno: "EINVAL",
      reason: "the kernel answered EINVAL",
    });
    assert.equal(word(await kernel.write("/sys/class/net/lo/address", "1")), "EACCES");
    assert.equal(word(await kernel.write("/sys/class/net/lo/address", "")), "EACCES");
    assert.equal(word(await kernel.write("/proc/version", "1")), "EIO");
  });

  it("works with BusyBox", { skip: requireTool("busybox") }, async () => {
    const busybox = openLinux("/", dd("busybox-dd", 'exec busybox dd "$@"'));
    const path = file("busybox", "0123");
    assert.equal(word(await busybox.write(path, "ab")), "done");
    assert.equal(word(await busybox.write(path, "")), "done");
    assert.equal(readFileSync(path, "utf8"), "ab23");
    assert.equal(word(await busybox.write("/proc/version", "1")), process.getuid?.() === 0 ? "EIO" : "EACCES");
  });

  it("does not guess an errno", async () => {
    const path = file("unsure", "");
    for (const [name, line, reason] of [
      ["killed", "kill -9 $$", /killed; whether the value was taken is not known/],
      ["odd", "echo 'dd: strange things' >&2; exit 1", /strange things/],
    ] as const) {
      const answer = await openLinux("/", dd(name, line)).write(path, "1");
      assert.ok(answer.kind === "failed" && answer.errno === null);
      assert.match(answer.reason, reason);
    }
    const none = await openLinux("/", { programs: { dd: join(folder, "no-dd") } }).write(path, "1");
    assert.ok(none.kind === "failed" && none.errno === null && none.reason === "dd is not installed");
  });
});

describe("write that waits in the kernel", () => {
  const kernel = openLinux();

  it("is pending when the deadline has passed, and has its effect in the end", async () => {
    const path = fifo("late");
    const begin = performance.now();
    const answer = await kernel.write(path, "7", { deadlineMs: 100 });
    assert.ok(isPending(answer) && answer.target === path);
    assert.ok(performance.now() - begin < 2000);
    const finished = answer.finished();
    const handle = await open(path, "r");
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(10));
    assert.equal(buffer.toString("utf8", 0, bytesRead), "7");
    await handle.close();
    const outcome = await finished;
    assert.ok(outcome.kind === "done" && outcome.tookMs >= 100);
    assert.equal(await answer.finished(), outcome);
  });

  it("gives the errno that comes late", async () => {
    const late = openLinux(
      "/",
      dd("busy", "sleep 0.3; echo \"dd: error writing 'x': Device or resource busy\" >&2; exit 1"),
    );
    const answer = await late.write(file("busy-file", ""), "0", { deadlineMs: 50 });
    assert.ok(isPending(answer));
    assert.equal(word(await answer.finished()), "EBUSY");
  });

  it("is no longer waited for when the signal says so", async () => {
    const slow = openLinux("/", dd("slow", "sleep 0.5"));
    const path = file("slow-file", "");
    const begin = performance.now();
    const answer = await slow.write(path, "0", { signal: AbortSignal.timeout(50) });
    assert.ok(isPending(answer) && performance.now() - begin < 450);
    assert.equal(word(await answer.finished()), "done");
    await assert.rejects(slow.write(path, "0", { signal: AbortSignal.abort(new Error("stop")) }), /stop/);
  });

  it("keeps the process only while somebody waits for it", () => {
    const { programs } = dd("seconds", "sleep 2");
    function run(rest: string): { readonly stdout: string; readonly tookMs: number } {
      const script = `import(${JSON.stringify(new URL("./linux-kernel.ts", import.meta.url).href)}).then(({ openLinux }) =>
        openLinux("/", { programs: ${JSON.stringify(programs)} }).write(${JSON.stringify(file("held", ""))}, "0", { deadlineMs: 50 }))
        ${rest}`;
      const begin = performance.now();
      const { stdout } = spawnSync(process.execPath, ["-e", script], { encoding: "utf8" });
      return { stdout, tookMs: performance.now() - begin };
    }
    const left = run(".then((answer) => console.log(answer.kind))");
    assert.equal(left.stdout, "pending\n");
    assert.ok(left.tookMs < 1900, `${left.tookMs}`);
    assert.equal(run(".then((answer) => answer.finished()).then((end) => console.log(end.kind))").stdout, "done\n");
  });
});
