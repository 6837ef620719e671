/** The modelled machines as files: what a real `lspci` makes of them is what vfleet makes of them. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, describe, test } from "node:test";
import { readInventory } from "../../src/host/inventory.ts";
import { openSource } from "../../src/kernel/open-source.ts";
import { parseLspciDump } from "../../src/kernel/snapshot/lspci-dump.ts";
import { parseBdf } from "../../src/pci/bdf.ts";
import { decodeFunction } from "../../src/pci/decode.ts";
import { ROOT } from "../dumps.ts";
import { exampleModels } from "../model/example-models.ts";
import { requireTool } from "../require-tool.ts";
import { agreeWithLspci } from "./agree.ts";
import { lspciVersion, runLspci, runLspciOnTree } from "./run-lspci.ts";

const noLspci = requireTool("lspci");
const version = noLspci ? "none" : lspciVersion();
const VFLEET = join(ROOT, "bin/vfleet.js");
const temporary = mkdtempSync(join(tmpdir(), "vfleet-export-"));
const env = { ...process.env, XDG_STATE_HOME: join(temporary, "state") };

function vfleet(args: readonly string[], input = ""): string {
  return execFileSync(process.execPath, [VFLEET, ...args], {
    encoding: "utf8",
    env,
    input,
    stdio: ["pipe", "pipe", "pipe"],
  });
}

after(() => {
  for (const file of exampleModels) vfleet(["model", "off", file]);
  rmSync(temporary, { recursive: true });
});

describe("lspci -vvv agrees with vfleet on modelled machines with VFs", { skip: noLspci }, () => {
  for (const file of exampleModels) {
    test(basename(file), async () => {
      const out = join(temporary, basename(file, ".yaml"));
      const pfs = vfleet(["model", "shell", file], "ls -d */sriov_numvfs\n").trimEnd().split("\n");
      vfleet(["model", "shell", file], pfs.map((path) => `echo 2 > ${path}\n`).join(""));
      vfleet(["model", "export", file, out]);
      const tree = join(out, "sys/bus/pci");
      // The registers, as lspci reads them from the tree.
      const dump = join(temporary, `${basename(file)}.txt`);
      writeFileSync(dump, runLspciOnTree(tree, ["-D", "-n", "-xxxx"]));
      const decoded = parseLspciDump(readFileSync(dump), dump).functions.map(({ bdf, config }) =>
        decodeFunction(bdf, config),
      );
      const { counts } = agreeWithLspci(runLspci(dump), decoded, version);
      assert.ok((counts.get("standard 10h") ?? 0) >= 50, "PCI Express was compared");
      assert.ok((counts.get("extended 10h") ?? 0) >= 25, "SR-IOV was compared");

      // Drivers, groups and VFs, which both have from the kernel's files.
      const { functions } = await readInventory(await openSource(`snapshot:${out}`));
      const blocks = runLspciOnTree(tree, ["-D", "-nn", "-vvv"]).trimEnd().split("\n\n");
      const shown = new Map(blocks.map((text) => [parseBdf(text.slice(0, 12)), text]));
      assert.deepEqual([...functions.keys()].sort(), [...shown.keys()].sort());
      for (const { bdf, driver, iommuGroup, node, sriov } of functions.values()) {
        const text = shown.get(bdf) ?? "";
        assert.equal(driver, /Kernel driver in use: (\S+)/.exec(text)?.[1] ?? null, bdf);
        const group = /IOMMU group: (\d+)/.exec(text)?.[1];
        assert.equal(iommuGroup, group === undefined ? null : Number(group), bdf);
        const [, total, numVfs] = /Total VFs: (\d+), Number of VFs: (\d+)/.exec(text) ?? [];
        assert.deepEqual([sriov?.totalVfs, sriov?.numVfs].map(String), [total, numVfs].map(String), bdf);
        if (sriov) assert.ok(node.vfs.length >= 2 && node.vfs.length === Number(numVfs), bdf);
      }

      // And the shell's own lines are those of lspci.
      const own = vfleet(["model", "shell", file], "lspci -nn -D\n");
      assert.equal(own, runLspciOnTree(tree, ["-nn", "-D"]));
    });
  }
});
