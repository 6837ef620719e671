import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, test } from "node:test";

const ROOT = join(import.meta.dirname, "../..");

interface Json {
  readonly preflights: ReadonlyArray<{
    readonly bdf: string;
    readonly largest: number | null;
    readonly verdict: string;
    readonly findings: ReadonlyArray<{ readonly check: string; readonly result: string; readonly errno?: string }>;
  }>;
}

/** Runs the real command on a captured host. */
function preflight(host: string, ...args: string[]): { status: number | null; json: Json } {
  const source = `snapshot:${join(ROOT, "fixtures/hosts", `${host}.tar.gz`)}`;
  const run = spawnSync(process.execPath, ["src/cli/main.ts", "preflight", "--json", "--source", source, ...args], {
    cwd: ROOT,
    encoding: "utf8",
  });
  return { status: run.status, json: JSON.parse(run.stdout) as Json };
}

/**
 * What the kernel of each captured host answered when these numbers were written to sriov_numvfs there; the last two, of
 * a PF with VFs, as the same kernel answered on another run.
 */
const KERNEL_ANSWERS: ReadonlyArray<
  readonly [
    host: string,
    pf: string,
    vfs: number,
    errno: "OK" | "ERANGE" | "ENOMEM" | "EBUSY" | "EPERM",
    check?: string,
  ]
> = [
  ["igb-nvme", "0000:01:00.0", 1, "OK"],
  ["igb-nvme", "0000:01:00.0", 7, "OK"],
  ["igb-nvme", "0000:01:00.0", 8, "ERANGE", "limits"],
  ["igb-nvme", "0000:01:00.1", 7, "OK"],
  ["igb-nvme", "0000:01:00.1", 8, "ERANGE", "limits"],
  ["igb-nvme", "0000:02:00.0", 4, "OK"],
  ["igb-nvme", "0000:02:00.0", 5, "ERANGE", "limits"],
  ["igb-nvme", "0000:03:00.0", 3, "OK"],
  ["igb-nvme", "0000:03:00.0", 4, "ERANGE", "limits"],
  ["no-iommu", "0000:01:00.0", 2, "OK"],
  ["switch", "0000:03:00.0", 2, "OK"],
  ["narrow-bus", "0000:01:00.0", 1, "ENOMEM", "bus-numbers"],
  ["narrow-bus", "0000:02:00.0", 2, "ENOMEM", "bus-numbers"],
  ["small-window", "0000:01:00.0", 7, "OK"],
  ["small-window", "0000:01:00.1", 1, "ENOMEM", "vf-bar-space"],
  ["small-window", "0000:01:00.1", 2, "ENOMEM", "vf-bar-space"],
  ["small-window", "0000:02:00.0", 1, "ENOMEM", "vf-bar-space"],
  ["mixed", "0000:00:0a.0", 7, "OK"],
  ["no-ari", "0000:01:00.1", 7, "OK"],
  ["no-msi", "0000:01:00.0", 1, "EPERM", "pf-driver"],
  ["no-msi", "0000:02:00.0", 4, "OK"],
  ["igb-nvme-vfs", "0000:01:00.0", 7, "OK"],
  ["igb-nvme-vfs", "0000:01:00.0", 3, "EBUSY", "present-vfs"],
];

describe("preflight forecasts what the real kernel answered", () => {
  for (const [host, pf, vfs, errno, check] of KERNEL_ANSWERS) {
    test(`${host}: ${vfs} VFs on ${pf}: ${errno}`, () => {
      const { status, json } = preflight(host, pf, "--vfs", String(vfs));
      const [result] = json.preflights;
      const refusals = result?.findings
        .filter((finding) => finding.result === "refuse")
        .map((finding) => [finding.check, finding.errno]);
      assert.deepEqual(refusals, check === undefined ? [] : [[check, errno]]);
      assert.equal(status, errno === "OK" ? 0 : 3);
    });
  }

  test("the largest number that works is found where none is asked for", () => {
    const { json } = preflight("igb-nvme");
    assert.deepEqual(
      json.preflights.map(({ bdf, largest }) => [bdf, largest]),
      [
        ["0000:01:00.0", 7],
        ["0000:01:00.1", 7],
        ["0000:02:00.0", 4],
        ["0000:03:00.0", 3],
      ],
    );
  });

  test("VFs for guests are refused without an IOMMU, without interrupt remapping, and behind a switch port without ACS", () => {
    for (const [host, pf, check] of [
      ["no-iommu", "0000:01:00.0", "iommu"],
      ["no-remapping", "0000:01:00.0", "interrupt-remapping"],
      ["mixed", "0000:04:00.0", "isolation"],
      ["switch", "0000:03:00.0", "isolation"],
    ] as const) {
      const { status, json } = preflight(host, pf, "--use", "vfio");
      const refusals = json.preflights[0]?.findings.filter(({ result }) => result === "refuse");
      assert.deepEqual(
        refusals?.map((finding) => finding.check),
        [check],
      );
      assert.equal(status, 3);
      assert.equal(json.preflights[0]?.largest, 0);
    }
  });
});
