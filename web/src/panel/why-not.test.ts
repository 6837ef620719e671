import assert from "node:assert/strict";
import { test } from "node:test";
import type { GuestObject, VfObject } from "./chosen.ts";
import { capturedObjects, first } from "./testing/captured-objects.ts";
import { inUseBy } from "./users.ts";
import { whyNotAttached, whyNotDetached, whyNotMade, whyNotMigrated, whyNotReleased, whyNotTaken } from "./why-not.ts";

const QEMU = {
  kind: "vfio",
  who: { pid: 4121, command: "qemu", guest: { name: "web" } },
  evidence: "holds /dev/vfio/61",
};
const CLAIM = { kind: "claim", who: { claim: "db" }, evidence: "the claim db has it" };

async function vfWith(status: Partial<VfObject["status"]>): Promise<VfObject> {
  const vf = first(await capturedObjects("igb-vfs", "VirtualFunction"));
  return { ...vf, status: { ...vf.status, users: [], notLookedAt: [], ...status } };
}

function guest(name: string, status: Partial<GuestObject["status"]> = {}): GuestObject {
  return {
    apiVersion: "vfleet.dev/v1alpha1",
    kind: "Guest",
    metadata: { name, host: "here", resourceVersion: "1" },
    status: { address: name, uuid: null, pid: null, running: true, devices: [], unreachable: null, ...status },
  };
}

test("a VF is taken from nobody: not from a guest, not from who uses it, not where that is not known", async () => {
  assert.equal(whyNotTaken(await vfWith({})), undefined);
  assert.match(whyNotTaken(await vfWith({ guest: "qemu:web" })) ?? "", /^qemu:web has it: detach/);
  assert.match(whyNotTaken(await vfWith({ users: [QEMU, CLAIM] })) ?? "", /in use by guest web and claim db/);
  assert.match(
    whyNotTaken(await vfWith({ notLookedAt: ["openFiles: EACCES"] })) ?? "",
    /not known \(openFiles: EACCES\)/,
  );
});

test("a VF can go to a guest that can be given one; a claim may be that guest's", async () => {
  const all = [guest("qemu:web"), guest("qemu:db", { unreachable: "its monitor is taken" })];
  assert.equal(whyNotAttached(await vfWith({}), all), undefined);
  assert.equal(whyNotAttached(await vfWith({ users: [CLAIM] }), all), undefined);
  assert.match(whyNotAttached(await vfWith({ users: [QEMU] }), all) ?? "", /in use by guest web/);
  assert.match(whyNotAttached(await vfWith({ guest: "qemu:web" }), all) ?? "", /detach it first/);
  assert.match(whyNotAttached(await vfWith({ bdf: null }), all) ?? "", /no PCI function/);
  assert.match(whyNotAttached(await vfWith({}), []) ?? "", /No guest is seen/);
  assert.match(whyNotAttached(await vfWith({}), all.slice(1)) ?? "", /No guest can be given/);
});

test("a guest that cannot be spoken to gives nothing back", async () => {
  const all = [guest("qemu:web", { unreachable: "its monitor is taken" }), guest("qemu:db")];
  assert.equal(whyNotDetached(await vfWith({}), all), "No guest has it.");
  assert.equal(whyNotDetached(await vfWith({ guest: "qemu:web" }), all), "its monitor is taken");
  assert.equal(whyNotDetached(await vfWith({ guest: "qemu:db" }), all), undefined);
});

test("VFs are made where a driver allows some, and released where there are some", async () => {
  const pf = first(await capturedObjects("igb-vfs", "PhysicalFunction"));
  const asked = (status: Partial<typeof pf.status>) => ({ ...pf, status: { ...pf.status, ...status } });
  assert.equal(whyNotMade(pf), undefined);
  assert.match(whyNotMade(asked({ driverLimit: 0 })) ?? "", /allows no VFs/);
  assert.match(whyNotMade(asked({ driver: null, unknown: {} })) ?? "", /No driver/);
  assert.equal(whyNotMade(asked({ driver: null, unknown: { driver: "EACCES" } })), undefined);
  assert.equal(whyNotReleased(pf), undefined);
  assert.equal(whyNotReleased(asked({ numVfs: 0 })), "It has no VFs.");
});

test("a guest moves with a VF, while it runs", async () => {
  const vf = await vfWith({ guest: "qemu:web" });
  assert.equal(whyNotMigrated(guest("qemu:web"), [vf]), undefined);
  assert.equal(whyNotMigrated(guest("qemu:web"), []), "It has no VF of this host: vfleet moves guests with their VFs.");
  assert.equal(
    whyNotMigrated(guest("qemu:web", { running: false }), [vf]),
    "It does not run: there is nothing to move.",
  );
});

test("inUseBy names each user once, by the name that says most", () => {
  assert.equal(inUseBy([]), undefined);
  assert.equal(inUseBy([QEMU, QEMU]), "in use by guest web");
  const namespace = { kind: "namespace", who: { namespace: "blue", netdev: "eth4" }, evidence: "" };
  const process = { kind: "deviceFile", who: { pid: 7, command: "dd" }, evidence: "" };
  assert.equal(inUseBy([QEMU, namespace, process]), "in use by guest web, namespace blue and dd (pid 7)");
  assert.equal(inUseBy([{ kind: "driver", who: {}, evidence: "" }]), "in use by somebody");
});
