/** The program on a terminal of its own: what it asks, shows while it works, and does on Ctrl-C. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { ROOT } from "../dumps.ts";
import { findTool, requireTool } from "../require-tool.ts";

const VFLEET = join(ROOT, "bin/vfleet.js");
const CTRL_C = "\u0003";
const CTRL_D = "\u0004";
const ERASE_LINE = "\r\u001b[2K";
const temporary = mkdtempSync(join(tmpdir(), "vfleet-terminal-"));
const MODEL = join(temporary, "machine.yaml");
copyFileSync(join(ROOT, "examples/models/e810.yaml"), MODEL);
// So many VFs that a key comes in time.
const POLICY = join(temporary, "policy.yaml");
writeFileSync(
  POLICY,
  "apiVersion: vfleet.dev/v1alpha1\nkind: VfPolicy\nmetadata: {name: all}\n" +
    "spec: {select: {driver: ice}, numVfs: max, vfs: [{range: 0-, driver: vfio-pci, network: {vlan: 7}}]}\n",
);
// A person's: Node takes a terminal of CI for one without colours.
const { NO_COLOR: _, CI: __, ...inherited } = process.env;
const env = { ...inherited, XDG_STATE_HOME: join(temporary, "state"), TERM: "xterm-256color" };

after(() => {
  spawnSync(process.execPath, [VFLEET, "model", "off", MODEL], { env });
  rmSync(temporary, { recursive: true });
});

/** On the machine, past vfleet. */
function numVfs(): string {
  const input = "cat /sys/bus/pci/devices/0000:01:00.0/sriov_numvfs\n";
  const { stdout } = spawnSync(process.execPath, [VFLEET, "model", "shell", MODEL], { env, input, encoding: "utf8" });
  return stdout.trim();
}

/**
 * Runs vfleet on a terminal.
 * @param typed what is typed, each once the text before it has come
 */
async function onTerminal(args: readonly string[], ...typed: readonly (readonly [after: string, keys: string])[]) {
  const words = [process.execPath, VFLEET, ...args, "--source", `model:${MODEL}`];
  const program = findTool("script") ?? "script";
  const child = spawn(program, ["-qefc", `exec ${words.map((word) => `'${word}'`).join(" ")}`, "/dev/null"], { env });
  let text = "";
  let next = 0;
  child.stdout.setEncoding("utf8").on("data", (more: string) => {
    text += more;
    const [wanted, keys] = typed[next] ?? [];
    if (wanted === undefined || keys === undefined || !text.includes(wanted)) return;
    next++;
    child.stdin.write(keys);
  });
  const [status] = (await once(child, "exit")) as [number | null];
  return { status, text };
}

describe("on a terminal", { skip: requireTool("script") }, () => {
  const apply = ["apply", "-f", POLICY];

  test("it says what it waits for, asks, and takes no for an answer", async () => {
    // The machine is powered on for it, which takes a while.
    const { status, text } = await onTerminal(apply, ["Do it? [y/N]", "n\r"]);
    assert.equal(status, 2, text);
    assert.match(text, /reading model:\S+ \.\.\./);
    assert.ok(text.includes(ERASE_LINE));
    assert.match(text, /VFL-0231.*not confirmed; nothing was changed/);
    assert.equal(numVfs(), "0");
  });

  test("Ctrl-C and Ctrl-D at the question are a no, too", async () => {
    for (const key of [CTRL_C, CTRL_D]) {
      const { status, text } = await onTerminal(apply, ["Do it? [y/N]", key]);
      assert.equal(status, 2, text);
      assert.match(text, /VFL-0231.*not confirmed/);
      assert.ok(!text.includes("VFL-0015"));
    }
    assert.equal(numVfs(), "0");
  });

  test("Ctrl-C while it works: it stops, takes back what was done, and says so", async () => {
    const { status, text } = await onTerminal(apply, ["Do it? [y/N]", "y\r"], ["VFs created", CTRL_C]);
    assert.equal(status, 1, text);
    assert.match(text, /stopping at the next step, and undoing/);
    assert.match(text, /cause {7}the operation was interrupted/);
    assert.match(text, /undone: all is as it was before/);
    assert.equal(numVfs(), "0");
  });

  test("an error in a file has no colours, whatever standard output is", () => {
    const log = join(temporary, "log");
    const words = [process.execPath, VFLEET, "show", "none", "--source", `model:${MODEL}`];
    const command = `${words.map((word) => `'${word}'`).join(" ")} 2>'${log}'`;
    const { status } = spawnSync(findTool("script") ?? "script", ["-qefc", command, "/dev/null"], { env });
    assert.equal(status, 2);
    assert.match(readFileSync(log, "utf8"), /^vfleet: VFL-\d{4} /);
  });

  test("yes: in colour, and of what passed by nothing stays", async () => {
    const { status, text } = await onTerminal(apply, ["Do it? [y/N]", "y\r"]);
    assert.equal(status, 0, text);
    assert.ok(text.includes("\u001b[32m✔\u001b[39m VFs created"));
    const stays = text.split("\n").map((line) => line.split(ERASE_LINE).at(-1) ?? "");
    assert.ok(!stays.some((line) => line.includes(" ...")), stays.join("\n"));
    assert.equal(numVfs(), "128");
  });
});
