/** The package as its users get it: packed, installed, run. */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import manifest from "../package.json" with { type: "json" };
import { findTool, requireTool } from "./require-tool.ts";

const CHECKOUT = fileURLToPath(new URL("..", import.meta.url));
const DUMP = `0000:01:00.0 Ethernet controller: Intel Corporation 82576 Gigabit Network Connection (rev 01)
00: 86 80 c9 10 06 04 10 00 01 00 00 02 10 00 80 00
10: 00 00 80 e0 00 00 00 e0 21 10 00 00 00 00 84 e0
20: 00 00 00 00 00 00 00 00 00 00 00 00 86 80 3c a0
30: 00 00 80 c7 00 00 00 00 00 00 00 00 0a 01 00 00
`;

const NODES = [
  { name: "the pinned Node", path: process.execPath, skip: false },
  { name: "Node 24", path: findTool("node24") ?? "node24", skip: requireTool("node24") },
];

describe("the npm package", () => {
  let folder: string;
  let packed: string[];
  let vfleet: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "vfleet-package-"));
    const npm = (...args: string[]) => execFileSync("npm", args, { cwd: CHECKOUT, encoding: "utf8", stdio: "pipe" });
    npm("pack", "--pack-destination", folder);
    const tarball = join(folder, `vfleet-${manifest.version}.tgz`);
    packed = execFileSync("tar", ["-tzf", tarball], { encoding: "utf8" }).trimEnd().split("\n");
    // What `npm ci` fetched for the checkout is in npm's cache, so this asks the registry for nothing it has not yet.
    npm("install", "--global", "--prefix", folder, "--prefer-offline", "--no-audit", "--no-fund", tarball);
    vfleet = join(folder, "bin/vfleet");
  });
  after(() => rmSync(folder, { recursive: true }));

  test("holds the built program with its types, and no source or test", () => {
    for (const path of ["LICENSE", "README.md", "bin/vfleet.js", "dist/cli/main.js", "dist/pci/bdf.d.ts"]) {
      assert.ok(packed.includes(`package/${path}`), `${path} is not packed`);
    }
    assert.deepEqual(
      packed.filter((path) =>
        /(?<!\.d)\.ts$|\.test\.|\/testing\/|^package\/(?!bin|data|dist|examples|lab|fixtures\/hosts\/igb-nvme\.tar\.gz$)[^/]+\//.test(
          path,
        ),
      ),
      [],
    );
  });

  test("installs without what only developers need", () => {
    const modules = join(folder, "lib/node_modules/vfleet/node_modules");
    assert.ok(existsSync(join(modules, "commander")));
    assert.ok(!existsSync(join(modules, "typescript")) && !existsSync(join(modules, "node")));
  });

  test("is a command on PATH", () => {
    // By its first line it starts whichever `node` comes first on PATH, which here is the one that runs the tests.
    const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH}` };
    assert.equal(execFileSync(vfleet, ["--version"], { encoding: "utf8", env }), `${manifest.version}\n`);
  });

  test("has its page and two modelled servers with it, which it starts with where there is no card", async (t) => {
    const env = { ...process.env, XDG_STATE_HOME: join(folder, "state") };
    const args = ["start", "--listen", "127.0.0.1:0", "--state", join(folder, "server")];
    const child = spawn(process.execPath, [vfleet, ...args], {
      env,
      cwd: folder,
      stdio: ["ignore", "pipe", "inherit"],
    });
    t.after(() => child.kill("SIGKILL"));
    let output = "";
    let url: string | undefined;
    for await (const text of child.stdout.setEncoding("utf8").iterator({ destroyOnReturn: false })) {
      output += text;
      url = /^open (\S+)#token=/m.exec(output)?.[1];
      if (url !== undefined) break;
    }
    assert.ok(url, output);
    const page = await fetch(url);
    assert.equal(page.status, 200);
    const [, script = ""] = /src="(\/assets\/[^"]+)"/.exec(await page.text()) ?? [];
    assert.equal((await fetch(new URL(script, url))).status, 200);
    const ended = once(child, "close");
    child.kill("SIGTERM");
    assert.deepEqual(await ended, [0, null]);
    for (const [, file = ""] of output.matchAll(/vfleet model off (\S+?)(?:;|$)/gm)) {
      execFileSync(process.execPath, [vfleet, "model", "off", file], { env, cwd: folder });
    }
  });

  for (const { name, path, skip } of NODES) {
    test(`decodes a dump with ${name}`, { skip }, () => {
      const dump = join(folder, "dump.txt");
      writeFileSync(dump, DUMP);
      const { functions } = JSON.parse(execFileSync(path, [vfleet, "decode", "--json", dump], { encoding: "utf8" }));
      assert.equal(functions[0].bdf, "0000:01:00.0");
    });
  }
});
