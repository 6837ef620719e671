import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { VfForGuest } from "../../host/guest-port.ts";
import { bdf } from "../../pci/bdf.ts";
import { readVfToken } from "./vf-token.ts";

const UUID = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
const VF: VfForGuest = {
  ...{ bdf: bdf("0000:01:10.0"), driver: "vfio-pci", iommuGroup: 20, netdev: null, isNetwork: true },
  ...{ mac: null, vlan: null, pfOnVfio: true, attachment: {} },
};
let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), "vfleet-token-"));
});
after(() => rmSync(folder, { recursive: true }));

function tokenFrom(text: string, mode = 0o600) {
  const vfTokenFile = join(folder, "token");
  writeFileSync(vfTokenFile, text);
  chmodSync(vfTokenFile, mode);
  return readVfToken({ ...VF, attachment: { vfTokenFile } });
}

test("a UUID is read from a file that is secret; where the PF has its own driver, none is wanted", async () => {
  assert.deepEqual(await tokenFrom(`${UUID}\n`, 0o640), { uuid: UUID });
  const named = { ...VF, pfOnVfio: false, attachment: { vfTokenFile: join(folder, "none") } };
  assert.deepEqual(await readVfToken(named), { uuid: null });
});

test("why there is none is told, without what the file has", async () => {
  const none = await readVfToken(VF);
  assert.ok("why" in none && none.code === "VFL-0407");
  const other = await tokenFrom("my other password");
  assert.ok("why" in other && other.code === "VFL-0408");
  assert.ok(!other.why.includes("password"));
  const open = await tokenFrom(UUID, 0o644);
  assert.ok("why" in open && /not secret/.test(open.why) && !open.why.includes(UUID));
  const gone = await readVfToken({ ...VF, attachment: { vfTokenFile: join(folder, "gone") } });
  assert.ok("why" in gone && /ENOENT/.test(gone.why));
});
