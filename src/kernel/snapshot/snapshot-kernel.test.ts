import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, it } from "node:test";
import { VfleetError } from "../../errors/vfleet-error.ts";
import { bdf } from "../../pci/bdf.ts";
import { isUnread, type Kernel, known } from "../port.ts";
import { configSpaceOf } from "../port-config.ts";
import { openSnapshot } from "./snapshot-kernel.ts";

const temporary = mkdtempSync(join(tmpdir(), "vfleet-snapshot-"));
after(() => rmSync(temporary, { recursive: true }));
chmodSync(temporary, 0o755);
let made = 0;

/** Makes a folder with files by path; a content that begins with `-> ` makes a link. */
function folder(files: Readonly<Record<string, string | Uint8Array>>): string {
  const root = join(temporary, String(made++));
  mkdirSync(root);
  for (const [path, content] of Object.entries(files)) {
    const at = join(root, path);
    mkdirSync(dirname(at), { recursive: true });
    if (typeof content === "string" && content.startsWith("-> ")) symlinkSync(content.slice(3), at);
    else writeFileSync(at, content);
  }
  return root;
}

async function text(kernel: Kernel, path: string): Promise<string> {
  const content = await kernel.read(path);
  return isUnread(content) ? content.errno : new TextDecoder().decode(content);
}

async function failure(path: string): Promise<string> {
  try {
    await openSnapshot(path);
  } catch (error) {
    assert.ok(error instanceof VfleetError, String(error));
    return `${error.code} ${error.message.replace(path, "PATH")}`;
  }
  throw new assert.AssertionError({ message: "nothing was thrown" });
}

const A = "0000:01:00.0";
const B = "10000:e1:00.0";
const DEVICE = `/sys/bus/pci/devices/${A}`;
const VENDOR = "0x8086\n";

describe("openSnapshot of a folder", () => {
  it("takes a root, a sysfs, a folder of the bus, and device folders", async () => {
    for (const prefix of [
      "sys/bus/pci/devices/",
      "bus/pci/devices/",
      "devices/",
      "",
      "host/sys/bus/pci/devices/",
      "a/b/",
    ]) {
      const root = folder({ [`${prefix}${A}/vendor`]: VENDOR, [`${prefix}${B}/vendor`]: VENDOR });
      const kernel = await openSnapshot(root);
      assert.deepEqual(await kernel.list("/sys/bus/pci/devices"), [A, B], prefix);
      assert.equal(await text(kernel, `${DEVICE}/vendor`), VENDOR, prefix);
      assert.deepEqual(await kernel.list("/"), ["sys"], prefix);
      assert.deepEqual(kernel.source, { kind: "snapshot", name: `snapshot:${root}`, complete: false });
    }
  });

  it("follows links of the real layout, relative and absolute", async () => {
    const kernel = await openSnapshot(
      folder({
        [`sys/devices/pci0000:00/${A}/vendor`]: VENDOR,
        [`sys/devices/pci0000:00/${A}/uevent`]: "X=1\n",
        [`sys/devices/pci0000:00/${A}/driver`]: "-> ../../../bus/pci/drivers/igb",
        [`sys${DEVICE.slice(4)}`]: `-> ../../../devices/pci0000:00/${A}`,
        [`sys/bus/pci/devices/${B}`]: `-> /sys/devices/pci0000:00/${A}`,
        "sys/bus/pci/drivers/igb/bind": "",
        "proc/cmdline": "quiet\n",
        "kernel.log": "[    0.000000] one\n[    0.000001] two\n",
      }),
    );
    assert.equal(await text(kernel, `${DEVICE}/vendor`), VENDOR);
    assert.equal(await text(kernel, `/sys/bus/pci/devices/${B}/vendor`), VENDOR);
    assert.equal(await kernel.readLink(`${DEVICE}/driver`), "../../../bus/pci/drivers/igb");
    assert.deepEqual(await kernel.list(`${DEVICE}/driver`), ["bind"]);
    assert.equal(await text(kernel, "/proc/cmdline"), "quiet\n");
    assert.deepEqual(await kernel.log(), ["[    0.000000] one", "[    0.000001] two"]);
    assert.equal(kernel.source.complete, true);
    assert.equal(await text(kernel, `${DEVICE}/none`), "ENOENT");
  });

  it("takes the copy of /sys where the copy of /sys/bus/pci in it is named", async () => {
    const root = folder({
      "devices/pci0000:00/0000:01:00.0/vendor": VENDOR,
      [`bus/pci/devices/${A}`]: "-> ../../../devices/pci0000:00/0000:01:00.0",
    });
    for (const named of ["bus/pci", "bus/pci/devices", "bus/pci/"]) {
      assert.equal(await text(await openSnapshot(join(root, named)), `${DEVICE}/vendor`), VENDOR);
    }
  });

  it("never reads outside it, and nothing but regular files", async () => {
    const secret = join(folder({ secret: "SECRET" }), "secret");
    const root = folder({
      [`sys/bus/pci/devices/${A}/vendor`]: VENDOR,
      [`sys/bus/pci/devices/${A}/absolute`]: `-> ${secret}`,
      [`sys/bus/pci/devices/${A}/shadow`]: "-> /etc/passwd",
      [`sys/bus/pci/devices/${A}/relative`]: `-> ../../../../../../../../../../../../../..${secret}`,
      [`sys/bus/pci/devices/${A}/folder`]: `-> ${dirname(secret)}`,
      [`sys/bus/pci/devices/${A}/parent`]: "-> ../../../../../..",
      [`sys/bus/pci/devices/${A}/circle`]: "-> circle",
      [`sys/bus/pci/devices/${B}`]: "-> /proc/self",
      "sys/null": "-> /dev/null",
    });
    execFileSync("mkfifo", [join(root, `sys/bus/pci/devices/${A}/fifo`)]);
    const kernel = await openSnapshot(root);
    const answers = await Promise.all(
      ["absolute", "shadow", "relative", "folder/secret", "circle", "fifo", "../../../../null"].map((name) =>
        text(kernel, `${DEVICE}/${name}`),
      ),
    );
    assert.deepEqual(answers, ["ENODATA", "ENODATA", "ENODATA", "ENODATA", "ELOOP", "EINVAL", "ENODATA"]);
    assert.deepEqual(await kernel.list(`${DEVICE}/parent`), ["sys"]);
    assert.equal(await text(kernel, `/sys/bus/pci/devices/${B}/cmdline`), "ENODATA");
    assert.equal(await text(kernel, `/../../..${secret}`), "ENODATA");
  });

  it("reads configuration space of any length", async () => {
    for (const length of [0, 3, 64, 256, 4096, 5000]) {
      const kernel = await openSnapshot(folder({ [`${A}/config`]: new Uint8Array(length) }));
      const space = known(await configSpaceOf(kernel, bdf(A)));
      assert.equal(space?.end ?? 0, Math.min(length, 4096));
    }
  });

  it("takes tar's padding off text", async () => {
    const kernel = await openSnapshot(folder({ [`${A}/vendor`]: VENDOR.padEnd(4096, "\0"), [`${A}/uevent`]: "\0\0" }));
    assert.equal(await text(kernel, `${DEVICE}/vendor`), VENDOR);
    assert.equal(await text(kernel, `${DEVICE}/uevent`), "");
  });

  it("gives what the capture could not read as it was then", async () => {
    const manifest = { format: 1, unread: [{ path: `${DEVICE}/sriov_numvfs`, errno: "ETIMEDOUT" }] };
    const kernel = await openSnapshot(
      folder({ [`sys/bus/pci/devices/${A}/vendor`]: VENDOR, "vfleet-capture.json": JSON.stringify(manifest) }),
    );
    assert.equal(await text(kernel, `${DEVICE}/sriov_numvfs`), "ETIMEDOUT");
    assert.equal(await text(kernel, `${DEVICE}/none`), "ENOENT");
    assert.equal(kernel.source.complete, true);
  });

  it("refuses what it does not know", async () => {
    assert.match(
      await failure(folder({ "readme.txt": "x" })),
      /^VFL-0008 PATH holds neither sys\/bus\/pci\/devices nor/,
    );
    assert.match(await failure(folder({})), /^VFL-0008/);
    assert.match(await failure(folder({ "1:0.0/config": "x" })), /^VFL-0008/);
    assert.equal(await failure("/no/such/folder"), "VFL-0002 there is no PATH");
    const device = { [`sys/bus/pci/devices/${A}/vendor`]: VENDOR };
    assert.match(
      await failure(folder({ ...device, "vfleet-capture.json": '{"format":2}' })),
      /^VFL-0008 PATH has the capture format 2; this vfleet knows 1$/,
    );
    for (const manifest of ["{", "null", '{"format":1,"unread":[1]}']) {
      assert.match(await failure(folder({ ...device, "vfleet-capture.json": manifest })), /^VFL-0008/);
    }
    const fifo = join(temporary, "fifo");
    execFileSync("mkfifo", [fifo]);
    assert.equal(await failure(fifo), "VFL-0003 PATH is a FIFO that no process writes to");
  });

  it("says that permission is missing", { skip: process.getuid?.() !== 0 && "needs root" }, () => {
    const root = folder({ [`${A}/vendor`]: VENDOR });
    chmodSync(root, 0o700);
    const script = `import(${JSON.stringify(new URL("./snapshot-kernel.ts", import.meta.url).href)})
      .then(({ openSnapshot }) => openSnapshot(${JSON.stringify(root)})).catch((error) => console.log(error.code, error.message))`;
    const { stdout } = spawnSync(process.execPath, ["-e", script], { uid: 65534, encoding: "utf8" });
    assert.equal(stdout, `VFL-0003 ${root} cannot be read: EACCES\n`);
  });
});
