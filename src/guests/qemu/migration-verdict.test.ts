import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { bdf } from "../../pci/bdf.ts";
import type { QemuFacts } from "./migration-facts.ts";
import { judgeMove, type MoveFacts, methodOf, type VfFacts } from "./migration-verdict.ts";

const MAC = "02:00:00:00:00:0a";
const [VF, OTHER] = [bdf("0000:01:10.0"), bdf("0000:01:10.2")];
const PLAIN: VfFacts = {
  bdf: VF,
  kind: "8086:10ca",
  driver: "vfio-pci",
  features: null,
  pf: "0000:01:00.0",
  firmware: null,
  mac: MAC,
};
const VARIANT: VfFacts = { ...PLAIN, kind: "15b3:101e", driver: "mlx5_vfio_pci", features: "stop-copy p2p pre-copy" };
const QEMU: QemuFacts = {
  status: "running",
  cpu: "host-x86_64-cpu",
  machine: "pc-q35-10.0-machine",
  memoryBytes: 2 ** 27,
  passed: [{ bdf: VF, deviceId: "vf", path: "/machine/peripheral/vf", pairId: null, bus: "port2" }],
  standbys: [],
  devices: ["port2"],
  blocked: [],
  hasVfio: true,
};
const STANDBY = { id: "standby", mac: MAC, tap: "tapa" };
const paired = (facts: QemuFacts): QemuFacts => ({
  ...facts,
  passed: facts.passed.map((each) => ({ ...each, pairId: "standby" })),
  standbys: [STANDBY],
});
const WAITING: QemuFacts = { ...QEMU, status: "inmigrate", passed: [] };

function facts(parts: Partial<MoveFacts> = {}): MoveFacts {
  return {
    source: QEMU,
    destination: { ...QEMU, status: "inmigrate" },
    sourceVf: VARIANT,
    ownVf: { ...VARIANT, bdf: OTHER },
    freeVf: null,
    noFreeVf: "no VF is free",
    lockableBytes: null,
    ...parts,
  };
}

function judge(parts: Partial<MoveFacts> = {}) {
  const checks = judgeMove(facts(parts));
  return { checks, method: methodOf(checks, "auto"), refused: checks.filter(({ result }) => result === "refused") };
}

const PAIR = {
  source: paired(QEMU),
  destination: paired(WAITING),
  sourceVf: PLAIN,
  ownVf: null,
  freeVf: { ...PLAIN, bdf: OTHER },
} satisfies Partial<MoveFacts>;

describe("judgeMove", () => {
  test("by VFIO where both drivers move a VF's state", () => {
    assert.equal(judge().method, "vfio");
    const slow = { ...VARIANT, features: "stop-copy p2p" };
    assert.match(
      judge({ sourceVf: slow })
        .checks.map(({ summary }) => summary)
        .join(),
      /without PRE_COPY/,
    );
  });

  test("not by VFIO where QEMU refuses, a driver is the plain one, or nobody tells", () => {
    const blocked = { ...QEMU, blocked: [`${VF}: VFIO migration is not supported in kernel`] };
    assert.equal(judge({ source: blocked }).method, null);
    assert.match(judge({ sourceVf: PLAIN }).refused[0]?.summary ?? "", /vfio-pci of a VF 8086:10ca has no migration/);
    // The primary of a failover pair is not asked by QEMU whether it migrates.
    const untold = { ...VARIANT, features: null };
    assert.equal(judge({ ...PAIR, sourceVf: untold, ownVf: { ...untold, bdf: OTHER }, freeVf: null }).method, null);
    assert.equal(judge({ sourceVf: untold, ownVf: { ...VARIANT, bdf: OTHER, kind: "15b3:101a" } }).method, null);
  });

  test("firmware: the same by one PF or by its versions, in any order; else the drivers decide", () => {
    const firmware = { "fw.psid": "MT_0000000359", "fw.version": "22.41.1000" };
    const far = { ...VARIANT, bdf: OTHER, pf: "0000:81:00.0" };
    const judged = (sourceVf: VfFacts, ownVf: VfFacts) => {
      const { checks, method } = judge({ sourceVf, ownVf });
      assert.equal(method, "vfio", "it forbids nothing");
      const { result, summary, evidence } = checks.find(({ check }) => check === "firmware") as (typeof checks)[number];
      return [result, summary, ...evidence.map(({ fact }) => fact)].join("; ");
    };
    const here = { ...VARIANT, firmware };
    assert.match(judged(VARIANT, { ...VARIANT, bdf: OTHER }), /^ok; both VFs are of one PF/);
    const turned = Object.fromEntries(Object.entries(firmware).reverse());
    assert.match(
      judged(here, { ...far, firmware: turned }),
      /^ok; .* the same firmware; fw\.psid MT_0000000359, fw\.version/,
    );
    const older = { ...firmware, "fw.version": "22.36.1010" };
    assert.match(
      judged(here, { ...far, firmware: older }),
      /^unknown; .* different firmware.*22\.41\.1000.*22\.36\.1010$/,
    );
    assert.match(judged(here, far), /^unknown; no driver tells the firmware of 0000:81:00\.0: /);
    assert.match(judged(VARIANT, far), /^unknown; .* of 0000:01:00\.0 and 0000:81:00\.0: /);
  });

  test("several VFs by VFIO only where each knows P2P, and by failover where each has its own standby", () => {
    const methodOfTwo = (second: Partial<MoveFacts>, first: Partial<MoveFacts> = {}) =>
      methodOf(judgeMove(facts(first), facts(second)), "auto");
    assert.equal(methodOfTwo({}), "vfio");
    for (const features of ["stop-copy pre-copy", null]) {
      assert.equal(methodOfTwo({ sourceVf: { ...VARIANT, features } }), null, `${features}`);
      assert.equal(methodOfTwo({ ownVf: { ...VARIANT, bdf: OTHER, features } }), null, `${features}`);
    }
    assert.equal(methodOfTwo({ ownVf: null }), null);
    assert.equal(methodOfTwo(PAIR, PAIR), "failover");
    assert.equal(methodOfTwo({ ...PAIR, freeVf: null }, PAIR), null);
    assert.equal(methodOfTwo({ ...PAIR, source: QEMU }, PAIR), null);
  });

  test("by the failover pair, as both ends have it", () => {
    assert.equal(judge(PAIR).method, "failover");
    for (const [parts, why] of [
      [{ source: { ...PAIR.source, standbys: [] } }, /no virtio interface with failover=on/],
      [{ sourceVf: { ...PLAIN, mac: null } }, /its PF has the VF as none/],
      [{ destination: WAITING }, /the destination has no standby/],
      [{ destination: { ...PAIR.destination, devices: [] } }, /no port2 to plug a VF into/],
      [{ freeVf: null }, /no VF is free/],
      [{ destination: { ...PAIR.destination, hasVfio: false } }, /knows no device vfio-pci/],
      [{ lockableBytes: 2 ** 23 }, /may lock 8 MiB, and the guest has 128 MiB/],
      [{ destination: { ...PAIR.destination, cpu: "qemu64-x86_64-cpu" } }, /not the same machine/],
      [{ destination: { ...PAIR.destination, status: "running" } }, /waits for no guest/],
      [{ source: { ...PAIR.source, status: "paused" } }, /the guest is paused/],
    ] as const) {
      const { method, refused } = judge({ ...PAIR, ...parts });
      assert.equal(method, null);
      assert.match(refused.map(({ summary }) => summary).join("; "), why);
    }
  });

  test("no method is chosen over a refusal, and none by VFIO on a driver that is not known to migrate", () => {
    const maybe = <T>(...values: readonly T[]) => fc.constantFrom(...values);
    fc.assert(
      fc.property(
        fc.record({
          source: maybe(QEMU, paired(QEMU), { ...QEMU, status: "paused" }),
          destination: maybe(WAITING, paired(WAITING), { ...QEMU, status: "inmigrate" }, QEMU),
          sourceVf: maybe(PLAIN, VARIANT, { ...VARIANT, driver: undefined, features: null }),
          ownVf: maybe(null, { ...VARIANT, bdf: OTHER }, { ...PLAIN, bdf: OTHER }),
          freeVf: maybe(null, { ...PLAIN, bdf: OTHER }),
        }),
        maybe("auto" as const, "vfio" as const, "failover" as const),
        (parts, wanted) => {
          const checks = judgeMove(facts(parts));
          const method = methodOf(checks, wanted);
          if (method === null) return;
          assert.ok(wanted === "auto" || wanted === method);
          const its = checks.filter((each) => each.method === null || each.method === method);
          assert.ok(its.every(({ result }) => result !== "refused"));
          if (method === "vfio") {
            const drivers = its.filter(({ check }) => check === "driver");
            assert.ok(drivers.length === 2 && drivers.every(({ result }) => result === "ok"));
          }
        },
      ),
    );
  });
});
