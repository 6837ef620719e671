/** What every command has: help with examples, completion, JSON for programs. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, test } from "node:test";
import { ROOT } from "../dumps.ts";

function vfleet(...args: readonly string[]) {
  const words = [join(ROOT, "bin/vfleet.js"), ...args];
  return spawnSync(process.execPath, words, { encoding: "utf8", env: { ...process.env, NO_COLOR: "1" } });
}

function completions(...words: readonly string[]): string[] {
  return vfleet("complete", "--", ...words)
    .stdout.split("\n")
    .flatMap((line) => line.split("\t")[0] || [])
    .filter((word) => !word.startsWith(":"));
}

describe("the command line", () => {
  const provisioning = "plan apply status set bind reset release recover operations unit".split(" ");

  const giving = "guests attach detach migrate guest-config".split(" ");
  const serving = ["up", "token"];

  test("help lists every command in a group of its kind", () => {
    const { stdout } = vfleet("--help");
    const [, made = ""] = /^Have VFs made, and kept so:\n((?: .*\n)*)/m.exec(stdout) ?? [];
    const [, given = ""] = /^Give them to guests:\n((?: .*\n)*)/m.exec(stdout) ?? [];
    const namesIn = (lines: string) => [...lines.matchAll(/^ {2}([\w-]+)/gm)].map(([, name]) => name);
    assert.deepEqual(namesIn(made), provisioning);
    assert.deepEqual(namesIn(given), giving);
    const [, served = ""] = /^Serve hosts:\n((?: .*\n)*)/m.exec(stdout) ?? [];
    assert.deepEqual(namesIn(served), serving);
    assert.match(stdout, /^See what there is:$/m);
    assert.match(stdout, /^Exit codes: .*3 refused, 4 differs/m);
  });

  test("each command's help has examples of it", () => {
    for (const command of [...provisioning, ...giving, ...serving]) {
      const { status, stdout } = vfleet(command, "--help");
      assert.equal(status, 0, command);
      // What stands there as `operations show` is an example of operations, too.
      assert.match(stdout, new RegExp(`Examples:\n(?: .*\n)* {2}(?:sudo )?vfleet ${command}\\b`), command);
    }
  });

  test("a command or an option that is not known: what was meant", () => {
    const command = vfleet("aply", "-f", "x.yaml");
    assert.equal(command.status, 2);
    assert.match(command.stderr, /Did you mean apply\?/);
    const option = vfleet("apply", "--dryrun");
    assert.equal(option.status, 2);
    assert.match(option.stderr, /Did you mean --dry-run\?/);
  });

  test("completion knows commands, options, codes and fields of policies", () => {
    assert.deepEqual(completions("rec"), ["recover"]);
    assert.ok(completions("apply", "--").includes("--dry-run"));
    assert.deepEqual(completions("explain", "VFL-0211"), ["VFL-0211"]);
    assert.deepEqual(completions("explain", "VfPolicy.spec.numV"), ["VfPolicy.spec.numVfs"]);
  });

  test("with --json errors are JSON, too, on standard error", () => {
    const host = `snapshot:${join(ROOT, "fixtures/hosts/igb-nvme.tar.gz")}`;
    const { status, stderr, stdout } = vfleet("plan", "-f", join(ROOT, "no-such.yaml"), "--source", host, "--json");
    assert.equal(status, 2);
    assert.equal(stdout, "");
    const { error } = JSON.parse(stderr) as { error: Readonly<Record<string, unknown>> };
    assert.equal(error.code, "VFL-0002");
    assert.match(String(error.message), /no-such\.yaml cannot be read: ENOENT/);
  });
});
