import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { type Header, pack } from "tar-stream";
import { VfleetError } from "../../errors/vfleet-error.ts";
import { isUnread, type Kernel } from "../port.ts";
import { isArchive, readArchive } from "./archive.ts";
import { openSnapshot } from "./snapshot-kernel.ts";

const temporary = mkdtempSync(join(tmpdir(), "vfleet-archive-"));
after(() => rmSync(temporary, { recursive: true }));

type Entry = Partial<Header> & { readonly name: string; readonly content?: string | Buffer };

async function tar(entries: readonly Entry[]): Promise<Uint8Array> {
  const packing = pack();
  for (const { content = "", ...header } of entries) packing.entry(header, content);
  packing.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of packing) chunks.push(chunk as Uint8Array);
  return new Uint8Array(Buffer.concat(chunks));
}

async function failure(bytes: Uint8Array, limits = {}): Promise<string> {
  try {
    await readArchive(bytes, "x.tar", limits);
  } catch (error) {
    assert.ok(error instanceof VfleetError, String(error));
    return `${error.code} ${error.message}`;
  }
  throw new assert.AssertionError({ message: "nothing was thrown" });
}

async function open(name: string, bytes: Uint8Array): Promise<Kernel> {
  const path = join(temporary, name);
  writeFileSync(path, bytes);
  return openSnapshot(path);
}

async function text(kernel: Kernel, path: string): Promise<string> {
  const content = await kernel.read(path);
  return isUnread(content) ? content.errno : new TextDecoder().decode(content);
}

const A = "0000:01:00.0";
const HOST: readonly Entry[] = [
  { name: `sys/devices/pci0000:00/${A}/vendor`, content: "0x8086\n" },
  { name: `sys/devices/pci0000:00/${A}/uevent`, content: "X=1\n" },
  { name: `sys/bus/pci/devices/${A}`, type: "symlink", linkname: `../../../devices/pci0000:00/${A}` },
];

describe("openSnapshot of an archive", () => {
  it("takes tar and gzip, by content", async () => {
    const plain = await tar(HOST);
    for (const [name, bytes] of [
      ["a.tar", plain],
      ["a.tar.gz", gzipSync(plain)],
      ["a.bin", gzipSync(plain)],
    ] as const) {
      const kernel = await open(name, bytes);
      assert.ok(isArchive(bytes));
      assert.equal(await text(kernel, `/sys/bus/pci/devices/${A}/vendor`), "0x8086\n");
      assert.equal(kernel.source.complete, true);
    }
    assert.ok(!isArchive(new Uint8Array(600)));
  });

  it("takes absolute names, a folder of its own, and the other layouts", async () => {
    for (const prefix of [
      "/sys/bus/pci/devices/",
      "./host1/sys/bus/pci/devices/",
      "bus/pci/devices/",
      "devices/",
      "",
    ]) {
      const kernel = await open("layout.tar", await tar([{ name: `${prefix}${A}/vendor`, content: "0x8086\n" }]));
      assert.equal(await text(kernel, `/sys/bus/pci/devices/${A}/vendor`), "0x8086\n", prefix);
    }
  });

  it("follows links within the archive only, and leaves devices out", async () => {
    const kernel = await open(
      "links.tar",
      await tar([
        ...HOST,
        { name: `sys/devices/pci0000:00/${A}/shadow`, type: "symlink", linkname: "/etc/passwd" },
        { name: `sys/devices/pci0000:00/${A}/up`, type: "symlink", linkname: "../../../../../../../../etc/passwd" },
        { name: `sys/devices/pci0000:00/${A}/hard`, type: "link", linkname: `sys/devices/pci0000:00/${A}/vendor` },
        { name: `sys/devices/pci0000:00/${A}/fifo`, type: "fifo" },
        { name: `sys/devices/pci0000:00/${A}/disk`, type: "block-device", devmajor: 8, devminor: 0 },
        { name: "sys/devices/", type: "directory" },
      ]),
    );
    const device = `/sys/bus/pci/devices/${A}`;
    assert.equal(await text(kernel, `${device}/hard`), "0x8086\n");
    for (const name of ["shadow", "up", "fifo", "disk"])
      assert.equal(await text(kernel, `${device}/${name}`), "ENOENT");
  });

  it("takes what GNU tar makes of a sysfs", async () => {
    const root = join(temporary, "gnu");
    mkdirSync(join(root, "sys/bus/pci/devices"), { recursive: true });
    mkdirSync(join(root, "sys/devices/pci0000:00", A), { recursive: true });
    writeFileSync(join(root, "sys/devices/pci0000:00", A, "vendor"), "0x8086\n".padEnd(4096, "\0"));
    symlinkSync(`../../../devices/pci0000:00/${A}`, join(root, "sys/bus/pci/devices", A));
    const path = join(temporary, "gnu.tgz");
    execFileSync("tar", ["czf", path, "-C", root, "sys"]);
    assert.equal(await text(await openSnapshot(path), `/sys/bus/pci/devices/${A}/vendor`), "0x8086\n");
  });
});

describe("readArchive refuses", () => {
  it("names that lead out", async () => {
    for (const name of ["../evil", "sys/../../evil", ".."]) {
      assert.equal(
        await failure(await tar([{ name }])),
        `VFL-0009 x.tar cannot be unpacked: the name ${JSON.stringify(name)} leads out of it`,
      );
    }
  });

  it("contradictions", async () => {
    assert.match(await failure(await tar([{ name: "a/b" }, { name: "a", content: "x" }])), /^VFL-0009 .*contradicts/);
    assert.match(await failure(await tar([{ name: "a" }, { name: "a/b" }])), /^VFL-0009 .*contradicts/);
    const link = { name: "a", type: "symlink", linkname: "/etc" } as const;
    assert.match(await failure(await tar([link, { name: "a/passwd" }])), /^VFL-0009 .*contradicts/);
    assert.match(await failure(await tar([{ name: "a", type: "link", linkname: "none" }])), /^VFL-0009 .*contradicts/);
  });

  it("bombs", async () => {
    const large = await tar([{ name: "large", content: Buffer.alloc(3_000_000) }]);
    const limits = { unpackedBytes: 1024 * 1024 };
    const expected = "VFL-0005 x.tar holds more than 1 MiB when unpacked";
    assert.equal(await failure(gzipSync(large), limits), expected);
    assert.equal(await failure(large, limits), expected);
    const many = await tar(Array.from({ length: 20 }, (_, i) => ({ name: `file${i}` })));
    assert.equal(await failure(many, { entries: 10 }), "VFL-0005 x.tar holds more than 10 files and folders");
    const deep = await tar([{ name: "x/".repeat(1500) }]);
    assert.equal(await failure(deep, { entries: 100 }), "VFL-0005 x.tar holds more than 100 files and folders");
    assert.match(await failure(await tar([{ name: "y".repeat(5000) }])), /^VFL-0009 .*endless name/);
  });

  it("what is no archive", async () => {
    assert.equal(await failure(new Uint8Array(0)), "VFL-0009 x.tar cannot be unpacked: it is no tar archive");
    assert.equal(await failure(gzipSync("hello")), "VFL-0009 x.tar cannot be unpacked: it is no tar archive");
    assert.match(await failure(new Uint8Array([0x1f, 0x8b, 1, 2, 3])), /^VFL-0009/);
  });

  it("an archive that is cut off, wherever", async () => {
    const plain = await tar(HOST);
    for (const bytes of [plain, new Uint8Array(gzipSync(plain))]) {
      const step = bytes === plain ? 128 : 7;
      for (let end = 0; end < bytes.length - 512; end += step) {
        assert.match(await failure(bytes.subarray(0, end)), /^VFL-0009/, String(end));
      }
    }
    assert.match(await failure(gzipSync(plain).subarray(0, -9)), /^VFL-0009 .*cut off/);
  });

  it("damage with nothing but VfleetError", async () => {
    const plain = await tar(HOST);
    const edits = fc.array(fc.tuple(fc.nat(plain.length - 1), fc.integer({ min: 0, max: 255 })), { maxLength: 10 });
    await fc.assert(
      fc.asyncProperty(edits, fc.boolean(), async (list, zipped) => {
        const bytes = plain.slice();
        for (const [at, value] of list) bytes[at] = value;
        try {
          await readArchive(zipped ? gzipSync(bytes) : bytes, "x.tar");
        } catch (error) {
          assert.ok(error instanceof VfleetError, String(error));
        }
      }),
      { numRuns: 300 },
    );
  });
});
