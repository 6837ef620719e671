import assert from "node:assert/strict";
import { test } from "node:test";
import { hostState, NOBODY, netdev, nvmePf, pfState, usedBy, vfioUser } from "./host-state-builder.ts";

test("hostState builds a host whose VFs are where the Routing ID's formula has them, each with its own names", () => {
  const { pfs } = hostState([
    { vfs: 2 },
    { bdf: "0000:02:00.1", vfs: [{ users: usedBy(vfioUser()), settings: { vlan: 7 } }] },
  ]);
  assert.deepEqual(
    pfs.map(({ bdf, numVfs, vfs }) => [bdf, numVfs, ...vfs.map((vf) => vf.bdf)]),
    [
      ["0000:01:00.0", 2, "0000:01:10.0", "0000:01:10.2"],
      ["0000:02:00.1", 1, "0000:02:10.1"],
    ],
  );
  const [vf] = pfs[1]?.vfs ?? [];
  assert.ok(vf?.settings && "vlan" in vf.settings);
  assert.equal(vf.settings.vlan, 7);
  assert.notDeepEqual(vf.users, NOBODY);
  assert.equal(pfState({ netdevs: [netdev("ens1")] }).driver, "igb");
  assert.deepEqual(nvmePf({ vfs: [{ online: true, vq: 2 }] }).vfs[0]?.nvme, {
    controllerId: 1,
    online: true,
    vq: 2,
    vi: 0,
  });
});
