import assert from "node:assert/strict";
import { test } from "node:test";
import { bdf } from "../../pci/bdf.ts";
import { writtenMove } from "./planned-move.ts";

test("writtenMove reads a move of one VF as it was written down at first, and leaves others as they are", () => {
  const pf = bdf("0000:01:00.0");
  const source = { pf, vfIndex: 0, bdf: bdf("0000:01:10.0") };
  const destination = { pf, vfIndex: 1, bdf: bdf("0000:01:10.2") };
  const rest = {
    method: "failover",
    guest: "qemu:web",
    destination: "qemu:dst",
    uri: "",
    pfs: [pf],
    steps: [],
  } as const;
  const details = { mac: "02:00:00:00:00:0a", bus: "port2", standbyId: "standby", sourcePid: 7 };
  const read = writtenMove({ ...rest, undoSteps: [], details, sourceVf: source, destinationVf: destination });
  assert.deepEqual(read, { ...rest, undoSteps: [], details, vfs: [{ source, destination, details }] });
  assert.equal(writtenMove(read), read);
});
