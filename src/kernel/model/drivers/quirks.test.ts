import assert from "node:assert/strict";
import { test } from "node:test";
import { isUnread } from "../../port.ts";
import { type ModelKernel, openModel } from "../model-kernel.ts";

const PF = "/sys/bus/pci/devices/0000:01:00.0";

async function machineWith(device: string, module: string, options = {}): Promise<ModelKernel> {
  const kernel = await openModel(
    {
      machine: {
        memoryBytes: 64 * 1024 * 1024,
        root: [{ kind: "root port", below: { kind: "device", device, options } }],
      },
      iommu: { interruptRemapping: true },
      commandLine: "intel_iommu=on",
      modules: [module],
    },
    device,
  );
  return kernel;
}

async function text(kernel: ModelKernel, path: string): Promise<string> {
  const bytes = await kernel.read(path);
  return isUnread(bytes) ? bytes.errno : new TextDecoder().decode(bytes).trimEnd();
}

async function numVfs(kernel: ModelKernel, value: string): Promise<string> {
  const outcome = await kernel.write(`${PF}/sriov_numvfs`, value);
  return outcome.kind === "failed" ? `${outcome.errno}` : outcome.kind;
}

test("ixgbe offers 63 of 64 VFs, and enables as many", async () => {
  const kernel = await machineWith("82599", "ixgbe");
  assert.equal(await text(kernel, `${PF}/sriov_totalvfs`), "63");
  assert.equal(await numVfs(kernel, "64"), "ERANGE");
  const mark = await kernel.logMark();
  assert.ok(!isUnread(mark));
  assert.equal(await numVfs(kernel, "63"), "done");
  const log = await kernel.logSince(mark);
  assert.ok(!isUnread(log) && log.lines[0]?.endsWith("ixgbe 0000:01:00.0 eth0: SR-IOV enabled with 63 VFs"));
  assert.equal(await text(kernel, `${PF}/sriov_numvfs`), "63");
  assert.equal(await numVfs(kernel, "0"), "done");
  assert.equal(await text(kernel, `${PF}/sriov_numvfs`), "0");
});

test("QAT enables all its VFs, whatever is asked for, and the kernel warns (adf_sriov_configure)", async () => {
  const kernel = await machineWith("accelerator", "qat_c62x", { totalVfs: 16 });
  assert.equal(await numVfs(kernel, "2"), "done");
  assert.equal(await text(kernel, `${PF}/sriov_numvfs`), "16");
  const lines = await kernel.log();
  assert.ok(!isUnread(lines));
  assert.ok(lines.some((line) => line.endsWith("c6xx 0000:01:00.0: 2 VFs requested; only 16 enabled")));
});

test("every known network card has its driver, netdev and VFs with theirs", async () => {
  for (const [device, modules] of [
    ["82599", ["ixgbe", "ixgbevf"]],
    ["X710", ["i40e", "iavf"]],
    ["E810", ["ice", "iavf"]],
    ["ConnectX-5", ["mlx5_core", "mlx5_core"]],
    ["ConnectX-7", ["mlx5_core", "mlx5_core"]],
  ] as const) {
    const kernel = await machineWith(device, modules[0]);
    assert.equal((await kernel.loadModule(modules[1])).kind, "done");
    assert.equal(await numVfs(kernel, "2"), "done", device);
    const driver = await kernel.readLink(`${PF}/virtfn1/driver`);
    assert.equal(driver, `../../../../bus/pci/drivers/${modules[1]}`, device);
    const netdevs = await kernel.list(`${PF}/virtfn1/net`);
    assert.ok(!isUnread(netdevs) && netdevs.length === 1, device);
  }
});
