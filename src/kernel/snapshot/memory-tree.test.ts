import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { isUnread } from "../port.ts";
import { MemoryTree } from "./memory-tree.ts";
import { resolvePath } from "./tree.ts";
import { treeKernel } from "./tree-kernel.ts";

function host(): MemoryTree {
  const tree = new MemoryTree();
  tree.addFile("/sys/devices/pci0000:00/0000:00:01.0/vendor", "0x8086\n");
  tree.addLink("/sys/bus/pci/devices/0000:00:01.0", "../../../devices/pci0000:00/0000:00:01.0");
  tree.addLink("/sys/class/one", "/sys/bus/pci/devices/0000:00:01.0/");
  return tree;
}

function kernel(tree: MemoryTree) {
  return treeKernel(tree, { kind: "snapshot", name: "snapshot:test", complete: true });
}

async function text(tree: MemoryTree, path: string): Promise<string> {
  const content = await kernel(tree).read(path);
  return isUnread(content) ? content.errno : new TextDecoder().decode(content);
}

describe("MemoryTree", () => {
  it("follows relative and absolute links", async () => {
    assert.equal(await text(host(), "/sys/bus/pci/devices/0000:00:01.0/vendor"), "0x8086\n");
    assert.equal(await text(host(), "/sys/class/one/vendor"), "0x8086\n");
    assert.equal(await text(host(), "/sys/class/one/../0000:00:01.0/vendor"), "0x8086\n");
  });

  it("gives names sorted, links as written, and the errno of Linux", async () => {
    const port = kernel(host());
    assert.deepEqual(await port.list("/sys"), ["bus", "class", "devices"]);
    assert.deepEqual(await port.list("/"), ["sys"]);
    assert.deepEqual(await port.list("/sys/class/one"), ["vendor"]);
    assert.equal(await port.readLink("/sys/class/one"), "/sys/bus/pci/devices/0000:00:01.0/");
    const errnos = await Promise.all([
      port.read("/sys/nothing"),
      port.read("/sys/class"),
      port.read("/sys/class/one/vendor/x"),
      port.list("/sys/class/one/vendor"),
      port.readLink("/sys/class"),
      port.readLink("/sys/class/one/vendor"),
      port.log(),
    ]);
    assert.deepEqual(
      errnos.map((answer) => isUnread(answer) && answer.errno),
      ["ENOENT", "EISDIR", "ENOTDIR", "ENOTDIR", "EINVAL", "EINVAL", "ENOENT"],
    );
  });

  it("reads no more than the limit", async () => {
    assert.deepEqual(await kernel(host()).read("/sys/class/one/vendor", 2), new TextEncoder().encode("0x"));
  });

  it("never leaves the tree, and ends in a circle of links", async () => {
    const tree = host();
    tree.addLink("/up", "../../../../../../etc/passwd");
    tree.addLink("/a", "/b");
    tree.addLink("/b", "a");
    tree.addLink("/self", "self/self");
    assert.equal(await text(tree, "/up"), "ENOENT");
    assert.equal(await text(tree, "/../../sys/class/one/vendor"), "0x8086\n");
    assert.equal(await text(tree, "/a"), "ELOOP");
    assert.equal(await text(tree, "/self"), "ELOOP");
    assert.equal(await text(tree, `/${"x/".repeat(3000)}`), "ENAMETOOLONG");
    tree.addLink("/errno", "ENOENT");
    assert.equal(await kernel(tree).readLink("/errno"), "ENOENT");
  });

  it("refuses to put a file where a folder is, and below a file", () => {
    const tree = host();
    assert.equal(tree.addFile("/sys/class", "x"), false);
    assert.equal(tree.addFile("/sys/class/one/below", "x"), false);
    assert.equal(tree.addFile("/", "x"), false);
    assert.equal(tree.addFolder("/sys/class"), true);
    assert.equal(tree.addLink("/sys/class/one", "elsewhere"), true);
    assert.equal(tree.size, 12);
  });

  it("is bounded", () => {
    const tree = new MemoryTree(3);
    tree.addFile("/a/b", "x");
    assert.throws(() => tree.addFile("/c", "x"), RangeError);
  });

  it("grafts a folder to another place", async () => {
    const tree = new MemoryTree();
    tree.addFile("/host/0000:00:01.0/vendor", "x");
    tree.addFile("/other", "y");
    tree.graft("/host", "/sys/bus/pci/devices");
    assert.equal(await text(tree, "/sys/bus/pci/devices/0000:00:01.0/vendor"), "x");
    assert.deepEqual(tree.names(""), ["sys"]);
    tree.graft("", "/root");
    assert.equal(await text(tree, "/root/sys/bus/pci/devices/0000:00:01.0/vendor"), "x");
  });
});

it("resolvePath gives a canonical path or an errno, whatever the links", () => {
  const path = fc
    .array(fc.constantFrom("a", "b", "c", "..", ".", ""), { maxLength: 6 })
    .chain((names) => fc.constantFrom("", "/").map((root) => root + names.join("/")));
  fc.assert(
    fc.property(fc.array(fc.tuple(path, path, fc.boolean()), { maxLength: 8 }), path, (entries, asked) => {
      const tree = new MemoryTree();
      for (const [at, target, link] of entries) link ? tree.addLink(at, target) : tree.addFile(at, "x");
      const resolved = resolvePath(tree, asked, true);
      if ("errno" in resolved) assert.match(resolved.errno, /^(ENOENT|ENOTDIR|ELOOP)$/);
      else {
        assert.match(resolved.path, /^(\/[abc])*$/);
        assert.deepEqual(tree.entry(resolved.path), resolved.entry);
        assert.notEqual(resolved.entry.kind, "link");
      }
    }),
    { numRuns: 2000 },
  );
});
