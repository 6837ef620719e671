import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, openSync, rmSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it, type TestContext } from "node:test";
import { VfleetError } from "../errors/vfleet-error.ts";
import { readInput } from "./read-input.ts";

const folder = mkdtempSync(join(tmpdir(), "vfleet-input-"));
after(() => rmSync(folder, { recursive: true }));
const MODULE = new URL("./read-input.ts", import.meta.url).href;

async function failure(promise: Promise<unknown>): Promise<{ code: string; message: string }> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof VfleetError, String(error));
    return { code: error.code, message: error.message };
  }
  throw new assert.AssertionError({ message: "nothing was thrown" });
}

function fifo(name: string): string {
  const path = join(folder, name);
  execFileSync("mkfifo", [path]);
  return path;
}

/** Runs readInput in another process and gives what it printed: the input's size, or code and message. */
function run(path: string, options: object, shell = 'exec "$0" "$@"', ids: { uid?: number } = {}): Promise<string> {
  const script = `import(${JSON.stringify(MODULE)}).then(({ readInput }) => readInput(${JSON.stringify(path)}, ${JSON.stringify(options)}))
    .then((bytes) => console.log(bytes.length + ' ' + (Object.getPrototypeOf(bytes) === Uint8Array.prototype)), (e) => console.log(e.code, e.message))`;
  const child = spawn("/bin/bash", ["-c", shell, process.execPath, "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
    ...ids,
  });
  let out = "";
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  return new Promise((done) => child.on("close", () => done(out.trim())));
}

describe("readInput of a file", () => {
  it("gives its bytes, NUL and all", async () => {
    const path = join(folder, "plain");
    writeFileSync(path, new Uint8Array([0, 1, 255]));
    assert.deepEqual(await readInput(path), new Uint8Array([0, 1, 255]));
    writeFileSync(path, "");
    assert.deepEqual(await readInput(path), new Uint8Array(0));
  });

  it("reads a file whose size the kernel does not know", async () => {
    assert.match(new TextDecoder().decode(await readInput("/proc/self/status")), /^Name:/);
  });

  it("refuses a larger one before reading it", async () => {
    const path = join(folder, "huge");
    writeFileSync(path, "");
    truncateSync(path, 2 ** 30);
    assert.deepEqual(await failure(readInput(path)), {
      code: "VFL-0005",
      message: `${path} has 1024 MiB; the limit is 256 MiB`,
    });
    assert.equal((await failure(readInput("/proc/self/status", { limitBytes: 10 }))).code, "VFL-0005");
  });

  it("says what is not there or no file", async () => {
    assert.deepEqual(await failure(readInput("/no/such")), { code: "VFL-0002", message: "there is no /no/such" });
    assert.deepEqual(await failure(readInput("/proc/version/x")).then(({ code }) => code), "VFL-0002");
    assert.deepEqual(await failure(readInput("/")), { code: "VFL-0004", message: "/ is a folder, not a file" });
    assert.deepEqual(await failure(readInput("/dev/null")), {
      code: "VFL-0004",
      message: "/dev/null is a character device, not a file",
    });
    const socket = join(folder, "socket");
    const server = createServer().listen(socket);
    assert.equal((await failure(readInput(socket))).message, `${socket} is a socket, not a file`);
    server.close();
  });

  it("says that permission is missing", { skip: process.getuid?.() !== 0 && "needs root" }, async () => {
    const path = join(folder, "secret");
    writeFileSync(path, "x");
    chmodSync(path, 0o600);
    chmodSync(folder, 0o755);
    assert.equal(await run(path, {}, undefined, { uid: 65534 }), `VFL-0003 ${path} cannot be read: permission denied`);
  });
});

/**
 * Starts a shell that writes to a FIFO, and waits until it is about to open it: a shell may take longer to start than
 * readInput waits for a writer. It does not outlive its test.
 */
async function startWriter(t: TestContext, path: string, script: string): Promise<ChildProcess> {
  const writer = spawn("/bin/bash", ["-c", `echo ready; ${script}`, path], { stdio: ["ignore", "pipe", "ignore"] });
  t.after(() => writer.kill("SIGKILL"));
  await once(writer.stdout, "data");
  return writer;
}

describe("readInput of a FIFO", () => {
  it("reads to the end, though the writer is slow", async (t) => {
    const path = fifo("slow");
    const writer = await startWriter(t, path, 'exec > "$0"; sleep 0.1; echo a; sleep 0.2; echo b');
    assert.equal(new TextDecoder().decode(await readInput(path)), "a\nb\n");
    assert.equal(writer.exitCode ?? 0, 0);
  });

  it("reads more than the kernel's buffer holds", async (t) => {
    const path = fifo("large");
    await startWriter(t, path, 'exec > "$0"; exec head -c 3000000 /dev/zero');
    assert.equal((await readInput(path)).length, 3_000_000);
  });

  it("gives nothing where the writer wrote nothing", async (t) => {
    const path = fifo("empty");
    await startWriter(t, path, 'exec > "$0"; sleep 0.3');
    assert.equal((await readInput(path)).length, 0);
  });

  it("ends at once where nobody writes", async () => {
    const path = fifo("lonely");
    const begin = performance.now();
    assert.equal((await failure(readInput(path))).message, `${path} is a FIFO that no process writes to`);
    assert.ok(performance.now() - begin < 2000);
  });

  it("ends where the writer is silent", async () => {
    const path = fifo("silent");
    const fd = openSync(path, "r+");
    writeSync(fd, "x");
    assert.deepEqual(await failure(readInput(path, { fifoIdleMs: 100 })), {
      code: "VFL-0003",
      message: `${path} gave nothing for 0.1 s`,
    });
  });

  it("refuses more than the limit", async (t) => {
    const path = fifo("endless");
    await startWriter(t, path, 'exec > "$0"; exec cat /dev/zero');
    const { code, message } = await failure(readInput(path, { limitBytes: 1_000_000 }));
    assert.deepEqual([code, message], ["VFL-0005", `${path} has more than 1000000 bytes; the limit is 1000000 bytes`]);
  });

  it("reads a process substitution", async () => {
    assert.equal(await run("/dev/fd/9", {}, 'exec "$0" "$@" 9< <(sleep 0.1; echo hello)'), "6 true");
  });
});

describe("readInput of standard input", () => {
  it("reads a pipe and a file", async () => {
    assert.equal(await run("-", {}, '(echo a; sleep 0.1; echo b) | "$0" "$@"'), "4 true");
    assert.equal(
      await run("-", {}, 'exec "$0" "$@" < /proc/version && true').then((out) => /^\d+ true$/.test(out)),
      true,
    );
    assert.equal(await run("-", {}, 'exec "$0" "$@" < /dev/null'), "0 true");
  });

  it("refuses a folder, silence, and more than the limit", async () => {
    assert.equal(await run("-", {}, 'exec "$0" "$@" < /'), "VFL-0004 standard input is a folder, not a file");
    const idle = { stdinIdleMs: 200 };
    assert.equal(await run("-", idle, 'sleep 2 | "$0" "$@"'), "VFL-0003 standard input gave nothing for 0.2 s");
    const huge = join(folder, "huge-stdin");
    writeFileSync(huge, "");
    truncateSync(huge, 2 ** 30);
    assert.match(await run("-", {}, `exec "$0" "$@" < ${huge}`), /^VFL-0005 standard input has 1024 MiB/);
    assert.match(await run("-", { limitBytes: 100 }, 'cat /dev/zero | "$0" "$@"'), /^VFL-0005 standard input has more/);
  });

  it("hints at Ctrl-D on a terminal", { skip: !existsSync("/usr/bin/script") && "no script(1)" }, async () => {
    const out = await run(
      "-",
      {},
      '(sleep 0.5; printf "x\\n\\004") | SHELL=/bin/bash script -qec "$(printf "%q " "$0" "$@")" /dev/null 2>&1',
    );
    assert.match(out, /Ctrl-D[\s\S]*\b2 true/);
  });
});
