import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { DesiredVf } from "../desired/desired-pf.ts";
import type { Attachment, GuestObstacle, Guests, SeenGuest, VfForGuest } from "../guest-port.ts";
import { hostState, usedBy, vfioUser } from "../state/testing/host-state-builder.ts";
import { askGuests } from "./ask-guests.ts";
import { planHost } from "./plan-host.ts";

const WEB: SeenGuest = {
  ...{ address: "libvirt:web", name: "web", uuid: null, pid: 4242 },
  ...{ running: true, devices: [], unreachable: null },
};
const VF = { driver: "vfio-pci", driverOverride: "vfio-pci" };

/** Guests that have room for so many devices, and what they were asked. */
function guestsWith(room: number) {
  const asked: { readonly vf: VfForGuest; readonly plugged: number }[] = [];
  const full: GuestObstacle = { code: "VFL-0403", summary: "no slot", evidence: [], remedy: "make one" };
  const guests: Guests = {
    look: async () => ({ guests: [WEB], gaps: [] }),
    obstacles: async (_, vf, plugged = 0) => {
      asked.push({ vf, plugged });
      return plugged < room ? [] : [full];
    },
    attach: () => assert.fail("nothing is given while a plan is made"),
    detach: () => assert.fail("nothing is taken while a plan is made"),
  };
  return { guests, asked };
}

function planFor(guest: Partial<SeenGuest>, vfs: readonly DesiredVf[], users = false) {
  const vf = users ? { ...VF, users: usedBy(vfioUser()) } : VF;
  const guests = { guests: [{ ...WEB, ...guest }], gaps: [] };
  const state = hostState([{ vfs: [vf, { driver: "igbvf" }] }], { guests });
  const desired = [{ pf: "0000:01:00.0", wantedBy: ["attach"], onShrink: "refuse", vfs }] as never;
  return { state, plan: planHost({ state, desired }) };
}

describe("guests are asked before anything is done", () => {
  test("about each VF as it will be, with those before it plugged in; what they say refuses the plan", async () => {
    const { guests, asked } = guestsWith(1);
    const both: readonly DesiredVf[] = [
      { vfIndex: 0, guest: WEB.address },
      { vfIndex: 1, guest: WEB.address, driver: "vfio" },
    ];
    const { state, plan } = planFor({}, both);
    const told = await askGuests(plan, state, guests);
    assert.deepEqual(
      asked.map(({ vf, plugged }) => [vf.bdf, vf.driver, vf.pfOnVfio, plugged]),
      [
        ["0000:01:10.0", "vfio-pci", false, 0],
        ["0000:01:10.2", "vfio-pci", false, 1],
      ],
    );
    assert.deepEqual(
      told.pfs[0]?.refusals.map(({ code, vfIndex }) => [code, vfIndex]),
      [["VFL-0403", 1]],
    );
  });

  test("a plan that is refused anyway, or a host without guests, asks nobody", async () => {
    const { guests, asked } = guestsWith(0);
    const unreachable = planFor({ unreachable: "no monitor" }, [{ vfIndex: 0, guest: WEB.address }]);
    assert.equal(await askGuests(unreachable.plan, unreachable.state, guests), unreachable.plan);
    const { state, plan } = planFor({}, [{ vfIndex: 0, guest: WEB.address }]);
    assert.equal(await askGuests(plan, state, undefined), plan);
    assert.deepEqual(asked, []);
  });
});

describe("a domain of libvirt that has a VF in one place", () => {
  const steps = (guest: Partial<SeenGuest>, attachment: Attachment) => {
    const { plan } = planFor(guest, [{ vfIndex: 0, guest: WEB.address, attachment }], true);
    assert.deepEqual(plan.pfs[0]?.refusals, []);
    return plan.pfs[0]?.steps;
  };
  const has = (place: "live" | "definition" | "both", running = true): Partial<SeenGuest> => ({
    running,
    devices: [{ bdf: "0000:01:10.0" as never, deviceId: null, byVfleet: true, place }],
  });
  const attach = { kind: "attachGuest", pf: "0000:01:00.0", vfIndex: 0, guest: WEB.address };

  test("gets what is missing, and no more", () => {
    assert.deepEqual(steps(has("live"), {}), []);
    assert.deepEqual(steps(has("both"), {}), []);
    assert.deepEqual(steps(has("both"), { place: "both" }), []);
    const both = { attachment: { place: "both" } };
    assert.deepEqual(steps(has("live"), { place: "both" }), [{ ...attach, from: { place: "live" }, ...both }]);
    assert.deepEqual(steps(has("definition"), { place: "both" }), [
      { ...attach, from: { place: "definition" }, ...both },
    ]);
    assert.deepEqual(steps(has("definition"), {}), [{ ...attach, from: { place: "definition" } }]);
  });

  test("and does not run: it gets it when it starts", () => {
    assert.deepEqual(steps(has("definition", false), {}), []);
  });

  test("gives it back from where it has it, and how that was is kept for the way back", () => {
    const { plan } = planFor(has("both"), [{ vfIndex: 0, guest: null }], true);
    assert.deepEqual(plan.pfs[0]?.steps, [{ ...attach, kind: "detachGuest", attachment: { place: "both" } }]);
  });

  test("with --managed, libvirt binds it: the plan leaves the VF's driver alone", () => {
    const vfs: readonly DesiredVf[] = [{ vfIndex: 1, guest: WEB.address, attachment: { managed: true } }];
    const { plan } = planFor({}, vfs);
    assert.deepEqual(plan.pfs[0]?.refusals, []);
    assert.deepEqual(plan.pfs[0]?.steps, [{ ...attach, vfIndex: 1, attachment: { managed: true } }]);
  });
});
