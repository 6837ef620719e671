import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { readPolicies } from "../src/host/desired/read-documents.ts";
import { resolveDesired } from "../src/host/desired/resolve-desired.ts";
import { hostState, nvmePf, type PfParts } from "../src/host/state/testing/host-state-builder.ts";

const FOLDER = new URL("../examples/policies/", import.meta.url);

const IGB: readonly PfParts[] = [{}, { bdf: "0000:01:00.1" }];
const VIRTIO: PfParts = { vendorId: 0x1af4, deviceId: 0x1041, driver: "virtio-pci", totalVfs: 3, driverLimit: 3 };
const CONNECTX: PfParts = { vendorId: 0x15b3, deviceId: 0x101d, driver: "mlx5_core", totalVfs: 8, driverLimit: 8 };
const X710: PfParts = {
  deviceId: 0x1572,
  driver: "i40e",
  totalVfs: 32,
  driverLimit: 32,
  firstVfOffset: 16,
  vfStride: 1,
};

/** Of each example: the host that it is for, and each VF in short: vfIndex, pool or guest, driver, settings apart from the MAC. */
const EXAMPLES: Readonly<
  Record<string, { host: readonly PfParts[]; pfs: Readonly<Record<string, readonly string[]>> }>
> = {
  "igb-two-pools.yaml": {
    host: IGB,
    pfs: {
      "0000:01:00.0 7 up": [
        ...[0, 1, 2, 3].map((vf) => `${vf} fast vfio-pci mac vlan=100 spoofCheck=true trust=false maxTxRateMbps=500`),
        ...[4, 5, 6].map((vf) => `${vf} shared default mac vlan=200 qos=3`),
      ],
    },
  },
  "igb-two-ports.yaml": {
    host: IGB,
    pfs: Object.fromEntries(
      ["0000:01:00.0 3", "0000:01:00.1 3"].map((pf) => [
        pf,
        [
          "0 guests web-1 vfio-pci mac spoofCheck=true vlan=30",
          "1 guests vfio-pci mac spoofCheck=true",
          "2 guests vfio-pci mac spoofCheck=true",
        ],
      ]),
    ),
  },
  "nvme-secondaries.yaml": {
    host: [{}, nvmePf({ bdf: "0000:02:00.0" })],
    pfs: {
      "0000:02:00.0 2": [
        "0 disks default queues=2 interrupts=2 online=true",
        "1 disks default queues=2 interrupts=2 online=true",
      ],
    },
  },
  "virtio-net.yaml": { host: [VIRTIO], pfs: { "0000:01:00.0 3": ["0 default", "1 default", "2 default"] } },
  "connectx-switchdev.yaml": {
    host: [CONNECTX, { ...CONNECTX, bdf: "0000:01:00.1" }],
    pfs: { "0000:01:00.0 4 switchdev 9000 up": [0, 1, 2, 3].map((vf) => `${vf} offloaded vfio mac`) },
  },
  "netdevsim.yaml": {
    host: [{}, { bdf: "netdevsim10" }],
    pfs: {
      "netdevsim10 4": [
        ...[0, 1].map(
          (vf) => `${vf} limited mac vlan=100 qos=3 spoofCheck=true trust=false minTxRateMbps=50 maxTxRateMbps=500`,
        ),
        "2 outer mac vlan=200 trust=true linkState=enable queryRss=true vlanProtocol=802.1ad",
        "3 off mac linkState=disable",
      ],
    },
  },
  "x710.yaml": {
    host: [X710],
    pfs: {
      "0000:01:00.0 8 up": [0, 1, 2, 3, 4, 5, 6, 7].map((vf) =>
        vf === 0 || vf === 4
          ? `${vf} routers vfio-pci mac spoofCheck=true trust=false linkState=auto vlan=10 maxTxRateMbps=5000`
          : `${vf} mac spoofCheck=true trust=false linkState=auto`,
      ),
    },
  },
};

test("each example of examples/policies is tried", () => {
  assert.deepEqual(readdirSync(FOLDER).sort(), Object.keys(EXAMPLES).sort());
});

for (const [name, { host, pfs }] of Object.entries(EXAMPLES)) {
  test(`examples/policies/${name} says what its comments say`, () => {
    const documents = readPolicies([{ label: name, text: readFileSync(new URL(name, FOLDER), "utf8") }]);
    const state = hostState(host);
    const resolve = () =>
      resolveDesired({ documents, state, claims: [], random: (count) => new Uint8Array(count), now: new Date(0) });
    const { desired, refusals } = resolve();
    assert.deepEqual(refusals, []);
    assert.deepEqual(
      Object.fromEntries(
        desired.map(({ pf, numVfs, eswitchMode, mtu, up, vfs }) => [
          [pf, numVfs, eswitchMode, mtu, up ? "up" : undefined].filter((each) => each !== undefined).join(" "),
          vfs.map(({ vfIndex, pool, claimedBy, driver, network: { mac, ...network } = {}, nvme }) => {
            const settings = Object.entries({ ...network, ...nvme }).map(([key, value]) => `${key}=${value}`);
            return [vfIndex, pool, claimedBy, driver, mac && "mac", ...settings]
              .filter((each) => each !== undefined)
              .join(" ");
          }),
        ]),
      ),
      pfs,
    );
    const macs = desired.flatMap(({ vfs }) => vfs.flatMap(({ network }) => network?.mac ?? []));
    assert.equal(new Set(macs).size, macs.length);
    assert.deepEqual(resolve().desired, desired);
  });
}
