import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { VfleetError } from "../errors/vfleet-error.ts";
import { openSource } from "./open-source.ts";

const folder = mkdtempSync(join(tmpdir(), "vfleet-source-"));
after(() => rmSync(folder, { recursive: true }));
const dump = join(folder, "dump.txt");
writeFileSync(dump, "01:00.0 X\n00: 86 80\n");
const tree = join(folder, "tree");
mkdirSync(join(tree, "0000:01:00.0"), { recursive: true });

async function failure(text: string): Promise<string> {
  try {
    await openSource(text);
  } catch (error) {
    assert.ok(error instanceof VfleetError, String(error));
    return `${error.code} ${error.message}`;
  }
  throw new assert.AssertionError({ message: "nothing was thrown" });
}

describe("openSource", () => {
  it("opens each kind by its name", async () => {
    assert.equal((await openSource("linux")).source.kind, "linux");
    assert.deepEqual((await openSource(`snapshot:${tree}`)).source, {
      kind: "snapshot",
      name: `snapshot:${tree}`,
      complete: false,
    });
    assert.deepEqual((await openSource(`lspci:${dump}`)).source, {
      kind: "lspci",
      name: `lspci:${dump}`,
      complete: false,
    });
  });

  it("guesses the kind of a path by its content", async () => {
    const packing = pack();
    packing.entry({ name: "0000:01:00.0/vendor" }, "x");
    packing.finalize();
    const chunks: Uint8Array[] = [];
    for await (const chunk of packing) chunks.push(chunk as Uint8Array);
    const archive = join(folder, "host.bin");
    writeFileSync(archive, gzipSync(Buffer.concat(chunks)));
    assert.equal((await openSource(archive)).source.kind, "snapshot");
    assert.equal((await openSource(tree)).source.kind, "snapshot");
    assert.equal((await openSource(dump)).source.kind, "lspci");
  });

  it("refuses what is none", async () => {
    assert.equal(await failure("windows:x"), 'VFL-0011 "windows:x" is no source and no file');
    assert.equal(await failure(""), 'VFL-0011 "" is no source and no file');
    assert.equal(await failure("snapshot:"), "VFL-0011 snapshot: lacks its path");
    assert.equal(await failure("model:"), "VFL-0011 model: lacks its path");
    assert.match(await failure("lspci:/no/such"), /^VFL-0002/);
    assert.match(await failure("model:/no/such"), /^VFL-0002/);
    assert.match(await failure(`model:${dump}`), /^VFL-0016/);
    assert.match(await failure(`lspci:${tree}`), /^VFL-0004/);
    assert.match(await failure(`snapshot:${dump}`), /^VFL-0009/);
    assert.match(await failure("/dev/null"), /^VFL-0004/);
  });
});
