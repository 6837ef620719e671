import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { checkLayers } from "../scripts/check-layers.ts";

/** A tree that keeps every rule: an import of each kind that is allowed. */
const CLEAN: Readonly<Record<string, string>> = {
  "src/errors/vfleet-error.ts": "export class VfleetError extends Error {}",
  "src/pci/bdf.ts":
    'import { VfleetError } from "../errors/vfleet-error.ts";\nexport const bdf = (): never => { throw new VfleetError(); };',
  "src/pci/bdf.test.ts":
    'import "node:test";\nimport "./bdf.ts";\nimport "./testing/dump.ts";\nimport "../../test/tool.ts";',
  "src/pci/testing/dump.ts": 'import "node:fs";\nimport "../../cli/main.ts";',
  "src/hardware/function.ts": 'export * from "../pci/bdf.ts";',
  "src/kernel/port.ts": 'import type { bdf } from "../pci/bdf.ts";\nexport type Kernel = typeof bdf;',
  "src/kernel/port-errno.ts": "export const EBUSY = 16;",
  "src/kernel/linux/kernel.ts":
    'import { readFileSync } from "node:fs";\nimport type { Kernel } from "../port.ts";\nexport const kernel: Kernel = () => readFileSync("/");',
  "src/kernel/model/kernel.ts":
    'export { bdf } from "../../hardware/function.ts";\nexport { EBUSY } from "../port-errno.ts";',
  "src/host/inventory.ts":
    'import type { Kernel } from "../kernel/port.ts";\nimport "zod";\nexport type Host = Kernel;',
  "src/cli/main.ts":
    'import "../kernel/linux/kernel.ts";\nimport "../kernel/model/kernel.ts";\nawait import("../host/inventory.ts");',
  "web/src/main.tsx": 'import "../../src/pci/bdf.ts";\nexport const shown = <p />;',
  "node_modules/zod/index.js": "",
  "test/tool.ts": "export {};",
};

/** Checks the clean tree with some files put in place of its own. */
async function check(planted: Readonly<Record<string, string>>) {
  const root = mkdtempSync(join(tmpdir(), "vfleet-layers-"));
  try {
    for (const [path, text] of Object.entries({ ...CLEAN, ...planted })) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    return await checkLayers(root);
  } finally {
    rmSync(root, { recursive: true });
  }
}

test("checkLayers finds nothing in a tree that keeps the rules, and has seen all of it", async () => {
  assert.deepEqual(await check({}), { files: 11, imports: 18, problems: [] });
});

const PLANTED: readonly (readonly [what: string, path: string, text: string, problem: string])[] = [
  [
    "an import of the page from what is not pure",
    "web/src/bad.tsx",
    'import "../../src/kernel/linux/kernel.ts";\nexport const bad = <p />;',
    "web/src/bad.tsx -> src/kernel/linux/kernel.ts: the page may not import from this layer",
  ],
  [
    "an import of the page from Node",
    "web/src/bad.ts",
    'import "node:fs";',
    "web/src/bad.ts -> node:fs: the page runs in a browser: no node: modules",
  ],
  [
    "an import from a later layer",
    "src/pci/bad.ts",
    'import "../host/inventory.ts";',
    "src/pci/bad.ts -> src/host/inventory.ts: pci may not import from this layer",
  ],
  [
    "a type from a later layer",
    "src/pci/bad.ts",
    'import type { Host } from "../host/inventory.ts";\nexport type Bad = Host;',
    "src/pci/bad.ts -> src/host/inventory.ts: pci may not import from this layer",
  ],
  [
    "a re-export from a later layer",
    "src/errors/bad.ts",
    'export * from "../pci/bdf.ts";',
    "src/errors/bad.ts -> src/pci/bdf.ts: errors may not import from this layer",
  ],
  [
    "an import() from a later layer",
    "src/hardware/bad.ts",
    'await import("../kernel/port.ts");',
    "src/hardware/bad.ts -> src/kernel/port.ts: hardware may not import from this layer",
  ],
  [
    "a real kernel in the host layer",
    "src/host/bad.ts",
    'import "../kernel/linux/kernel.ts";',
    "src/host/bad.ts -> src/kernel/linux/kernel.ts: host may not import from this layer",
  ],
  [
    "the model's hardware in a real kernel",
    "src/kernel/linux/bad.ts",
    'import "../../hardware/function.ts";',
    "src/kernel/linux/bad.ts -> src/hardware/function.ts: kernels may not import from this layer",
  ],
  [
    "a node: module in a pure layer",
    "src/host/bad.ts",
    'import "node:fs";',
    "src/host/bad.ts -> fs: host is pure: no node: modules",
  ],
  [
    "a package in a layer without packages",
    "src/pci/bad.ts",
    'import "zod";',
    "src/pci/bad.ts -> node_modules/zod/index.js: pci may not import this package",
  ],
  [
    "a cycle",
    "src/errors/vfleet-error.ts",
    'import "./vfleet-error.ts";\nexport class VfleetError extends Error {}',
    "src/errors/vfleet-error.ts -> src/errors/vfleet-error.ts: no cycles",
  ],
  [
    "an import of a test",
    "src/cli/bad.ts",
    'import "../pci/bdf.test.ts";',
    "src/cli/bad.ts -> src/pci/bdf.test.ts: nobody imports a test",
  ],
  [
    "an import of what tests share",
    "src/cli/bad.ts",
    'import "../pci/testing/dump.ts";',
    "src/cli/bad.ts -> src/pci/testing/dump.ts: only tests import testing/",
  ],
  [
    "an import from test/",
    "src/cli/bad.ts",
    'import "../../test/tool.ts";',
    "src/cli/bad.ts -> test/tool.ts: src imports no other folder",
  ],
  [
    "an import of nothing",
    "src/cli/bad.ts",
    'import "./none.ts";',
    "src/cli/bad.ts -> ./none.ts: the import is not found",
  ],
  ["a file outside the layers", "src/bad/bad.ts", "export {};", "src/bad/bad.ts: is in no layer"],
  [
    "a meaningless name",
    "src/cli/string-utils.ts",
    "export {};",
    "src/cli/string-utils.ts: has a name that does not say what is inside",
  ],
];

for (const [what, path, text, problem] of PLANTED) {
  test(`checkLayers finds ${what}`, async () => {
    assert.deepEqual((await check({ [path]: text })).problems, [problem]);
  });
}

test("checkLayers refuses a folder without sources", async () => {
  const root = mkdtempSync(join(tmpdir(), "vfleet-layers-"));
  try {
    assert.deepEqual((await checkLayers(root)).problems, ["src: holds no source"]);
  } finally {
    rmSync(root, { recursive: true });
  }
});
