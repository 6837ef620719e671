import assert from "node:assert/strict";
import { it } from "node:test";
import type { HostState } from "../host/state/host-state.ts";
import { MemoryTree } from "../kernel/snapshot/memory-tree.ts";
import { treeKernel } from "../kernel/snapshot/tree-kernel.ts";
import type { Bdf } from "../pci/bdf.ts";
import { AerWatch } from "./aer-watch.ts";

const PORT = "0000:00:01.0" as Bdf;
const PF = "0000:01:00.0" as Bdf;
const VF = "0000:01:10.0" as Bdf;
const OTHER_VF = "0000:01:10.2" as Bdf;

/** A root port with a PF below, whose VFs are as many as are named. */
function host() {
  const tree = new MemoryTree();
  const folder = (bdf: Bdf) => `/sys/devices/pci0000:00/${bdf === PORT ? "" : `${PORT}/`}${bdf}`;
  const counted = (bdf: Bdf, badTlps: number) => {
    tree.addFile(`${folder(bdf)}/aer_dev_correctable`, `RxErr 0\nBadTLP ${badTlps}\nTOTAL_ERR_COR ${badTlps}\n`);
    for (const severity of ["nonfatal", "fatal"]) {
      tree.addFile(`${folder(bdf)}/aer_dev_${severity}`, `Undefined 0\nTOTAL_ERR_${severity.toUpperCase()} 0\n`);
    }
  };
  const received = (messages: number) => {
    for (const name of ["cor", "fatal", "nonfatal"]) {
      tree.addFile(`${folder(PORT)}/aer_rootport_total_err_${name}`, `${name === "cor" ? messages : 0}\n`);
    }
  };
  for (const bdf of [PORT, PF, VF, OTHER_VF]) {
    tree.addLink(`/sys/bus/pci/devices/${bdf}`, folder(bdf).replace("/sys", "../../.."));
    counted(bdf, 0);
  }
  received(0);
  let nowMs = 1000;
  const watch = new AerWatch(treeKernel(tree, { kind: "snapshot", name: "test", complete: true }), () => nowMs);
  const look = async (vfs: readonly Bdf[]) => {
    await watch.look({ pfs: [{ bdf: PF, vfs: vfs.map((bdf) => ({ bdf })) }] } as unknown as HostState);
    return Object.fromEntries([...watch.counts].map(([bdf, [correctable]]) => [bdf, correctable?.messages]));
  };
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return { counted, received, look, pass };
}

it("AER's counts of a PF, of the port above it and of its VFs are read", async () => {
  const { counted, look } = host();
  counted(PORT, 3);
  counted(VF, 2);
  assert.deepEqual(await look([VF, OTHER_VF]), { [PORT]: 3, [PF]: 0, [VF]: 2, [OTHER_VF]: 0 });
});

it("VFs are read again when something was counted at a PF or port, or a minute has passed", async () => {
  const { counted, received, look, pass } = host();
  await look([VF]);
  counted(VF, 1);
  pass(5000);
  assert.equal((await look([VF]))[VF], 0, "nobody has told of it");
  received(1);
  assert.equal((await look([VF]))[VF], 1, "its root port has");
  counted(VF, 2);
  counted(PF, 1);
  assert.equal((await look([VF]))[VF], 2);
  // Where firmware gets errors first no port hears of them.
  counted(VF, 3);
  pass(59_000);
  assert.equal((await look([VF]))[VF], 2);
  pass(1000);
  assert.equal((await look([VF]))[VF], 3);
});

it("VFs that have come are read, and those that are gone are not kept", async () => {
  const { counted, look } = host();
  await look([VF]);
  counted(OTHER_VF, 4);
  assert.deepEqual(await look([OTHER_VF]), { [PORT]: 0, [PF]: 0, [OTHER_VF]: 4 });
});
