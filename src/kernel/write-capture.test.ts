import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { VfleetError } from "../errors/vfleet-error.ts";
import type { CaptureEntry } from "./port-capture.ts";
import { writeCapture } from "./write-capture.ts";

const folder = mkdtempSync(join(tmpdir(), "vfleet-write-"));
after(() => rmSync(folder, { recursive: true }));

const ENTRIES: readonly CaptureEntry[] = [
  { path: "/a/empty", kind: "folder" },
  { path: "/a/file", kind: "file", content: new TextEncoder().encode("hello\n") },
  { path: "/a/link", kind: "link", target: "../b" },
  { path: `/${"long/".repeat(60)}file`, kind: "file", content: new Uint8Array(10_000) },
];

async function* entries(list: readonly CaptureEntry[] = ENTRIES, error?: Error): AsyncGenerator<CaptureEntry> {
  yield* list;
  if (error) throw error;
}

async function failure(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return error instanceof VfleetError ? `${error.code} ${error.message}` : String(error);
  }
  throw new assert.AssertionError({ message: "nothing was thrown" });
}

describe("writeCapture", () => {
  it("writes what tar reads, the same bytes each time", async () => {
    const out = join(folder, "a.tar.gz");
    assert.equal(await writeCapture(out, entries()), 4);
    const listing = execFileSync("tar", ["tvzf", out], {
      encoding: "utf8",
      env: { TZ: "UTC", PATH: process.env.PATH },
    });
    assert.match(listing, /^drwxr-xr-x 0\/0 +0 1970-01-01 00:00 a\/empty\/?$/m);
    assert.match(listing, /^-rw-r--r-- 0\/0 +6 1970-01-01 00:00 a\/file$/m);
    assert.match(listing, /^lrwxrwxrwx 0\/0 +0 1970-01-01 00:00 a\/link -> \.\.\/b$/m);
    assert.match(listing, /10000 1970-01-01 00:00 (long\/){60}file$/m);
    const again = join(folder, "again.tar.gz");
    await writeCapture(again, entries());
    assert.deepEqual(readFileSync(out), readFileSync(again));
  });

  it("replaces a file only when told to, and nothing else ever", async () => {
    const out = join(folder, "there");
    writeFileSync(out, "precious");
    assert.equal(await failure(writeCapture(out, entries())), `VFL-0010 ${out} is there already`);
    assert.equal(readFileSync(out, "utf8"), "precious");
    await writeCapture(out, entries(), { force: true });
    assert.equal(readFileSync(out)[0], 0x1f);
    const link = join(folder, "link");
    symlinkSync(out, link);
    for (const path of [link, folder, "/dev/null"]) {
      assert.match(await failure(writeCapture(path, entries(), { force: true })), /^VFL-0010 .* not a regular file$/);
    }
  });

  it("does not follow a link that lies in wait for its partial file", async () => {
    const victim = join(folder, "victim");
    writeFileSync(victim, "precious");
    const out = join(folder, "trap.tar.gz");
    symlinkSync(victim, `${out}.partial`);
    await writeCapture(out, entries());
    assert.equal(readFileSync(victim, "utf8"), "precious");
  });

  it("leaves nothing behind where it fails", async () => {
    const out = join(folder, "failed.tar.gz");
    assert.equal(await failure(writeCapture(out, entries(ENTRIES, new Error("gone")))), "Error: gone");
    assert.equal(
      await failure(writeCapture("/no/such/folder/x", entries())),
      "VFL-0010 /no/such/folder/x cannot be written: ENOENT",
    );
    // The file cannot be opened while a slow host's first entry is still awaited.
    const late = async function* () {
      await delay(100);
      yield* entries();
    };
    assert.equal(
      await failure(writeCapture("/no/such/folder/x", late())),
      "VFL-0010 /no/such/folder/x cannot be written: ENOENT",
    );
    assert.ok(!existsSync(out));
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.endsWith(".partial")),
      [],
    );
  });

  it("writes to standard output", () => {
    const script = `import(${JSON.stringify(new URL("./write-capture.ts", import.meta.url).href)}).then(({ writeCapture }) =>
      writeCapture(process.argv[1], (async function* () { yield { path: "/x", kind: "file", content: new Uint8Array([104, 105]) }; })()))
      .catch((error) => { console.error(error.code + " " + error.message); process.exitCode = 1; })`;
    const { stdout } = spawnSync(process.execPath, ["-e", script, "-"]);
    assert.equal(execFileSync("tar", ["xzOf", "-", "x"], { input: stdout, encoding: "utf8" }), "hi");
    const full = spawnSync("/bin/sh", ["-c", '"$0" "$@" > /dev/full', process.execPath, "-e", script, "-"], {
      encoding: "utf8",
    });
    assert.equal(full.stderr, "VFL-0010 standard output cannot be written: ENOSPC\n");
  });

  it("says that permission is missing", { skip: process.getuid?.() !== 0 && "needs root" }, () => {
    const locked = mkdtempSync(join(folder, "locked-"));
    chmodSync(folder, 0o755);
    const script = `import(${JSON.stringify(new URL("./write-capture.ts", import.meta.url).href)}).then(({ writeCapture }) =>
      writeCapture(${JSON.stringify(join(locked, "x"))}, (async function* () {})())).catch((error) => console.log(error.code + " " + error.message))`;
    const { stdout } = spawnSync(process.execPath, ["-e", script], { uid: 65534, encoding: "utf8" });
    assert.equal(stdout, `VFL-0010 ${join(locked, "x")} cannot be written: EACCES\n`);
  });
});
