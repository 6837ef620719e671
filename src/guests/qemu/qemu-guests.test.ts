import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { type OperationHost, operationHost } from "../../host/apply/testing/operation-host.ts";
import type { VfForGuest } from "../../host/guest-port.ts";
import { isPending } from "../../kernel/port-outcome.ts";
import { bdf } from "../../pci/bdf.ts";
import { qemuGuests } from "./qemu-guests.ts";
import { type Course, TwoQemus } from "./testing/two-qemus.ts";

const VF: VfForGuest = {
  ...{ bdf: bdf("0000:01:10.0"), driver: "vfio-pci", iommuGroup: 7, netdev: null, isNetwork: true },
  ...{ mac: null, vlan: null, pfOnVfio: false, attachment: {} },
};

describe("a QEMU that pins its guest's memory longer than is waited for", () => {
  let host: OperationHost;
  let qemus: TwoQemus;
  before(async () => {
    host = await operationHost();
  });
  after(() => host.close());
  afterEach(() => qemus.close());

  async function late(course: Course) {
    qemus = new TwoQemus(host.folder, []);
    qemus.course = { plugMs: 300, ...course };
    const begun = await qemuGuests(qemus.on(host.kernel)).attach("qemu:source", VF, { deadlineMs: 30 });
    assert.ok(isPending(begun), JSON.stringify(begun));
    return begun.finished();
  }

  test("has not failed: it has the VF in the end", async () => {
    assert.equal((await late({})).kind, "done");
  });

  test("has not taken the VF where it does not have it in the end", async () => {
    const answer = await late({ deviceAdd: "refused" });
    assert.match(answer.kind === "failed" ? answer.reason : "", /device_add: no answer in 0\.03 s/);
  });
});
