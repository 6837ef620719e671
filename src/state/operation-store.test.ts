import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { requireTool } from "../../test/require-tool.ts";
import { VfleetError } from "../errors/vfleet-error.ts";
import type { OperationEvent, OperationHeader } from "../host/apply/operation.ts";
import { bdf } from "../pci/bdf.ts";
import { openOperationStore } from "./operation-store.ts";

const temporary = mkdtempSync(join(tmpdir(), "vfleet-store-"));
after(() => rmSync(temporary, { recursive: true }));
let folders = 0;

function freshFolder(): string {
  return join(temporary, `state-${++folders}`, "operations");
}

const PF = bdf("0000:01:00.0");
const AT = "2026-01-02T03:04:05.000Z";
const HEADER: Omit<OperationHeader, "number" | "format"> = {
  kind: "apply",
  title: "policy tenants",
  startedAt: AT,
  pid: 42,
  bootId: "b",
  pfs: [{ bdf: PF, key: "slot 0000:00/00.0" }],
  desired: [],
  before: [],
  steps: [
    { kind: "setNumVfs", pf: PF, from: 0, to: 2 },
    { kind: "awaitVfs", pf: PF, count: 2 },
  ],
};
const BEGUN: OperationEvent = { at: AT, event: "stepBegun", step: 0 };
const DONE: OperationEvent = { at: AT, event: "stepDone", step: 0, tookMs: 3, evidence: "ü", log: ["a\nb"] };
const SECOND: OperationEvent = { at: AT, event: "stepBegun", step: 1 };
const SETTLED: OperationEvent = { at: AT, event: "ended", state: "settled" };

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof VfleetError, String(error));
  return error.code;
}

describe("the operation store", () => {
  test("gives back what was written, for its owner alone, and without the room it had taken", async () => {
    const folder = freshFolder();
    const store = openOperationStore(folder);
    const writer = await store.create(HEADER);
    await Promise.all([BEGUN, DONE, SECOND].map((event) => writer.append(event)));
    const going = await store.read(1);
    assert.equal(going?.state, "applying");
    await writer.append(SETTLED);
    await writer.close();
    const path = join(folder, "000001.jsonl");
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(statSync(folder).mode & 0o777, 0o700);
    assert.ok(!readFileSync(path, "utf8").includes("\n\n"));
    const operation = await openOperationStore(folder).read(1);
    assert.deepEqual(operation, {
      format: 1,
      number: 1,
      ...HEADER,
      state: "settled",
      events: [BEGUN, DONE, SECOND, SETTLED],
      failure: null,
      endedAt: AT,
    });
    assert.equal(await store.read(2), undefined);
    assert.deepEqual(readdirSync(folder), ["000001.jsonl"]);
  });

  test("numbers are taken once, by however many at a time", async () => {
    const folder = freshFolder();
    const stores = Array.from({ length: 8 }, () => openOperationStore(folder));
    const writers = await Promise.all(stores.map((store) => store.create(HEADER)));
    assert.deepEqual(writers.map(({ header }) => header.number).sort(), [1, 2, 3, 4, 5, 6, 7, 8]);
    for (const writer of writers) await writer.close();
    assert.equal((await openOperationStore(folder).list()).length, 8);
  });

  test("wherever a power loss cuts the last record off, those before it count, and it goes on behind them", async () => {
    const folder = freshFolder();
    const store = openOperationStore(folder);
    const writer = await store.create(HEADER);
    for (const event of [BEGUN, DONE]) await writer.append(event);
    await writer.close();
    const path = join(folder, "000001.jsonl");
    const whole = readFileSync(path);
    const end = whole.indexOf("\n\n") + 1;
    const start = whole.lastIndexOf("\n", end - 2) + 1;
    for (let cut = start; cut < end; cut++) {
      // What lies behind the cut is the room that was taken, or was never on the disk.
      const padded = Buffer.concat([whole.subarray(0, cut), Buffer.alloc(64, "\n")]);
      for (const bytes of [padded, whole.subarray(0, cut)]) {
        writeFileSync(path, bytes);
        const cutOff = await store.read(1);
        const lost = cut < end - 1 || bytes !== padded;
        assert.deepEqual(cutOff?.events, lost ? [BEGUN] : [BEGUN, DONE], `cut at ${cut}`);
        const resumed = await store.resume(1);
        const next: OperationEvent = { at: AT, event: "resumed", pid: 1, found: "x" };
        await resumed.append(next);
        await resumed.close();
        assert.deepEqual((await store.read(1))?.events.at(-1), next);
      }
    }
  });

  for (const [what, spoil] of [
    ["in the middle", (text: string) => text.replace('"stepBegun"', '"stepBugun"')],
    ["in the header", (text: string) => text.replace('"format":1', '"format":9')],
    ["that is empty", () => ""],
    [
      "in an order that cannot be",
      (text: string) => text.replace('"event":"stepBegun","step":0', '"event":"ended","state":"settled"'),
    ],
    ["of a step that there is not", (text: string) => text.replaceAll('"step":0', '"step":7')],
  ] as const) {
    test(`damage ${what} is told, and not taken for a power loss`, async () => {
      const folder = freshFolder();
      const store = openOperationStore(folder);
      const writer = await store.create(HEADER);
      for (const event of [BEGUN, DONE]) await writer.append(event);
      await writer.close();
      const path = join(folder, "000001.jsonl");
      writeFileSync(path, spoil(readFileSync(path, "utf8")));
      assert.equal(await codeOf(store.read(1)), "VFL-0309");
      assert.equal(await codeOf(store.list()), "VFL-0309");
      const whole = await store.create(HEADER);
      await whole.close();
      const told: string[] = [];
      const others = await store.list(({ code }) => void told.push(code));
      assert.deepEqual([others.map(({ number }) => number), told], [[2], ["VFL-0309"]]);
    });
  }

  test("a file that vfleet cannot have written is not read into memory", async () => {
    const folder = freshFolder();
    await (await openOperationStore(folder).create(HEADER)).close();
    appendFileSync(join(folder, "000001.jsonl"), Buffer.alloc(65 * 1024 * 1024));
    assert.equal(await codeOf(openOperationStore(folder).read(1)), "VFL-0309");
  });

  test("of a thousand and more, the oldest go; not those that are unfinished or damaged", async () => {
    const folder = freshFolder();
    const store = openOperationStore(folder);
    const unfinished = await store.create(HEADER);
    await unfinished.close();
    const settled = await store.create(HEADER);
    await settled.append({ at: AT, event: "ended", state: "overtaken" });
    await settled.close();
    const damaged = await store.create(HEADER);
    await damaged.close();
    writeFileSync(join(folder, "000003.jsonl"), "nonsense\n");
    const second = readFileSync(join(folder, "000002.jsonl"), "utf8");
    assert.equal((await store.read(2))?.state, "overtaken");
    for (let number = 4; number <= 1003; number++) {
      const text = second.replaceAll('"number":2', `"number":${number}`);
      writeFileSync(join(folder, `${String(number).padStart(6, "0")}.jsonl`), text);
    }
    await (await store.create(HEADER)).close();
    const left = readdirSync(folder).sort();
    assert.deepEqual(left.slice(0, 3), ["000001.jsonl", "000003.jsonl", "000005.jsonl"]);
    assert.equal(left.at(-1), "001004.jsonl");
  });

  test("where nothing can be written, no operation begins", async () => {
    // Not even root makes folders there.
    assert.equal(await codeOf(openOperationStore("/proc/vfleet").create(HEADER)), "VFL-0307");
    writeFileSync(join(temporary, "file"), "");
    assert.equal(await codeOf(openOperationStore(join(temporary, "file")).create(HEADER)), "VFL-0307");
    assert.deepEqual(await openOperationStore("/proc/vfleet").list(), []);
  });

  test("a full disk is met before the first step", { skip: requireTool("prlimit") }, async () => {
    const folder = freshFolder();
    const module = new URL("./operation-store.ts", import.meta.url).href;
    const script = `import(${JSON.stringify(module)}).then(({ openOperationStore }) =>
      openOperationStore(${JSON.stringify(folder)}).create(${JSON.stringify(HEADER)})
    ).then(() => process.stdout.write("created"), (error) => process.stdout.write(error.code + " " + error.details.errno))`;
    const child = spawn("prlimit", ["--fsize=4096", process.execPath, "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    child.stdout.on("data", (data) => {
      output += String(data);
    });
    await once(child, "close");
    assert.equal(output, "VFL-0307 EFBIG");
    assert.deepEqual(readdirSync(folder), []);
  });
});
