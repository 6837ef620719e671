import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { hostWithPf, pf, rootPort, type TestFunction, type TestHost } from "../../host/testing/host-builder.ts";
import { type ConfigOptions, configSpace } from "../../pci/testing/config-builder.ts";

const ROOT = join(import.meta.dirname, "../../..");
let folder = "";

before(() => {
  folder = mkdtempSync(join(tmpdir(), "vfleet-preflight-"));
});
after(() => rmSync(folder, { recursive: true }));

function run(...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, ["src/cli/main.ts", "preflight", ...args], { cwd: ROOT, encoding: "utf8" });
}

/** Writes what `lspci -xxxx` prints of the functions. */
function dump(name: string, functions: Readonly<Record<string, { readonly config: ConfigOptions }>>): string {
  const text = Object.entries(functions).map(([address, { config }]) => {
    const { bytes } = configSpace(config);
    const rows = Array.from({ length: bytes.length / 16 }, (_, row) => {
      const cells = [...bytes.subarray(row * 16, row * 16 + 16)].map((byte) => byte.toString(16).padStart(2, "0"));
      return `${(row * 16).toString(16).padStart(2, "0")}: ${cells.join(" ")}`;
    });
    return `${address} Class\n${rows.join("\n")}\n`;
  });
  const path = join(folder, name);
  writeFileSync(path, text.join("\n"));
  return `lspci:${path}`;
}

/** Writes a host as a folder with `sys` and `proc` in it, and groups where `groups` says so. */
function snapshot(name: string, functions: Readonly<Record<string, TestFunction>>, groups: boolean): string {
  const root = join(folder, name);
  const put = (path: string, content: string | Uint8Array) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  };
  mkdirSync(join(root, "sys/kernel/iommu_groups"), { recursive: true });
  for (const [index, [address, fn]] of Object.entries(functions).entries()) {
    const device = `sys/bus/pci/devices/${address}`;
    put(`${device}/config`, configSpace(fn.config).bytes);
    put(`${device}/uevent`, `PCI_SLOT_NAME=${address}\n`);
    for (const [file, content] of Object.entries(fn.files ?? {})) put(`${device}/${file}`, content ?? "");
    if (fn.driver) symlinkSync(`../../drivers/${fn.driver}`, join(root, device, "driver"));
    if (!groups) continue;
    mkdirSync(join(root, `sys/kernel/iommu_groups/${index}`));
    symlinkSync(`../../../../kernel/iommu_groups/${index}`, join(root, device, "iommu_group"));
  }
  put("proc/cmdline", "quiet\n");
  put("proc/interrupts", " 24: 0 IR-PCI-MSIX-0000:01:00.0 0-edge\n");
  put("proc/modules", "vfio_pci 1 0 - Live 0x0\n");
  put("proc/net/route", "Iface\n");
  put("proc/net/ipv6_route", "");
  return `snapshot:${root}`;
}

const igb: TestHost["functions"] = hostWithPf({ driverLimit: 7 }).functions;

describe("vfleet preflight", () => {
  it("ends with 3 where VFs for guests are refused for want of an IOMMU, with 0 where one is on", () => {
    const off = run("01:00.0", "--use", "vfio", "--source", snapshot("off", igb, false));
    assert.equal(off.status, 3, off.stderr);
    assert.match(off.stdout, /no IOMMU is on: VFIO cannot pass VFs to guests/);
    const on = run("01:00.0", "--use", "vfio", "--source", snapshot("on", igb, true));
    assert.equal(on.status, 0, on.stdout);
    assert.match(on.stdout, /7 VFs/);
  });

  it("ends with 3 for more VFs than the driver offers, and with 0 for as many", () => {
    const source = snapshot("limits", igb, true);
    assert.equal(run("01:00.0", "--vfs", "8", "--source", source).status, 3);
    assert.equal(run("01:00.0", "--vfs", "7", "--source", source).status, 0);
  });

  it("refuses an 82599 that loses ARI, from a dump: bus 84 out of range of [bus 83]", () => {
    const ixgbe = { deviceId: 0x10fb, totalVfs: 64, firstVfOffset: 384, ari: false, ariCapableHierarchy: false };
    const functions = { "80:02.0": rootPort(0x83, { ari: false }), "83:00.0": pf("0000:83:00.0", ixgbe) };
    const { status, stdout } = run("83:00.0", "--vfs", "63", "--json", "--source", dump("82599", functions));
    assert.equal(status, 3, stdout);
    const [result] = JSON.parse(stdout).preflights;
    assert.deepEqual([result.verdict, result.largest], ["refuse", 0]);
    const bus = result.findings.find(({ check }: { check: string }) => check === "bus-numbers");
    assert.match(bus.summary, /bus 84 out of range of \[bus 83\]/);
    assert.equal(bus.code, "VFL-0106");
  });

  it("says unknown of a dump in which nothing refuses, and ends with 0", () => {
    const { status, stdout } = run("01:00.0", "--vfs", "4", "--json", "--source", dump("igb", igb));
    assert.equal(status, 0, stdout);
    assert.equal(JSON.parse(stdout).preflights[0].verdict, "unknown");
  });

  it("ends with 2 for a function that is no PF, and one that is not there", () => {
    const source = dump("usage", igb);
    const port = run("00:01.0", "--source", source);
    assert.deepEqual([port.status, /VFL-0014/.test(port.stderr)], [2, true]);
    assert.equal(run("7f:00.0", "--source", source).status, 2);
    assert.equal(run("01:00.0", "--vfs", "0", "--source", source).status, 2);
  });
});
