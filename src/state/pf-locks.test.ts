import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { VfleetError } from "../errors/vfleet-error.ts";
import { bdf } from "../pci/bdf.ts";
import { openLocks } from "./pf-locks.ts";

const temporary = mkdtempSync(join(tmpdir(), "vfleet-locks-"));
after(() => rmSync(temporary, { recursive: true }));
const [A, B, C] = ["0000:01:00.0", "0000:01:00.1", "0000:02:00.0"].map(bdf) as [
  ReturnType<typeof bdf>,
  ReturnType<typeof bdf>,
  ReturnType<typeof bdf>,
];

test("one has the lock of a PF, and others are told who; none of several is kept where one is taken", async () => {
  const folder = join(temporary, "one");
  const locks = openLocks(folder);
  const held = await locks.acquire([B, A, A]);
  await assert.rejects(openLocks(folder).acquire([C, B]), (error) => {
    assert.ok(error instanceof VfleetError);
    assert.equal(error.code, "VFL-0306");
    assert.equal(error.details.pid, process.pid);
    assert.match(error.message, /^0000:01:00\.1 is being changed by process \d+ \(.*pf-locks.*\), since 20/);
    return true;
  });
  (await locks.acquire([C])).release();
  held.release();
  (await locks.acquire([A, B, C])).release();
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.endsWith(".owner")),
    [],
  );
});

test("the lock of a process that is killed is free", async () => {
  const folder = join(temporary, "killed");
  const module = new URL("./pf-locks.ts", import.meta.url).href;
  const script = `import(${JSON.stringify(module)}).then(async ({ openLocks }) => {
    await openLocks(${JSON.stringify(folder)}).acquire(["${A}"]);
    process.stdout.write("held");
    setInterval(() => {}, 1000);
  })`;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  await assert.rejects(openLocks(folder).acquire([A]), (error) => {
    return error instanceof VfleetError && error.details.pid === child.pid;
  });
  child.kill("SIGKILL");
  await once(child, "close");
  (await openLocks(folder).acquire([A])).release();
});

test("a folder that cannot be written is told as such", async () => {
  await assert.rejects(openLocks("/proc/vfleet").acquire([A]), { code: "VFL-0307" });
});
