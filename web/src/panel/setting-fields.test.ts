import assert from "node:assert/strict";
import { test } from "node:test";
import { SETTING_NAMES, settingsFrom } from "../../../src/host/desired/vf-settings.ts";
import type { VfObject } from "./chosen.ts";
import { changedSettings, type Edits, settingFields, settingValue, valueWords } from "./setting-fields.ts";
import { capturedObjects, first } from "./testing/captured-objects.ts";

const KNOWN = {
  mac: "00:00:00:00:00:00",
  vlan: 100,
  qos: 0,
  vlanProtocol: null,
  minTxRateMbps: 0,
  maxTxRateMbps: 500,
  spoofCheck: true,
  trust: false,
  linkState: "auto",
  queryRss: null,
  nodeGuid: null,
  portGuid: null,
};

async function vfWith(settings: Record<string, unknown> | null): Promise<VfObject> {
  const vf = first(await capturedObjects("igb-vfs", "VirtualFunction"));
  return { ...vf, status: { ...vf.status, settings } };
}

async function changesBy(edits: Edits): Promise<Readonly<Record<string, unknown>>> {
  const vf = await vfWith(KNOWN);
  return changedSettings(vf.status, settingFields(vf, undefined), edits);
}

test("settingFields are settings of policies, by the same names, and all of them", async () => {
  const [pf] = await capturedObjects("igb-nvme-vfs", "PhysicalFunction");
  const nvme = pf && { ...pf, status: { ...pf.status, nvmeController: "nvme0" } };
  const infiniBand = await vfWith({
    ...KNOWN,
    nodeGuid: "00:11:22:33:44:55:66:77",
    portGuid: "00:11:22:33:44:55:66:78",
  });
  const names = [...settingFields(infiniBand, undefined), ...settingFields(infiniBand, nvme)].map(({ name }) => name);
  // The driver is bound by itself; vectors are a policy's to share out.
  assert.deepEqual(
    names.toSorted(),
    SETTING_NAMES.filter((name) => !["driver", "msixCount"].includes(name)).toSorted(),
  );
});

test("settingFields has GUIDs of InfiniBand alone, and nothing where the driver tells nothing", async () => {
  const ethernet = settingFields(await vfWith(KNOWN), undefined).map(({ name }) => name);
  assert.ok(ethernet.includes("queryRss") && !ethernet.includes("nodeGuid"));
  assert.deepEqual(settingFields(await vfWith(null), undefined), []);
});

test("changedSettings has only what is other than it is, as a request has it", async () => {
  assert.deepEqual(await changesBy({}), {});
  assert.deepEqual(await changesBy({ vlan: "100", spoofCheck: "on", mac: KNOWN.mac, qos: "" }), {});
  const changed = await changesBy({
    vlan: " 200 ",
    spoofCheck: "off",
    trust: "off",
    protocol: "802.1ad",
    linkState: "enable",
  });
  assert.deepEqual(changed, { vlan: 200, spoofCheck: false, protocol: "802.1ad", linkState: "enable" });
  assert.deepEqual(settingsFrom(changed).network, {
    vlan: 200,
    spoofCheck: false,
    vlanProtocol: "802.1ad",
    linkState: "enable",
  });
});

test("changedSettings leaves it to the server to say of a word that it is no number", async () => {
  assert.deepEqual(await changesBy({ vlan: "many" }), { vlan: "many" });
});

test("valueWords say what a number means", async () => {
  const { status } = await vfWith(KNOWN);
  const shown = settingFields(await vfWith(KNOWN), undefined).map((field) =>
    valueWords(settingValue(status, field), field),
  );
  assert.deepEqual(shown.slice(0, 8), [
    "00:00:00:00:00:00 (the VF chooses its own)",
    "100",
    "0",
    null,
    "on",
    "off",
    "0 (none is kept for it)",
    "500 Mbit/s",
  ]);
});
