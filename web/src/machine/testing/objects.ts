import { API_VERSION } from "../../../../src/fleet/objects.ts";
import type { ObjectOf, VirtualFunctionObject } from "../../api/objects.ts";
import type { PfPreflight } from "../../panel/use-preflights.ts";

type PhysicalFunctionObject = ObjectOf<"PhysicalFunction">;
type GuestObject = ObjectOf<"Guest">;

const metadata = (name: string) => ({ name, host: "here", resourceVersion: "1" });

/** A VF of which all was read, and nothing is so but what is told. */
export function vfObject(
  pf: string,
  vfIndex: number,
  status: Partial<VirtualFunctionObject["status"]>,
): VirtualFunctionObject {
  return {
    apiVersion: API_VERSION,
    kind: "VirtualFunction",
    metadata: metadata(`${pf}-vf${vfIndex}`),
    status: {
      pf,
      vfIndex,
      bdf: `0000:01:${(16 + (vfIndex >> 3)).toString(16)}.${vfIndex & 7}`,
      driver: null,
      netdevs: [],
      iommuGroup: null,
      settings: null,
      counters: null,
      nvme: null,
      msixCount: null,
      guest: null,
      users: [],
      notLookedAt: [],
      unknown: {},
      ...status,
    },
  };
}

export function pfObject(bdf: string, status: Partial<PhysicalFunctionObject["status"]>): PhysicalFunctionObject {
  return {
    apiVersion: API_VERSION,
    kind: "PhysicalFunction",
    metadata: metadata(bdf),
    status: {
      key: `slot ${bdf}`,
      device: "A network card",
      vendorId: 0x8086,
      deviceId: 0x10c9,
      classCode: 0x02_00_00,
      driver: "igb",
      numaNode: null,
      netdevs: [],
      nvmeController: null,
      totalVfs: 8,
      driverLimit: 7,
      numVfs: 0,
      eswitchMode: null,
      carriesDefaultRoute: false,
      users: [],
      notLookedAt: [],
      unknown: {},
      ...status,
    },
  };
}

export function guestObject(address: string): GuestObject {
  return {
    apiVersion: API_VERSION,
    kind: "Guest",
    metadata: metadata(address),
    status: { address, uuid: null, pid: null, running: true, devices: [], unreachable: null },
  };
}

/** A preflight with one finding. */
export function pfPreflight(bdf: string, result: PfPreflight["verdict"], summary: string): PfPreflight {
  const finding = { check: "check", code: "VFL-0100", result, summary, evidence: [] };
  return {
    bdf,
    count: 7,
    asked: null,
    use: null,
    largest: result === "refuse" ? 0 : 7,
    verdict: result,
    findings: [finding],
  };
}
