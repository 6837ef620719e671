/** The lab itself: what comes back from a machine, and how machines that go wrong end. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { VfleetError } from "../../src/errors/vfleet-error.ts";
import { findImage, isWhole } from "../../src/lab/image.ts";
import type { LabImage } from "../../src/lab/lab-image.ts";
import { MACHINES } from "../../src/lab/machines.ts";
import { runScript, type ScriptOptions } from "../../src/lab/run-script.ts";
import { requireTool } from "../require-tool.ts";

const VFLEET = fileURLToPath(new URL("../../bin/vfleet.js", import.meta.url));

describe("the lab", { skip: requireTool("lab") }, () => {
  let folder: string;
  let image: LabImage;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "vfleet-lab-test-"));
    const found = findImage();
    assert.ok(found);
    image = found;
  });
  after(() => rmSync(folder, { recursive: true }));

  function script(name: string, text: string): string {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  }

  function options(path: string, more: Partial<ScriptOptions> = {}): ScriptOptions {
    const machine = MACHINES.find(({ name }) => name === "igb");
    assert.ok(machine);
    return { image, machine, script: path, timeoutMs: 100_000, signal: new AbortController().signal, ...more };
  }

  async function failure(run: Promise<unknown>): Promise<VfleetError> {
    const error = await run.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof VfleetError, String(error));
    return error;
  }

  test("gives back a script's records, output, files and exit code", async () => {
    const path = script(
      "probe.sh",
      `modprobe igb
      printf '{"kind":"pf","totalVfs":%s}\\n' "$(cat /sys/bus/pci/devices/0000:01:00.0/sriov_totalvfs)" >"$LAB_RECORDS"
      echo "arguments: $*"; uname -r >/out/release
      touch /vfleet/x 2>/dev/null; touch /script/x 2>/dev/null
      exit 7`,
    );
    const out = mkdtempSync(join(folder, "out-"));
    let output = "";
    const onOutput = (text: string) => {
      output += text;
    };
    const result = await runScript(options(path, { args: ["a b", "c'd"], outFolder: out, onOutput }));
    assert.equal(result.exitCode, 7);
    assert.deepEqual(result.records, [{ kind: "pf", totalVfs: 7 }]);
    assert.equal(output, "arguments: a b c'd\n");
    assert.equal(readFileSync(join(out, "release"), "utf8").trim(), image.kernelRelease);
    assert.ok(result.startedSeconds > 0 && result.endedSeconds > result.startedSeconds);
    // Both shares are read-only.
    assert.deepEqual(readdirSync(folder).sort(), ["probe.sh", out.slice(folder.length + 1)].sort());
  });

  test("tells a panic, with what the kernel said last", async () => {
    const error = await failure(runScript(options(script("panic.sh", "echo c >/proc/sysrq-trigger\n"))));
    assert.equal(error.code, "VFL-0032");
    assert.match(error.message, /went off by itself/);
    assert.match(String(error.details.console), /sysrq_handle_crash/);
  });

  test("ends a machine that does not end", async () => {
    const path = script("hang.sh", 'echo \'{"kind":"here"}\' >"$LAB_RECORDS"; sleep 1000\n');
    const told = new AbortController();
    const onRecord = () => told.abort();
    const error = await failure(runScript(options(path, { signal: told.signal, onRecord })));
    assert.match(error.message, /told to stop/);
    const late = await failure(runScript(options(path, { timeoutMs: 3000 })));
    assert.match(late.message, /had not ended after 3 s, before its command began/);
  });

  test("refuses a record that is none", async () => {
    const error = await failure(runScript(options(script("broken.sh", 'echo "no JSON" >"$LAB_RECORDS"; sleep 60\n'))));
    assert.match(error.message, /a record that is not one: no JSON/);
  });

  test("leaves no QEMU behind when the command is killed", async () => {
    const path = script("wait.sh", "echo started; sleep 1000\n");
    const child = spawn(process.execPath, [VFLEET, "lab", "run", path], { stdio: ["ignore", "pipe", "ignore"] });
    await new Promise((resolve) => child.stdout.once("data", resolve));
    const machines = () => qemuProcesses().filter((command) => command.includes(folder));
    assert.equal(machines().length, 1);
    child.kill("SIGKILL");
    await new Promise((resolve) => child.once("exit", resolve));
    const until = performance.now() + 5000;
    while (machines().length > 0 && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual(machines(), []);
  });

  test("knows an image that was damaged", async () => {
    assert.equal(await isWhole(image), true);
    const copy = { ...image, folder: mkdtempSync(join(folder, "image-")) };
    writeFileSync(join(copy.folder, "manifest.json"), readFileSync(join(image.folder, "manifest.json")));
    await assert.rejects(isWhole(copy), /ENOENT/);
  });
});

/** The command lines of all processes that share `folder`s with a machine. */
function qemuProcesses(): readonly string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
      } catch {
        // It has ended meanwhile.
        return "";
      }
    })
    .filter((command) => command.includes("qemu-system") && command.includes("mount_tag=vfleet"));
}
