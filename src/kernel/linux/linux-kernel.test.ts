import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { isUnread, type Kernel } from "../port.ts";
import { openLinux, waitsForLock } from "./linux-kernel.ts";

const root = mkdtempSync(join(tmpdir(), "vfleet-linux-"));
after(() => rmSync(root, { recursive: true }));
chmodSync(root, 0o755);
const DEVICE = "/sys/bus/pci/devices/0000:01:00.0";
mkdirSync(root + DEVICE, { recursive: true });
const LOCKED = ["sriov_numvfs", "driver_override", "uevent"];
for (const name of LOCKED) writeFileSync(`${root}${DEVICE}/${name}`, `${name}\nline 2\n`);
writeFileSync(`${root}${DEVICE}/vendor`, "0x8086\n");
writeFileSync(`${root}${DEVICE}/empty`, "");
writeFileSync(`${root}${DEVICE}/config`, new Uint8Array(5000).fill(7));
symlinkSync("../../drivers/igb", `${root}${DEVICE}/driver`);

/** A program that does `line` for each path it gets. */
function program(name: string, line: string): string {
  const path = join(root, name);
  writeFileSync(path, `#!/bin/bash\nfor path; do case "$path" in /*) ${line} ;; esac; done\n`, { mode: 0o755 });
  return path;
}

async function text(kernel: Kernel, path: string, limit?: number): Promise<string> {
  const content = await kernel.read(path, limit);
  return isUnread(content) ? content.errno : new TextDecoder().decode(content);
}

describe("openLinux", () => {
  const kernel = openLinux(root);

  it("reads files, links and folders", async () => {
    assert.equal(await text(kernel, `${DEVICE}/vendor`), "0x8086\n");
    assert.equal(await text(kernel, `${DEVICE}/vendor`, 2), "0x");
    assert.equal(await text(kernel, `${DEVICE}/empty`), "");
    assert.equal((await text(kernel, `${DEVICE}/config`, 4096)).length, 4096);
    assert.equal(await kernel.readLink(`${DEVICE}/driver`), "../../drivers/igb");
    assert.deepEqual(await kernel.list(DEVICE), [
      "config",
      "driver",
      "driver_override",
      "empty",
      ...LOCKED.slice(0, 1),
      "uevent",
      "vendor",
    ]);
    assert.deepEqual(kernel.source, { kind: "linux", name: "linux", complete: true });
  });

  it("gives the errno of what cannot be read", async () => {
    assert.equal(await text(kernel, `${DEVICE}/none`), "ENOENT");
    assert.equal(await text(kernel, `${DEVICE}/vendor\0x`), "ENOENT");
    assert.equal(await text(kernel, `${DEVICE}/vendor/x`), "ENOTDIR");
    assert.equal(await text(kernel, DEVICE), "EINVAL");
    for (const answer of [await kernel.readLink(`${DEVICE}/vendor`), await kernel.list(`${DEVICE}/none`)]) {
      assert.ok(isUnread(answer) && /EINVAL|ENOENT/.test(answer.errno));
    }
  });

  it("does not wait for a FIFO", async () => {
    execFileSync("mkfifo", [join(root, "sys/fifo")]);
    assert.equal(await text(kernel, "/sys/fifo"), "EINVAL");
  });

  it("says why there is no sysfs", async () => {
    const answer = await openLinux(join(root, "nowhere")).list("/sys/bus/pci/devices");
    assert.ok(isUnread(answer));
    assert.equal(answer.errno, "ENODATA");
    assert.equal(answer.reason, "/sys is not mounted here; in a container, mount the host's");
    mkdirSync(join(root, "bare/sys/bus"), { recursive: true });
    const bare = await openLinux(join(root, "bare")).list("/sys/bus/pci/devices");
    assert.ok(isUnread(bare) && bare.reason === "this machine has no PCI bus");
  });

  it("says that permission is missing", { skip: process.getuid?.() !== 0 && "needs root" }, () => {
    for (const name of ["vendor-secret", "driver_override"]) {
      writeFileSync(`${root}${DEVICE}/${name}`, "x");
      chmodSync(`${root}${DEVICE}/${name}`, 0o600);
      const script = `import(${JSON.stringify(new URL("./linux-kernel.ts", import.meta.url).href)})
        .then(({ openLinux }) => openLinux(${JSON.stringify(root)}).read(${JSON.stringify(`${DEVICE}/${name}`)}))
        .then((answer) => console.log(answer.errno + ' ' + answer.reason))`;
      const { stdout } = spawnSync(process.execPath, ["-e", script], { uid: 65534, encoding: "utf8" });
      assert.equal(stdout, "EACCES permission denied; run as root\n");
      chmodSync(`${root}${DEVICE}/${name}`, 0o644);
    }
    writeFileSync(`${root}${DEVICE}/driver_override`, "driver_override\nline 2\n");
  });
});

describe("openLinux and locks", () => {
  it("knows which attributes wait for one", () => {
    for (const name of LOCKED) assert.ok(waitsForLock(`${DEVICE}/${name}`));
    assert.ok(waitsForLock(`${DEVICE}/net/eth0/speed`));
    assert.ok(waitsForLock("/sys/class/net/eth0/carrier"));
    assert.ok(!waitsForLock(`${DEVICE}/speed`));
    assert.ok(!waitsForLock(`${DEVICE}/vendor`));
  });

  it("reads one, and many at once", async () => {
    const kernel = openLinux(root);
    assert.equal(await text(kernel, `${DEVICE}/sriov_numvfs`), "sriov_numvfs\nline 2\n");
    const paths = [...LOCKED, "none/uevent", "uevent"].map((name) => `${DEVICE}/${name}`);
    assert.deepEqual(await Promise.all(paths.map((path) => text(kernel, path))), [
      ...LOCKED.map((name) => `${name}\nline 2\n`),
      "ENOENT",
      "uevent\nline 2\n",
    ]);
    assert.equal(await text(kernel, `${DEVICE}/uevent`, 3), "uev");
  });

  it("gives ETIMEDOUT for the one that blocks and the others' content", async () => {
    const programs = {
      head: program("head", "sleep 5"),
      cat: program("cat", 'case "$path" in *numvfs) exec sleep 5;; *) exec cat "$path";; esac'),
    };
    const kernel = openLinux(root, { deadline: { deadlineMs: 400, programs } });
    const begin = performance.now();
    const answers = await Promise.all(LOCKED.map((name) => text(kernel, `${DEVICE}/${name}`)));
    assert.deepEqual(answers, ["ETIMEDOUT", "driver_override\nline 2\n", "uevent\nline 2\n"]);
    assert.ok(performance.now() - begin < 1500);
  });

  it("gives the errno that the kernel gave", async () => {
    const cat = program("cat", 'echo "cat: $path: Operation not supported" >&2; exit 1');
    const broken = program(
      "head",
      'printf "==> %s <==\\n" "$path"; echo "head: error reading \'$path\': Invalid argument" >&2',
    );
    const one = openLinux(root, { deadline: { programs: { head: broken, cat } } });
    assert.equal(await text(one, `${DEVICE}/uevent`), "EOPNOTSUPP");
    assert.deepEqual(await Promise.all(LOCKED.map((name) => text(one, `${DEVICE}/${name}`))), [
      "EINVAL",
      "EINVAL",
      "EINVAL",
    ]);
    // As busybox, whose head tells no error.
    const silent = program("head", '[ "$next" ] && echo; next=1; printf "==> %s <==\\n" "$path"');
    const two = openLinux(root, { deadline: { programs: { head: silent, cat } } });
    assert.deepEqual(
      await Promise.all(LOCKED.map((name) => text(two, `${DEVICE}/${name}`))),
      LOCKED.map(() => "EOPNOTSUPP"),
    );
  });

  it("does without programs", async () => {
    const kernel = openLinux(root, { deadline: { programs: { head: "/none", cat: "/none" } } });
    assert.deepEqual(
      await Promise.all(LOCKED.map((name) => text(kernel, `${DEVICE}/${name}`))),
      LOCKED.map((name) => `${name}\nline 2\n`),
    );
  });

  it("lets the process end while a child hangs", () => {
    const programs = { head: program("head", "exec sleep 20"), cat: program("cat", "trap '' TERM; exec sleep 20") };
    const script = `import(${JSON.stringify(new URL("./linux-kernel.ts", import.meta.url).href)})
      .then(({ openLinux }) => openLinux(${JSON.stringify(root)}, { deadline: { deadlineMs: 200, programs: ${JSON.stringify(programs)} } })
      .read(${JSON.stringify(`${DEVICE}/uevent`)})).then((answer) => console.log(answer.errno))`;
    const begin = performance.now();
    const { stdout } = spawnSync(process.execPath, ["-e", script], { encoding: "utf8" });
    assert.equal(stdout, "ETIMEDOUT\n");
    assert.ok(performance.now() - begin < 5000);
  });
});

describe("openLinux on this machine", { skip: !existsSync("/sys/bus/pci/devices") && "no PCI bus" }, () => {
  it("reads every function", async () => {
    const kernel = openLinux();
    const names = await kernel.list("/sys/bus/pci/devices");
    assert.ok(!isUnread(names));
    for (const name of names) {
      assert.match(await text(kernel, `/sys/bus/pci/devices/${name}/vendor`), /^0x[0-9a-f]{4}\n$/);
      const config = await kernel.read(`/sys/bus/pci/devices/${name}/config`);
      assert.ok(!isUnread(config) && [64, 256, 4096].includes(config.length));
      assert.match(await text(kernel, `/sys/bus/pci/devices/${name}/uevent`), /^PCI_SLOT_NAME=/m);
    }
  });

  it("reads the log, or says why not", async () => {
    const log = await openLinux().log();
    if (isUnread(log)) assert.match(log.errno, /^(EPERM|EACCES|ENOENT)$/);
    else for (const line of log) assert.match(line, /^\[ *\d+\.\d{6}\] /);
  });
});
