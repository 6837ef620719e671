import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { judgeMove, type Move, type MoveEnd } from "./migration-verdict.ts";

const PLAIN: MoveEnd = {
  vfKind: "8086:10ca",
  driver: "vfio-pci",
  vfio: null,
  firmware: null,
  cpu: "host",
  mac: "02:00:00:00:00:01",
  vlan: null,
};
const VARIANT: MoveEnd = {
  ...PLAIN,
  vfKind: "15b3:101e",
  driver: "mlx5_vfio_pci",
  vfio: { preCopy: true, p2p: true },
  firmware: "22.41.1000",
};

function judge(source: Partial<MoveEnd>, destination: Partial<MoveEnd>, more: Partial<Move> = {}) {
  const base = source.vfio === null || (source.vfio === undefined && !more.hasStandby) ? VARIANT : PLAIN;
  return judgeMove({
    source: { ...base, ...source },
    destination: { ...base, ...destination },
    hasStandby: false,
    standbyNegotiated: false,
    ...more,
  });
}

describe("judgeMove", () => {
  test("moves the VF's state where both drivers can", () => {
    assert.deepEqual(judge({}, {}), { way: "vfio", reasons: [] });
    const slow = judge({ vfio: { preCopy: false, p2p: true } }, { vfio: { preCopy: false, p2p: true } });
    assert.equal(slow.way, "vfio");
    assert.match(slow.reasons.join(), /PRE_COPY/);
  });

  test("goes by the failover pair where one of them cannot, and says why not by VFIO", () => {
    const pair = { hasStandby: true, standbyNegotiated: true };
    const verdict = judge({}, {}, pair);
    assert.equal(verdict.way, "failover");
    assert.match(verdict.reasons.join(), /vfio-pci here does not move a VF's state.*vfio-pci there/);
    assert.equal(
      judgeMove({ source: VARIANT, destination: { ...VARIANT, firmware: "20.1" }, ...pair }).way,
      "failover",
    );
    assert.equal(judgeMove({ source: VARIANT, destination: PLAIN, ...pair }).way, "failover");
  });

  test("goes no way where there is none, with every reason", () => {
    assert.match(judge({ cpu: "host" }, { cpu: "qemu64" }).reasons.join(), /processor is host here and qemu64 there/);
    assert.match(judge({ vlan: 100 }, { vlan: null }).reasons.join(), /VLAN is 100 here and none there/);
    const none = judgeMove({ source: PLAIN, destination: PLAIN, hasStandby: false, standbyNegotiated: false });
    assert.equal(none.way, "none");
    assert.equal(none.reasons.length, 3);
    const old = judgeMove({ source: PLAIN, destination: PLAIN, hasStandby: true, standbyNegotiated: false });
    assert.match(old.reasons.join(), /net_failover/);
  });
});
