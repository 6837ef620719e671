import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import fc from "fast-check";
import { openLinux } from "../../kernel/linux/linux-kernel.ts";
import { isUnread, type Kernel, unread } from "../../kernel/port.ts";
import type { CaptureEntry, CaptureManifest } from "../../kernel/port-capture.ts";
import { MemoryTree } from "../../kernel/snapshot/memory-tree.ts";
import { openSnapshot } from "../../kernel/snapshot/snapshot-kernel.ts";
import { treeKernel } from "../../kernel/snapshot/tree-kernel.ts";
import { writeCapture } from "../../kernel/write-capture.ts";
import { gatherHost } from "./gather-host.ts";

const temporary = mkdtempSync(join(tmpdir(), "vfleet-capture-"));
after(() => rmSync(temporary, { recursive: true }));
const OPTIONS = { vfleetVersion: "1.2.3", time: new Date("2026-01-02T03:04:05Z") };

const PF = "0000:3b:00.0";
const VF = "0000:3b:02.0";
const PF_FOLDER = `/sys/devices/pci0000:3a/0000:3a:00.0/${PF}`;
const VF_FOLDER = `/sys/devices/pci0000:3a/0000:3a:00.0/${VF}`;
const MAC = "a0:36:9f:12:34:56";
const NAMED = "enxa0369f123456";
const HOST_NAME = "db7.secret-corp.example";
const SERIAL = new Uint8Array([0x56, 0x34, 0x12, 0xff, 0xff, 0x9f, 0x36, 0xa0]);

/** What must not be found in an anonymised archive, in any writing. */
const SECRETS = [
  "a0:36:9f",
  "a0-36-9f",
  "a0369f",
  "a2369ffffe123456",
  "123456",
  "192.168.77",
  "C0A84D",
  "4DA8C0",
  "2001:db8:77",
  "20010db800770000",
  "secret",
  "S3CR3T",
  "4c4c4544-0042",
  "a1b2c3d4e5f60718",
];

function config(): Uint8Array {
  const bytes = new Uint8Array(4096);
  const view = new DataView(bytes.buffer);
  view.setUint16(0x00, 0x8086, true);
  view.setUint16(0x06, 0x10, true);
  view.setUint8(0x34, 0x40);
  view.setUint16(0x40, 0x0003, true); // VPD, the last one
  bytes.set(new TextEncoder().encode("S3CR3T"), 0x44 - 2); // address register, then 4 bytes of data
  view.setUint16(0x42, 0x8000, true);
  view.setUint32(0x100, 0x1400_0000 | 0x1_0001, true); // AER
  view.setUint32(0x140, 0x1_0003, true); // Device Serial Number
  bytes.set(SERIAL, 0x144);
  bytes[0x14c] = 0x5a;
  return bytes;
}

function host(): { tree: MemoryTree; kernel: Kernel; touched: Set<string> } {
  const tree = new MemoryTree();
  for (const [address, folder] of [
    [PF, PF_FOLDER],
    [VF, VF_FOLDER],
  ] as const) {
    tree.addLink(`/sys/bus/pci/devices/${address}`, `../../..${folder.slice(4)}`);
    tree.addFile(`${folder}/vendor`, "0x8086\n");
    tree.addFile(`${folder}/uevent`, `PCI_SLOT_NAME=${address}\n`);
    tree.addFile(`${folder}/config`, config());
    tree.addLink(`${folder}/iommu_group`, "../../../../kernel/iommu_groups/61");
    tree.addFile(`${folder}/reset`, "");
    for (const name of [
      "vpd",
      "rom",
      "resource0",
      "resource0_wc",
      "remove",
      "rescan",
      "serial_number",
      "p2pmem/size",
    ]) {
      tree.addFile(`${folder}/${name}`, "S3CR3T");
    }
    tree.addFile(`/sys/kernel/iommu_groups/61/type`, "DMA\n");
    tree.addLink(`/sys/kernel/iommu_groups/61/devices/${address}`, `../../../../${folder.slice(5)}`);
  }
  tree.addFile(`${PF_FOLDER}/sriov_totalvfs`, "64\n");
  tree.addFile(`${PF_FOLDER}/sriov_numvfs`, "1\n");
  tree.addLink(`${PF_FOLDER}/virtfn0`, `../${VF}`);
  tree.addLink(`${VF_FOLDER}/physfn`, `../${PF}`);
  tree.addLink(`${PF_FOLDER}/driver`, "../../../../bus/pci/drivers/i40e");
  tree.addLink("/sys/bus/pci/drivers/i40e/module", "../../../../module/i40e");
  tree.addLink(`/sys/bus/pci/drivers/i40e/${PF}`, `../../../..${PF_FOLDER.slice(4)}`);
  tree.addFile("/sys/bus/pci/drivers/i40e/new_id", "S3CR3T");
  tree.addFile("/sys/module/i40e/version", "2.8.20.4\n");
  tree.addFile("/sys/module/i40e/parameters/debug", "0\n");
  tree.addFile("/sys/module/vfio_pci/parameters/enable_sriov", "N\n");
  tree.addFile("/sys/module/wireguard/parameters/key", "S3CR3T");
  tree.addFile(`${PF_FOLDER}/msi_irqs/120`, "msix\n");
  const net = `${PF_FOLDER}/net/${NAMED}`;
  tree.addLink(`/sys/class/net/${NAMED}`, `../..${net.slice(4)}`);
  tree.addFile(`${net}/address`, `${MAC}\n`);
  tree.addFile(`${net}/ifindex`, "3\n");
  tree.addFile(`${net}/phys_switch_id`, "a1b2c3d4e5f60718\n");
  tree.addFile(`${net}/ifalias`, "S3CR3T");
  tree.addLink(`${net}/master`, "../../../../../virtual/net/bond0");
  tree.addLink(`${net}/upper_bond0`, "../../../../../virtual/net/bond0");
  tree.addFile("/sys/class/net/bonding_masters", "bond0\n");
  const bond = "/sys/devices/virtual/net/bond0";
  tree.addLink("/sys/class/net/bond0", "../../devices/virtual/net/bond0");
  tree.addFile(`${bond}/address`, `${MAC}\n`);
  tree.addFile(`${bond}/bonding/slaves`, `${NAMED}\n`);
  tree.addLink(`${bond}/lower_${NAMED}`, `../../..${net.slice(12)}`);
  tree.addFile(`${VF_FOLDER}/nvme/nvme0/model`, "Fast Disk\n");
  tree.addFile(`${VF_FOLDER}/nvme/nvme0/serial`, "S3CR3T\n");
  tree.addFile(`${VF_FOLDER}/nvme/nvme0/subsysnqn`, "nqn.2014.S3CR3T\n");
  tree.addFile(`${VF_FOLDER}/nvme/nvme0/nvme0n1/size`, "1\n");
  tree.addFile(`${PF_FOLDER}/infiniband/mlx5_0/node_guid`, "a036:9f00:0012:3456\n");
  tree.addFile("/sys/firmware/acpi/tables/DMAR", "S3CR3T");
  tree.addFile("/sys/firmware/acpi/tables/SLIC", "S3CR3T");
  tree.addFile("/sys/devices/virtual/dmi/id/product_serial", "S3CR3T\n");
  tree.addFile("/sys/devices/virtual/dmi/id/product_uuid", "4c4c4544-0042-3510-8051-b2c04f4a4d32\n");
  tree.addFile("/sys/devices/virtual/dmi/id/bios_version", "2.10.2.1\n");
  tree.addFile(
    "/proc/cmdline",
    `BOOT_IMAGE=/vmlinuz-6.1 root=UUID=4c4c4544-0042-3510-8051-b2c04f4a4d32 ro intel_iommu=on iommu=pt ip=192.168.77.5 pci=realloc ixgbe.max_vfs=8 hostname="secret one" token -- secret\n`,
  );
  tree.addFile("/proc/version", "Linux version 6.1.0-18-amd64 (root@secret-builder) (gcc 12) #1 SMP\n");
  tree.addFile("/proc/sys/kernel/hostname", `${HOST_NAME}\n`);
  tree.addFile("/proc/sys/kernel/domainname", "(none)\n");
  tree.addFile("/proc/sys/kernel/arch", "x86_64\n");
  tree.addFile(
    "/proc/modules",
    "i40e 573440 0 - Live 0xffffffffc0a00000\nvfio 69632 2 - Live 0xffffffffc0900000 (E)\n",
  );
  tree.addFile(
    "/proc/iomem",
    "00001000-0009ffff : System RAM\n  01000000-01ffffff : Kernel code\nf0000000-f0ffffff : 0000:3b:00.0\n",
  );
  tree.addFile("/proc/meminfo", "MemTotal:  1 kB\nMemFree: 2 kB\nHugePages_Total: 3\n");
  tree.addFile(
    "/proc/net/route",
    `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\n${NAMED}\t00000000\t014DA8C0\t0003\t0\t0\t0\t00000000\t0\n${NAMED}\t004DA8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\n`,
  );
  const zeros = "0".repeat(32);
  tree.addFile(
    "/proc/net/ipv6_route",
    `${zeros} 00 ${zeros} 00 20010db8007700000000000000000001 00000400 00000001 00000000 00000003     ${NAMED}\nfe80${"0".repeat(28)} 40 ${zeros} 00 ${zeros} 00000100 00000001 00000000 00000001     ${NAMED}\n`,
  );
  tree.addFile(
    "/proc/net/if_inet6",
    `fe80000000000000a2369ffffe123456 03 40 20 80 ${NAMED}\n${"0".repeat(31)}1 01 80 10 80 lo\n`,
  );
  tree.addFile(
    "/proc/mounts",
    "proc /proc proc rw 0 0\n/dev/nvme0n1p1 / ext4 rw,relatime 0 0\n/dev/mapper/secret-home /home/secret ext4 ro 0 0\nnas:/secret /mnt nfs rw 0 0\n",
  );
  tree.addFile("/proc/swaps", "Filename\tType\n/dev/nvme0n1p2 partition 1\n/home/secret/swap file 1\n");
  tree.addFile("/proc/interrupts", `           CPU0\n 120:   1   IR-PCI-MSIX-${PF}   0-edge   i40e-${NAMED}-TxRx-0\n`);
  tree.addFile(
    "/kernel.log",
    [
      "[    0.000000] Command line: root=S3CR3T intel_iommu=on",
      "[    1.000000] DMAR: IOMMU enabled",
      "[    2.000000] usb 1-1: SerialNumber: S3CR3T",
      `[    3.000000] i40e ${PF}: MAC address: ${MAC}`,
      `[    3.100000] i40e ${PF}: fw 6.0.48442 api 1.7 nvm 6.01 0x80003554 version 2.8.20.4 on ${HOST_NAME}, db7`,
      `[    3.200000] i40e ${VF}: serial number: S3CR3T1 from 192.168.77.9 and 2001:db8:77::9 a036.9f12.3456`,
      `[    3.300000] vfio-pci: 4c4c4544-0042-3510-8051-b2c04f4a4d32 bus 3b:00.0`,
      "",
    ].join("\n"),
  );
  const kernel = treeKernel(tree, { kind: "snapshot", name: "snapshot:made-up", complete: true });
  const touched = new Set<string>();
  return {
    tree,
    touched,
    kernel: {
      ...kernel,
      async read(path, limit) {
        touched.add(path);
        return path === `${PF_FOLDER}/sriov_numvfs` || path === `/sys/bus/pci/devices/${PF}/sriov_numvfs`
          ? unread(path, "ETIMEDOUT")
          : kernel.read(path, limit);
      },
    },
  };
}

async function gather(kernel: Kernel, anonymise: boolean): Promise<Map<string, CaptureEntry>> {
  const entries = new Map<string, CaptureEntry>();
  let last = "";
  for await (const entry of gatherHost(kernel, { ...OPTIONS, anonymise })) {
    assert.ok(entry.path > last, "sorted, each path once");
    last = entry.path;
    entries.set(entry.path, entry);
  }
  return entries;
}

function text(entries: ReadonlyMap<string, CaptureEntry>, path: string): string {
  const entry = entries.get(path);
  return entry?.kind === "file" ? new TextDecoder("latin1").decode(entry.content) : `no file ${path}`;
}

describe("gatherHost", () => {
  it("keeps the layout of sysfs, with its links", async () => {
    const entries = await gather(host().kernel, false);
    assert.deepEqual(entries.get(`/sys/bus/pci/devices/${PF}`), {
      path: `/sys/bus/pci/devices/${PF}`,
      kind: "link",
      target: `../../../devices/pci0000:3a/0000:3a:00.0/${PF}`,
    });
    const paths = [...entries.keys()].map((path) => path.replace(PF_FOLDER, "PF").replace(VF_FOLDER, "VF"));
    for (const path of [
      "PF/config",
      "PF/driver",
      "PF/infiniband/mlx5_0",
      "PF/iommu_group",
      "PF/msi_irqs/120",
      `PF/net/${NAMED}/master`,
      "PF/reset",
      "PF/virtfn0",
      "VF/nvme/nvme0/model",
      "VF/nvme/nvme0/nvme0n1",
      "VF/physfn",
      "/sys/bus/pci/drivers/i40e/module",
      "/sys/devices/virtual/net/bond0/bonding/slaves",
      `/sys/devices/virtual/net/bond0/lower_${NAMED}`,
      `/sys/kernel/iommu_groups/61/devices/${VF}`,
      "/sys/firmware/acpi/tables/DMAR",
      "/sys/module/i40e/parameters/debug",
      "/sys/module/vfio_pci/parameters/enable_sriov",
      "/kernel.log",
      "/proc/mounts",
    ]) {
      assert.ok(paths.includes(path), path);
    }
  });

  it("reads nothing but what is allowed", async () => {
    const { kernel, touched } = host();
    const entries = await gather(kernel, false);
    const forbidden =
      /\/(?:vpd|rom|resource\d|resource\d_wc|remove|rescan|reset|serial.*|product_.*|new_id|subsysnqn|node_guid|ifalias|key|DMAR|SLIC)$/;
    assert.deepEqual(
      [...touched].filter((path) => forbidden.test(path) && !path.endsWith("product_name")),
      [],
    );
    for (const entry of entries.values()) {
      if (entry.kind === "file" && !/\/(?:config|kernel\.log|cmdline)$/.test(entry.path))
        assert.ok(!text(entries, entry.path).includes("S3CR3T"), entry.path);
    }
  });

  it("keeps what the log says on such matters, without addresses of the kernel", async () => {
    const entries = await gather(host().kernel, false);
    assert.equal(
      text(entries, "/kernel.log")
        .match(/^\[ {4}\d\.\d{6}\]/gm)
        ?.join(""),
      "[    1.000000][    3.000000][    3.100000][    3.200000][    3.300000]",
    );
    assert.equal(
      text(entries, "/proc/modules"),
      "i40e 573440 0 - Live 0x0000000000000000\nvfio 69632 2 - Live 0x0000000000000000 (E)\n",
    );
    assert.equal(text(entries, "/proc/iomem"), "00001000-0009ffff : System RAM\nf0000000-f0ffffff : 0000:3b:00.0\n");
    assert.equal(text(entries, "/proc/meminfo"), "MemTotal:  1 kB\nHugePages_Total: 3\n");
  });

  it("says of itself what it is", async () => {
    const manifest = JSON.parse(text(await gather(host().kernel, false), "/vfleet-capture.json")) as CaptureManifest;
    const { scopes, ...rest } = manifest;
    for (const scope of ["/sys/bus/pci", "/sys/module/i40e", "/sys/module/vfio_pci", "/proc/cmdline"]) {
      assert.ok(scopes.includes(scope), scope);
    }
    assert.deepEqual(rest, {
      format: 1,
      complete: true,
      vfleetVersion: "1.2.3",
      kernelRelease: "6.1.0-18-amd64",
      machine: "x86_64",
      time: "2026-01-02T03:04:05.000Z",
      anonymised: false,
      unread: [{ path: `${PF_FOLDER}/sriov_numvfs`, errno: "ETIMEDOUT" }],
      presenceOnly: [
        "/sys/firmware/acpi/tables/DMAR",
        `${PF_FOLDER}/msi_irqs/*`,
        `${PF_FOLDER}/reset`,
        `${VF_FOLDER}/reset`,
      ].sort(),
    });
  });
});

describe("gatherHost with anonymise", () => {
  it("leaves no secret anywhere", async () => {
    const entries = await gather(host().kernel, true);
    for (const [path, entry] of entries) {
      const all = `${path}\n${entry.kind === "link" ? entry.target : ""}\n${entry.kind === "file" ? text(entries, path) : ""}`;
      for (const secret of SECRETS) {
        assert.ok(!all.toLowerCase().includes(secret.toLowerCase()), `${secret} in ${path}: ${all.slice(0, 400)}`);
      }
      const bytes = entry.kind === "file" ? Buffer.from(entry.content) : Buffer.alloc(0);
      for (const serial of [
        SERIAL,
        SERIAL.toReversed(),
        SERIAL.subarray(5).toReversed(),
        new TextEncoder().encode("S3CR"),
      ]) {
        assert.equal(bytes.indexOf(serial), -1, path);
      }
    }
  });

  it("keeps what matters", async () => {
    const entries = await gather(host().kernel, true);
    assert.equal(
      text(entries, "/proc/cmdline"),
      "BOOT_IMAGE=REDACTED root=REDACTED ro intel_iommu=on iommu=pt ip=REDACTED pci=realloc ixgbe.max_vfs=8 hostname=REDACTED REDACTED -- REDACTED\n",
    );
    assert.equal(text(entries, "/proc/version"), "Linux version 6.1.0-18-amd64 (gcc 12) #1 SMP\n");
    const route = text(entries, "/proc/net/route").split("\n");
    assert.match(route[1] ?? "", /^enx020000000001\t00000000\t0\d00000A\t0003\t0\t0\t0\t00000000\t0$/);
    assert.match(route[2] ?? "", /^enx020000000001\t0\d00000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0$/);
    const zeros = "0".repeat(32);
    const [first, second] = text(entries, "/proc/net/ipv6_route").split("\n");
    assert.match(first ?? "", new RegExp(`^${zeros} 00 ${zeros} 00 20010db8[0-9a-f]{24} .* enx020000000001$`));
    assert.ok(second?.startsWith(`fe80${"0".repeat(28)} 40 `));
    assert.match(text(entries, "/proc/net/if_inet6"), /^fe80000000[0-9a-f]+ 03 40 20 80 enx020000000001\n0{31}1 /);
    const net = `${PF_FOLDER}/net/enx020000000001`;
    assert.equal(text(entries, `${net}/address`), "02:00:00:00:00:01\n");
    assert.equal(text(entries, "/sys/devices/virtual/net/bond0/bonding/slaves"), "enx020000000001\n");
    assert.deepEqual(entries.get("/sys/class/net/enx020000000001"), {
      path: "/sys/class/net/enx020000000001",
      kind: "link",
      target: `../..${net.slice(4)}`,
    });
    assert.equal(
      text(entries, "/proc/mounts"),
      "/dev/nvme0n1p1 / ext4 rw 0 0\n/dev/mapper/REDACTED-1 /REDACTED/2 ext4 ro 0 0\n",
    );
    assert.match(
      text(entries, "/kernel.log"),
      /fw 6\.0\.48442 api 1\.7 nvm 6\.01 0x80003554 version 2\.8\.20\.4 on REDACTED, REDACTED$/m,
    );
    assert.match(text(entries, "/kernel.log"), /MAC address: 02:00:00:00:00:01$/m);
    assert.equal(text(entries, "/sys/module/i40e/version"), "2.8.20.4\n");
    assert.equal(text(entries, "/sys/devices/virtual/dmi/id/bios_version"), "2.10.2.1\n");
    assert.equal(text(entries, `${VF_FOLDER}/nvme/nvme0/model`), "Fast Disk\n");
    const registers = entries.get(`${PF_FOLDER}/config`);
    assert.ok(registers?.kind === "file");
    const expected = config();
    expected.fill(0, 0x44, 0x48).fill(0, 0x144, 0x14c);
    assert.deepEqual(registers.content, expected);
  });

  it("replaces any address in any writing", async () => {
    const octets = fc.uint8Array({ minLength: 6, maxLength: 6 }).filter((bytes) => bytes.subarray(0, 3).some(Boolean));
    await fc.assert(
      fc.asyncProperty(octets, async (bytes) => {
        const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0"));
        const plain = hex.join("");
        const { tree, kernel } = host();
        tree.addFile(`${VF_FOLDER}/net/enx${plain}/address`, `${hex.join(":")}\n`);
        const log = [hex.join(":"), hex.join("-"), plain, hex.join(":").toUpperCase(), `x${plain}y`, `wlx${plain}`];
        tree.addFile("/kernel.log", log.map((word) => `[    1.000000] vfio ${word} end\n`).join(""));
        const entries = await gather(kernel, true);
        for (const [path, entry] of entries) {
          const all = `${path} ${entry.kind === "file" ? text(entries, path) : ""}`.toLowerCase();
          if (entry.kind === "file" && path.endsWith("/config")) continue;
          for (const word of log) assert.ok(!all.includes(word.toLowerCase()), `${word} in ${all}`);
        }
      }),
      { numRuns: 100 },
    );
  });

  it("gives an unchanged host the same archive", async () => {
    const a = join(temporary, "a.tar.gz");
    const b = join(temporary, "b.tar.gz");
    await writeCapture(a, gatherHost(host().kernel, { ...OPTIONS, anonymise: true }));
    await writeCapture(b, gatherHost(host().kernel, { ...OPTIONS, anonymise: true }));
    assert.deepEqual(readFileSync(a), readFileSync(b));
  });
});

describe("a capture that is opened again", () => {
  it("answers as the host did", async () => {
    const { kernel } = host();
    const path = join(temporary, "host.tar.gz");
    await writeCapture(path, gatherHost(kernel, OPTIONS));
    const again = await openSnapshot(path);
    assert.equal(again.source.complete, true);
    const device = `/sys/bus/pci/devices/${PF}`;
    for (const name of ["vendor", "config", "uevent", "sriov_totalvfs", "sriov_numvfs", "ari_enabled"]) {
      const then = await kernel.read(`${device}/${name}`);
      const now = await again.read(`${device}/${name}`);
      if (isUnread(then)) assert.ok(isUnread(now) && now.errno === then.errno, name);
      else assert.deepEqual(new Uint8Array(isUnread(now) ? [] : now), new Uint8Array(then), name);
    }
    assert.equal(await again.readLink(`${device}/driver`), await kernel.readLink(`${device}/driver`));
    assert.deepEqual(await again.list(`${device}/net`), [NAMED]);
    for (const [path, errno] of [
      [`${device}/none`, "ENOENT"],
      ["/sys/module/irdma/version", "ENOENT"],
      ["/proc/1/status", "ENODATA"],
      ["/sys/class/infiniband", "ENODATA"],
    ] as const) {
      const answer = await again.read(path);
      assert.ok(isUnread(answer) && answer.errno === errno, path);
    }
    // A capture of a capture is the same capture.
    const second = join(temporary, "again.tar.gz");
    await writeCapture(second, gatherHost(again, OPTIONS));
    const third = await openSnapshot(second);
    assert.deepEqual(await third.log(), await again.log());
    assert.deepEqual(
      await third.list("/sys/devices/pci0000:3a/0000:3a:00.0"),
      await again.list("/sys/devices/pci0000:3a/0000:3a:00.0"),
    );
  });

  it("is this machine", { skip: !existsSync("/sys/bus/pci/devices") && "no PCI bus" }, async () => {
    const here = openLinux();
    const path = join(temporary, "here.tar.gz");
    await writeCapture(path, gatherHost(here, OPTIONS));
    const again = await openSnapshot(path);
    const names = await here.list("/sys/bus/pci/devices");
    assert.deepEqual(await again.list("/sys/bus/pci/devices"), names);
    assert.ok(!isUnread(names));
    for (const name of names) {
      for (const file of ["vendor", "resource", "uevent", "driver_override"]) {
        const path = `/sys/bus/pci/devices/${name}/${file}`;
        const [then, now] = [await here.read(path), await again.read(path)];
        assert.ok(!isUnread(then) && !isUnread(now), path);
        assert.deepEqual(new Uint8Array(now), then);
      }
      assert.deepEqual(
        await again.readLink(`/sys/bus/pci/devices/${name}`),
        await here.readLink(`/sys/bus/pci/devices/${name}`),
      );
    }
  });
});
