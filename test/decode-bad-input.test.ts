/** `vfleet decode` as a process, given what is no dump: it ends, and says in two lines what is wrong and what to do. */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { chmodSync, createWriteStream, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { capturedDumps, type Dump, ROOT } from "./dumps.ts";
import { requireTool } from "./require-tool.ts";

const MAIN = join(ROOT, "src/cli/main.ts");
/** `nobody`, who may read nothing that is not everyone's. */
const NOBODY = 65534;
/** A command that waits for input that never comes would be ended here. */
const LIMIT_MS = 20_000;
/** What has to be refused at once, on a machine that does other things besides. */
const AT_ONCE_MS = 3000;

const folder = mkdtempSync(join(tmpdir(), "vfleet-bad-input-"));
chmodSync(folder, 0o755);
after(() => rmSync(folder, { recursive: true }));
const dump = readFileSync((capturedDumps[0] as Dump).path);

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly tookMs: number;
}

async function decode(path: string, options: { readonly json?: boolean; readonly uid?: number } = {}): Promise<Ended> {
  const started = performance.now();
  const args = [MAIN, "decode", path, ...(options.json ? ["--json"] : [])];
  const child = spawn(process.execPath, args, {
    stdio: ["ignore", "pipe", "pipe"],
    timeout: LIMIT_MS,
    env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: undefined },
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
  });
  const [stdout, stderr, status] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((resolve) => child.on("exit", resolve)),
  ]);
  return { status, stdout, stderr, tookMs: performance.now() - started };
}

async function text(stream: NodeJS.ReadableStream): Promise<string> {
  let all = "";
  for await (const chunk of stream) all += String(chunk);
  return all;
}

/** Asserts that `path` is refused, in words and as JSON: one line of what is wrong, one of what to do, nothing else. */
async function refuses(path: string, code: string, message: RegExp, uid?: number): Promise<Ended> {
  const options = uid === undefined ? {} : { uid };
  const [ended, json] = await Promise.all([decode(path, options), decode(path, { ...options, json: true })]);
  assert.equal(ended.status, 2, ended.stderr);
  assert.equal(ended.stdout, "");
  const [what = "", remedy = "", rest, ...more] = ended.stderr.split("\n");
  assert.match(what, new RegExp(`^vfleet: ${code} \\S`));
  assert.match(what, message);
  assert.match(remedy, /^ {2}\S/);
  assert.deepEqual([rest, ...more], [""], ended.stderr);
  assert.equal(json.status, 2, json.stderr);
  assert.equal(json.stdout, "");
  const { error } = JSON.parse(json.stderr) as { error: Record<string, unknown> };
  assert.equal(error.code, code);
  assert.match(String(error.message), message);
  assert.match(String(error.remedy), /\S/);
  return ended;
}

/** Puts a file there for a test. */
function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function fifo(name: string): string {
  const path = join(folder, name);
  execFileSync("mkfifo", [path]);
  return path;
}

test("decode refuses an empty file", async () => {
  await refuses(file("empty.txt", ""), "VFL-0006", /empty\.txt is empty/);
});

test("decode refuses binary noise", async () => {
  const noise = Uint8Array.from({ length: 100_000 }, (_, index) => (index * 2_654_435_761) >>> 24);
  await refuses(file("noise.bin", noise), "VFL-0006", /noise\.bin is binary/);
});

test("decode refuses words that are no dump", async () => {
  await refuses(file("words.txt", "no such thing\nas a dump\n"), "VFL-0006", /words\.txt is not output of lspci/);
});

test("decode refuses lspci's output without its hexadecimal part", async () => {
  const path = file("plain.txt", "00:00.0 Host bridge: Intel Corporation\n00:01.0 VGA compatible controller: x\n");
  await refuses(path, "VFL-0006", /names 2 functions without a hex dump/);
});

test("decode refuses a folder", async () => {
  await refuses(folder, "VFL-0004", /is a folder, not a file/);
});

test("decode refuses a character device", async () => {
  await refuses("/dev/zero", "VFL-0004", /\/dev\/zero is a character device/);
});

test("decode refuses a file that is not there", async () => {
  await refuses(join(folder, "missing.txt"), "VFL-0002", /there is no .*missing\.txt/);
});

test("decode refuses a file that the user may not read", { skip: requireTool("root") }, async () => {
  const path = file("secret.txt", dump);
  chmodSync(path, 0o600);
  await refuses(path, "VFL-0003", /secret\.txt cannot be read: permission denied/, NOBODY);
});

test("decode refuses a file of 1 GiB at once, without reading it", async () => {
  const path = file("huge.txt", "");
  truncateSync(path, 2 ** 30);
  const { tookMs } = await refuses(path, "VFL-0005", /huge\.txt has 1024 MiB/);
  assert.ok(tookMs < AT_ONCE_MS, `took ${tookMs} ms`);
});

test("decode refuses a FIFO that nobody writes to, soon", { skip: requireTool("mkfifo") }, async () => {
  const { tookMs } = await refuses(fifo("silent"), "VFL-0003", /silent is a FIFO that no process writes to/);
  assert.ok(tookMs < AT_ONCE_MS, `took ${tookMs} ms`);
});

test("decode reads a FIFO with a writer", { skip: requireTool("mkfifo") }, async () => {
  const path = fifo("dumped");
  const writer = createWriteStream(path);
  writer.end(dump);
  const { status, stdout, stderr } = await decode(path);
  assert.deepEqual([status, stderr], [0, ""]);
  assert.match(stdout, /^0000:00:00\.0 /);
});

test("decode reads a process substitution", { skip: requireTool("bash") }, async () => {
  const script = `exec "$0" "$1" decode <(cat "$2")`;
  const { path } = capturedDumps[0] as Dump;
  const printed = execFileSync("bash", ["-c", script, process.execPath, MAIN, path], {
    encoding: "utf8",
    timeout: LIMIT_MS,
  });
  assert.equal(printed, (await decode(path)).stdout);
});

test("decode shows what there is of a dump that was cut, and what is missing", async () => {
  // Within the last function, after its header: the capabilities are lost.
  const cut = file("cut.txt", dump.subarray(0, dump.lastIndexOf("\n40: ") + 20));
  const { status, stdout, stderr } = await decode(cut, { json: true });
  assert.deepEqual([status, stderr], [0, ""]);
  const { functions } = JSON.parse(stdout) as { functions: { problems: { kind: string }[] }[] };
  assert.ok(functions.length > 0);
  assert.ok(functions.at(-1)?.problems.some(({ kind }) => kind === "unread"));
});

test("decode refuses a dump that is damaged all over", async () => {
  const damaged = dump.toString("latin1").replace(/^([0-9a-f]{2,3}): ../gm, "$1: zz");
  await refuses(file("damaged.txt", damaged), "VFL-0007", /damaged\.txt:\d+:\d+ expected two hexadecimal digits/);
});
