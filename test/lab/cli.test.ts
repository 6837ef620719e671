/**
 * The reading commands on a real kernel: in a lab machine with VFs, what they print must be what sysfs, lspci and ip say
 * there (guest/cli.sh writes both down).
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { findImage } from "../../src/lab/image.ts";
import type { LabImage } from "../../src/lab/lab-image.ts";
import type { Machine } from "../../src/lab/machine.ts";
import { MACHINES } from "../../src/lab/machines.ts";
import { runScript } from "../../src/lab/run-script.ts";
import { ROOT } from "../dumps.ts";
import { requireTool } from "../require-tool.ts";

const BOOT_TIMEOUT_MS = 600_000;
const PF = "0000:01:00.0";
const VF = "0000:01:10.2";

// biome-ignore lint/suspicious/noExplicitAny: shapes are what is tested here
type Json = any;

describe("vfleet in a lab machine", { skip: requireTool("lab"), timeout: BOOT_TIMEOUT_MS }, () => {
  let out: string;
  let facts: readonly (readonly [bdf: string, name: string, value: string])[];

  before(
    async () => {
      out = mkdtempSync(join(tmpdir(), "vfleet-cli-"));
      let output = "";
      const { exitCode } = await runScript({
        image: findImage() as LabImage,
        machine: MACHINES.find(({ name }) => name === "igb-nvme") as Machine,
        script: join(import.meta.dirname, "guest/cli.sh"),
        outFolder: out,
        timeoutMs: BOOT_TIMEOUT_MS,
        signal: AbortSignal.timeout(BOOT_TIMEOUT_MS),
        onOutput: (text) => {
          output += text;
        },
      });
      assert.equal(exitCode, 0, output);
      facts = read("facts.txt")
        .trimEnd()
        .split("\n")
        .map((line) => {
          const [, bdf = "", name = "", value = ""] = /^(\S+) (\S+) ?(.*)$/.exec(line) ?? [];
          return [bdf, name, value] as const;
        });
    },
    { timeout: BOOT_TIMEOUT_MS },
  );
  after(() => rmSync(out, { recursive: true, force: true }));

  function read(name: string): string {
    return readFileSync(join(out, name), "utf8");
  }

  function json(name: string): Json {
    return JSON.parse(read(name));
  }

  /** What sysfs has of a function, by the attribute's or link's name. */
  function all(bdf: string, name: string): string[] {
    return facts.filter((fact) => fact[0] === bdf && fact[1] === name).map(([, , value]) => value);
  }

  function fact(bdf: string, name: string): string | undefined {
    return all(bdf, name)[0];
  }

  function addressesWith(name: string): string[] {
    return facts.filter((entry) => entry[1] === name).map(([bdf]) => bdf);
  }

  function vfsOf(pf: string): string[] {
    return Array.from({ length: Number(fact(pf, "sriov_numvfs")) }, (_, index) => fact(pf, `virtfn${index}`) ?? "");
  }

  /** What lspci says of a function. */
  function lspci(bdf: string): string {
    return (
      read("lspci.txt")
        .split("\n\n")
        .find((text) => text.startsWith(bdf)) ?? ""
    );
  }

  function assertFunction(shown: Json): void {
    const { bdf } = shown;
    assert.equal(shown.vendorId, Number(fact(bdf, "vendor")));
    assert.equal(shown.deviceId, Number(fact(bdf, "device")));
    assert.equal(shown.driver, fact(bdf, "driver") ?? null);
    assert.equal(shown.iommuGroup, Number(fact(bdf, "iommu_group")));
    assert.equal(shown.numaNode, fact(bdf, "numa_node") === "-1" ? null : Number(fact(bdf, "numa_node")));
    assert.deepEqual(shown.devices.net, all(bdf, "net"));
    assert.deepEqual(shown.unknown, {});
  }

  test("each command ends as it should", () => {
    const codes = Object.fromEntries(
      read("codes.txt")
        .trimEnd()
        .split("\n")
        .map((line) => line.split(" ")),
    );
    for (const [name, code] of Object.entries(codes)) {
      assert.equal(code, name === "preflight-more" ? "3" : "0", `${name}: ${read(`${name}.errors`)}`);
      if (name !== "capture") assert.equal(read(`${name}.errors`), "", name);
    }
    assert.equal(Object.keys(codes).length, 8);
  });

  test("scan --json: the host and its PFs are those of sysfs", () => {
    const [host] = json("scan").hosts;
    assert.equal(host.kernelRelease, fact("host", "release"));
    assert.equal(host.commandLine, fact("host", "cmdline"));
    assert.equal(host.iommuGroupCount, Number(fact("host", "groups")));
    assert.deepEqual(host.iommuUnits, ["VT-d"]);
    assert.equal(host.functionCount, read("lspci.txt").trim().split("\n\n").length);
    assert.deepEqual(
      host.physicalFunctions.map(({ bdf }: Json) => bdf),
      addressesWith("sriov_totalvfs"),
    );
    for (const pf of host.physicalFunctions) {
      assertFunction(pf);
      assert.equal(pf.parent, fact(pf.bdf, "parent"));
      assert.equal(pf.sriov.totalVfs, Number(/Total VFs: (\d+)/.exec(lspci(pf.bdf))?.[1]));
      assert.equal(pf.sriov.driverLimit, Number(fact(pf.bdf, "sriov_totalvfs")));
      assert.equal(pf.sriov.numVfs, Number(fact(pf.bdf, "sriov_numvfs")));
      assert.equal(pf.sriov.firstVfOffset, Number(fact(pf.bdf, "sriov_offset")));
      assert.equal(pf.sriov.vfStride, Number(fact(pf.bdf, "sriov_stride")));
      assert.deepEqual(pf.sriov.vfs, vfsOf(pf.bdf));
      const [, speed, width] = /LnkSta:\s+Speed (\S+)GT\/s(?: \(\w+\))?, Width (x\d+)/.exec(lspci(pf.bdf)) ?? [];
      assert.equal(pf.link, `${speed} GT/s ${width}`);
      assert.equal(pf.ready, "yes");
    }
    assert.deepEqual(
      host.physicalFunctions.map(({ sriov }: Json) => sriov.vfs.length),
      [3, 0, 0, 2],
    );
  });

  test("scan --tree: every function that is no VF is below its bridge", () => {
    const above: string[] = [];
    const shown: [string, string | undefined][] = [];
    for (const line of read("tree").split("\n")) {
      const [, branch, bdf] = /^([ │]*[├└]─ )([0-9a-f]{2}:[0-9a-f]{2}\.[0-7]) /.exec(line) ?? [];
      if (branch === undefined || bdf === undefined) continue;
      const depth = branch.length / 3 - 1;
      above[depth] = `0000:${bdf}`;
      shown.push([`0000:${bdf}`, depth === 0 ? "pci0000:00" : above[depth - 1]]);
    }
    const expected = addressesWith("vendor")
      .filter((bdf) => fact(bdf, "physfn") === undefined)
      .map((bdf) => [bdf, fact(bdf, "parent")]);
    assert.deepEqual(shown.toSorted(), expected.toSorted());
    assert.match(read("tree"), /VFs 0-2: 01:10\.0 \.\. 01:10\.4, igbvf x3/);
  });

  test("show PF --json: registers, resources and group", () => {
    const shown = json("show-pf");
    assertFunction(shown);
    assertResources(shown);
    const sriov = shown.registers.extendedCapabilities.find(({ id }: Json) => id === 0x10);
    const text = lspci(PF);
    const [, initial, total, number] = /Initial VFs: (\d+), Total VFs: (\d+), Number of VFs: (\d+)/.exec(text) ?? [];
    assert.deepEqual([sriov.initialVfs, sriov.totalVfs, sriov.numVfs], [initial, total, number].map(Number));
    assert.equal(sriov.vfEnable, /IOVCtl:\s+Enable\+/.test(text));
    assert.deepEqual(shown.groupMembers, groupOf(PF));
  });

  test("show VF --json: whose it is, and the settings that its PF's driver reports", () => {
    const shown = json("show-vf");
    assertFunction(shown);
    assertResources(shown);
    assert.equal(shown.physfn, fact(VF, "physfn"));
    assert.equal(fact(PF, `virtfn${shown.vfIndex}`), VF);
    assert.equal(shown.driver, "igbvf");
    assert.deepEqual(shown.groupMembers, groupOf(VF));
    const setting = json("ip-link.json")[0].vfinfo_list[shown.vfIndex];
    assert.equal(shown.settings.mac, setting.address);
    assert.deepEqual([shown.settings.vlan, shown.settings.qos], [100, 2]);
    assert.deepEqual([setting.vlan_list[0].vlan, setting.vlan_list[0].qos], [100, 2]);
    assert.equal(shown.settings.spoofCheck, setting.spoofchk);
    assert.equal(shown.settings.trust, setting.trust);
  });

  function groupOf(bdf: string): string[] {
    const group = fact(bdf, "iommu_group");
    return addressesWith("iommu_group").filter((other) => fact(other, "iommu_group") === group);
  }

  function assertResources({ bdf, resources }: Json): void {
    const assigned = all(bdf, "resource").flatMap((line, index) => {
      const [start = "", end = "", flags = ""] = line.split("-");
      return BigInt(start) === 0n ? [] : [[index, BigInt(start), BigInt(end), BigInt(flags)]];
    });
    assert.deepEqual(
      resources.map(({ index, start, end, flags }: Json) => [index, BigInt(start), BigInt(end), BigInt(flags)]),
      assigned,
    );
  }

  test("preflight --json: each PF, and how many VFs it could have", () => {
    const { preflights } = json("preflight");
    assert.deepEqual(
      preflights.map(({ bdf, largest }: Json) => [bdf, largest]),
      addressesWith("sriov_totalvfs").map((bdf) => [bdf, Number(fact(bdf, "sriov_totalvfs"))]),
    );
    for (const { verdict } of preflights) assert.ok(verdict === "pass" || verdict === "warn");
  });

  test("preflight --vfs 5 --use vfio --json: refused where there are 3 VFs, not where there are none", () => {
    const [more] = json("preflight-more").preflights;
    assert.deepEqual([more.bdf, more.asked, more.use, more.verdict], [PF, 5, "vfio", "refuse"]);
    const refusals = more.findings.filter(({ result }: Json) => result === "refuse");
    assert.deepEqual(
      refusals.map(({ check, errno }: Json) => [check, errno]),
      [["present-vfs", "EBUSY"]],
    );
    const [other] = json("preflight-other").preflights;
    assert.deepEqual([other.bdf, other.asked, other.use], ["0000:01:00.1", 5, "vfio"]);
    assert.ok(other.verdict === "pass" || other.verdict === "warn");
  });

  test("capture: a scan of the archive elsewhere says what the scan there said", () => {
    const source = `snapshot:${join(out, "host.tar.gz")}`;
    const text = execFileSync(process.execPath, [join(ROOT, "src/cli/main.ts"), "scan", "--json", "--source", source], {
      encoding: "utf8",
    });
    const [elsewhere] = JSON.parse(text).hosts;
    const [there] = json("scan").hosts;
    assert.deepEqual({ ...elsewhere, source: null }, { ...there, source: null });
  });
});
