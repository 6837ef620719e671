import assert from "node:assert/strict";
import { it } from "node:test";
import { pfDriver } from "./drivers.ts";

it("pfDriver knows what Linux 6.12 does not tell of a driver (vendors.md)", () => {
  assert.equal(pfDriver("bnxt_en")?.needsPfUp, true);
  assert.equal(pfDriver("c6xx")?.ignoresCount, true);
  assert.equal(pfDriver("nvme")?.needsResources, true);
  assert.match(pfDriver("mlx5_core")?.firmwareSwitch ?? "", /SRIOV_EN=1/);
  assert.equal(pfDriver("igb")?.vfModule, "igbvf");
});

it("pfDriver knows nothing of others", () => {
  for (const name of ["e1000e", "", "toString", "__proto__"]) assert.equal(pfDriver(name), undefined);
});
