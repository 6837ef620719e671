import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { VfleetError } from "../errors/vfleet-error.ts";
import { isUnread, type Observed } from "../kernel/port.ts";
import { MemoryTree } from "../kernel/snapshot/memory-tree.ts";
import { treeKernel } from "../kernel/snapshot/tree-kernel.ts";
import { bdf } from "../pci/bdf.ts";
import { functionAt, type HostFunction, kernelRelease, physicalFunctions, readInventory } from "./inventory.ts";
import { hostWithPf, pf, readHost, rootPort, type TestHost, testKernel, vfFunctions } from "./testing/host-builder.ts";

const PF = "0000:01:00.0";

async function functionOf(host: TestHost, address: string): Promise<HostFunction> {
  return (await readHost(host, address)).pf;
}

function errno(value: Observed<unknown>): string {
  assert.ok(isUnread(value), `${JSON.stringify(value)} was read`);
  return value.errno;
}

describe("readInventory", () => {
  it("reads functions in the order of their addresses, with driver, group and NUMA node", async () => {
    const files = { numa_node: "1\n" };
    const { inventory, pf: fn } = await readHost(hostWithPf({ iommuGroup: 14, files }));
    assert.deepEqual([...inventory.functions.keys()], ["0000:00:01.0", PF]);
    assert.deepEqual([fn.driver, fn.iommuGroup, fn.numaNode, fn.config, fn.vendorId], ["igb", 14, 1, true, 0x8086]);
    assert.equal(fn.node.parent?.bdf, "0000:00:01.0");
    assert.deepEqual(
      physicalFunctions(inventory).map(({ bdf }) => bdf),
      [PF],
    );
  });

  it("gives null for what a host shows that is not there", async () => {
    const fn = await functionOf(hostWithPf({ driver: null, iommuGroup: null, files: { numa_node: "-1\n" } }), PF);
    assert.deepEqual([fn.driver, fn.iommuGroup, fn.numaNode], [null, null, null]);
  });

  it("leaves unread what a dump does not say", async () => {
    const fn = await functionOf(hostWithPf({ driver: null }, { complete: false }), PF);
    assert.deepEqual([errno(fn.driver), errno(fn.iommuGroup), errno(fn.numaNode)], ["ENOENT", "ENOENT", "ENOENT"]);
  });

  it("reads a PF's numbers: TotalVFs 8, sriov_totalvfs 7 once igb is loaded (kernel-lab.md)", async () => {
    const { sriov } = await functionOf(hostWithPf({ driverLimit: 7, numVfs: 3 }), PF);
    assert.deepEqual(
      [sriov?.totalVfs, sriov?.driverLimit, sriov?.numVfs, sriov?.firstVfOffset, sriov?.vfStride],
      [8, 7, 3, 128, 2],
    );
  });

  it("counts no VFs while VF Enable is off, whatever NumVFs holds", async () => {
    const fn = pf(PF, { numVfs: 3 });
    const [express, sriov] = [fn.config.extended?.[0], fn.config.extended?.[1]];
    assert.ok(express && sriov);
    const dwords = sriov.dwords.with(1, 0);
    const functions = { [PF]: { ...fn, config: { ...fn.config, extended: [express, { ...sriov, dwords }] } } };
    assert.equal((await functionOf({ functions }, PF)).sriov?.numVfs, 0);
  });

  it("takes a PF's numbers from sysfs where its registers were not readable", async () => {
    const { sriov } = await functionOf(hostWithPf({ driverLimit: 7, readBytes: 64 }), PF);
    assert.equal(sriov?.registers, undefined);
    assert.equal(errno(sriov?.totalVfs ?? 0), "EACCES");
    assert.deepEqual([sriov?.driverLimit, sriov?.numVfs, sriov?.firstVfOffset, sriov?.vfStride], [7, 0, 128, 2]);
  });

  it("gives a VF its PF's Vendor ID and VF Device ID, for its own registers read FFFFh", async () => {
    const functions = vfFunctions(PF, { numVfs: 1 });
    const fn = await functionOf({ functions }, "0000:01:10.0");
    assert.deepEqual([fn.decoded.vendorId, fn.vendorId, fn.deviceId, fn.sriov], [0xffff, 0x8086, 0x10ca, undefined]);
    assert.deepEqual(fn.node.vf, { physfn: PF, index: 0 });
    // The same without the kernel's files, from the PF's registers alone.
    const configs = Object.fromEntries(Object.entries(functions).map(([address, { config }]) => [address, { config }]));
    const dumped = await functionOf({ functions: configs, complete: false }, "0000:01:10.0");
    assert.deepEqual([dumped.vendorId, dumped.deviceId, dumped.node.vf?.index], [0x8086, 0x10ca, 0]);
  });

  it("orders VFs by the number of their virtfn link, not by its text", async () => {
    const host: TestHost = {
      functions: { "0000:00:01.0": rootPort(1), ...vfFunctions(PF, { numVfs: 12, totalVfs: 16 }) },
    };
    const { node } = await functionOf(host, PF);
    assert.deepEqual(
      node.vfs.map(({ vf }) => vf?.index),
      [...Array(12).keys()],
    );
  });

  it("believes the kernel that there are no VFs, against the registers", async () => {
    const fn = pf(PF, { numVfs: 1 });
    const host: TestHost = { functions: { [PF]: fn, "0000:01:10.0": { config: { vendorId: 0xffff, portType: 0 } } } };
    assert.deepEqual((await functionOf(host, PF)).node.vfs, []);
    assert.equal((await functionOf({ ...host, complete: false }, PF)).node.vfs.length, 1);
  });

  it("is not misled by links that lead in a circle or nowhere", async () => {
    const functions = {
      [PF]: {
        ...pf(PF),
        links: { physfn: `../${PF}`, virtfn0: `../${PF}`, virtfn1: "../0000:09:00.0", virtfnx: "../x" },
      },
    };
    const fn = await functionOf({ functions }, PF);
    assert.deepEqual([fn.node.vf, fn.sriov?.totalVfs], [undefined, 8]);
  });

  it("says why numbers could not be read", async () => {
    const fn = await functionOf(hostWithPf({ files: { numa_node: "many\n", sriov_totalvfs: "" } }), PF);
    assert.ok(isUnread(fn.numaNode) && /"many", which is no number/.test(fn.numaNode.reason));
    assert.equal(errno(fn.sriov?.driverLimit ?? 0), "EINVAL");
  });

  it("keeps a function whose configuration space is not there", async () => {
    const kernel = testKernel(hostWithPf({}));
    const without = { ...kernel, read: (path: string) => kernel.read(path.replace(`${PF}/config`, "nothing")) };
    const fn = functionAt(await readInventory(without), bdf(PF));
    assert.deepEqual([errno(fn.config), fn.decoded.vendorId, fn.sriov?.driverLimit], ["ENOENT", null, 8]);
  });

  it("throws VFL-0012 where there is no list of devices", async () => {
    const kernel = treeKernel(new MemoryTree(), { kind: "snapshot", name: "snapshot:empty", complete: true });
    await assert.rejects(readInventory(kernel), (error) => error instanceof VfleetError && error.code === "VFL-0012");
  });

  it("leaves out names that are no addresses, and reads several domains", async () => {
    const functions = { "10000:e1:00.0": { config: {} }, [PF]: pf(PF) };
    const kernel = testKernel({ functions, files: { "/sys/bus/pci/devices/README": "" } });
    assert.deepEqual([...(await readInventory(kernel)).functions.keys()], [PF, "10000:e1:00.0"]);
  });
});

describe("functionAt", () => {
  it("throws VFL-0013 for an address that the host does not have", async () => {
    const { inventory } = await readHost(hostWithPf({}));
    assert.throws(
      () => functionAt(inventory, bdf("7f:00.0")),
      (error) => error instanceof VfleetError && error.code === "VFL-0013",
    );
  });
});

describe("kernelRelease", () => {
  it("reads the release out of /proc/version", async () => {
    const release = (version: string | undefined) =>
      kernelRelease(testKernel(hostWithPf({}, { files: { "/proc/version": version } })));
    assert.equal(await release("Linux version 6.12.117-amd64 (debian-kernel@lists.debian.org)\n"), "6.12.117-amd64");
    assert.equal(errno(await release("FreeBSD 14")), "EINVAL");
    assert.equal(errno(await release(undefined)), "ENOENT");
  });
});
