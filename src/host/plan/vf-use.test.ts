import assert from "node:assert/strict";
import { after, test } from "node:test";
import { bdf } from "../../pci/bdf.ts";
import { operationHost, PF, planningOf } from "../apply/testing/operation-host.ts";
import { withClaims } from "../state/claim-users.ts";
import { planHost } from "./plan-host.ts";

const host = await operationHost();
after(() => host.close());

test("a VF that only claims have is refused with the command that ends them; with a guest beside, that comes first", async () => {
  await host.write(`/sys/bus/pci/devices/${PF}/sriov_numvfs`, "2");
  const remedy = async () => {
    const seen = await planningOf(host.kernel).observe();
    const [pf] = seen.pfs;
    assert.ok(pf);
    const { key } = pf.identity;
    const state = withClaims(seen, [
      { claim: "web", pfKey: key, vfIndex: 0, mac: null },
      { claim: "db", pfKey: key, vfIndex: 1, mac: null },
    ]);
    const desired = [{ pf: PF, wantedBy: ["release"], onShrink: "refuse", numVfs: 0, vfs: [] }] as const;
    const [refusal] = planHost({ state, desired }).pfs.flatMap(({ refusals }) => refusals);
    assert.equal(refusal?.code, "VFL-0211");
    return refusal.remedy;
  };
  assert.equal(
    await remedy(),
    "the claims are released first, by: vfleet release --claim web; vfleet release --claim db",
  );
  const vf = "0000:01:10.0";
  await host.write(`/sys/bus/pci/devices/${vf}/driver/unbind`, vf);
  await host.write(`/sys/bus/pci/devices/${vf}/driver_override`, "vfio-pci");
  await host.write("/sys/bus/pci/drivers_probe", vf);
  host.useByGuest(bdf(vf));
  assert.equal(await remedy(), "end their use first, or keep them as they are");
});
