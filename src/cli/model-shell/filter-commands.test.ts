import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { FILTERS } from "./filter-commands.ts";
import type { ShellState } from "./shell-state.ts";

const LINES = "b 10 x\na 9 y\n\nb 10 x\nB 2 x+y\nc:d:e\n0000:01:00.0 Ethernet\n0000:01:10.0 Virtual\nlast";
/** Of what is handed on nothing is read from a machine. */
const NO_MACHINE = {} as ShellState;

/** As the system's own programs answer, in the C locale. */
const CASES: readonly (readonly [name: string, ...args: string[]])[] = [
  ["grep", "b"],
  ["grep", "-i", "b"],
  ["grep", "-v", "x"],
  ["grep", "-c", "b"],
  ["grep", "-n", "^b"],
  ["grep", "-in", "B"],
  ["grep", "x+y"],
  ["grep", "-E", "x+y|a"],
  ["grep", "a\\|c"],
  ["grep", "-F", "x+"],
  ["grep", "-o", "[0-9]*"],
  ["grep", "-w", "9"],
  ["grep", "-A1", "a"],
  ["grep", "-n", "-B1", "Virtual"],
  ["grep", "-e", "c"],
  ["grep", "nothing there"],
  ["grep", "-q", "b"],
  ["grep", "01:.0\\.0"],
  ["head"],
  ["head", "-n", "2"],
  ["head", "-n2"],
  ["head", "-3"],
  ["tail", "-n", "2"],
  ["tail", "-1"],
  ["sort"],
  ["sort", "-r"],
  ["sort", "-u"],
  ["sort", "-ru"],
  ["uniq"],
  ["cut", "-d", " ", "-f", "1"],
  ["cut", "-d:", "-f2-"],
  ["cut", "-c1-3,5"],
  ["wc", "-l"],
];

for (const [name, ...args] of CASES) {
  test(`${[name, ...args].join(" ")} gives what the system's own gives`, async () => {
    const text = `${LINES}\n`;
    const env = { PATH: process.env.PATH, LC_ALL: "C" };
    const { stdout, status } = spawnSync(name, args, { input: text, encoding: "utf8", env });
    const answer = await FILTERS[name]?.run(NO_MACHINE, args, text);
    assert.equal(answer?.output, stdout);
    assert.equal(answer?.ok, status === 0);
  });
}

test("what is not known, or cannot be, is said", async () => {
  const said = async (name: string, ...args: string[]) => (await FILTERS[name]?.run(NO_MACHINE, args, "a\n"))?.output;
  assert.equal(await said("grep", "-Z", "a"), "grep: invalid option -- 'Z'\n");
  assert.equal(await said("grep", "-E", "("), "grep: (: no regular expression\n");
  assert.equal(await said("head", "-n"), "head: option requires an argument -- 'n'\n");
  assert.equal(await said("cut", "-d", ","), "cut: you must specify a list of characters or fields\n");
  assert.equal((await FILTERS.sort?.run(NO_MACHINE, []))?.ok, false);
});
