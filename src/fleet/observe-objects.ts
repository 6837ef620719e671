import type { DeviceNames } from "../host/device-names.ts";
import { deviceOf, holderOf } from "../host/guest-port.ts";
import { readOf } from "../host/read-of.ts";
import type { HostState, NetdevState, PfState, VfState } from "../host/state/host-state.ts";
import { vfTraffic } from "../host/vf-counters.ts";
import { isUnread, known, type Observed } from "../kernel/port.ts";
import type { DeviceUsers } from "../kernel/port-users.ts";
import type { HostObject, Observation } from "./objects.ts";
import { vfName } from "./vf-name.ts";

/** How a host is looked at, and since when it can be read, or cannot. */
export type HostWatch = Pick<HostObject["status"], "source" | "since" | "intervalMs">;

/**
 * A host as it was read at one time, as objects. Pure.
 * @param desired how it stands to what is desired
 */
export function observedObjects(
  state: HostState,
  watch: HostWatch,
  desired: HostObject["status"]["desired"],
  names: DeviceNames,
): readonly Observation[] {
  const guests = state.guests?.guests ?? [];
  return [
    {
      kind: "Host",
      name: "",
      status: {
        ...watch,
        reachable: true,
        problem: null,
        physicalFunctions: state.pfs.length,
        virtualFunctions: state.pfs.reduce((sum, { vfs }) => sum + vfs.length, 0),
        offeredVfs: state.pfs.reduce((sum, { driverLimit }) => sum + (known(driverLimit) ?? 0), 0),
        guests: guests.length,
        desired,
        ...readOf({ hostId: state.hostId, bootId: state.bootId }),
      },
    },
    ...state.pfs.flatMap((pf) => [physicalFunction(pf, names), ...pf.vfs.map((vf) => virtualFunction(pf, vf, state))]),
    ...guests.map(
      ({ address, uuid, pid, running, devices, unreachable }): Observation => ({
        kind: "Guest",
        name: address,
        status: {
          address,
          uuid,
          pid,
          running,
          devices: devices.map(({ bdf, byVfleet }) => ({ bdf, byVfleet })),
          unreachable,
        },
      }),
    ),
  ];
}

function physicalFunction(pf: PfState, names: DeviceNames): Observation {
  const { vendorId, deviceId } = pf;
  return {
    kind: "PhysicalFunction",
    name: pf.bdf,
    status: {
      key: pf.identity.key,
      device: isUnread(vendorId) || isUnread(deviceId) ? null : names(vendorId, deviceId),
      ...readOf({
        vendorId,
        deviceId,
        classCode: pf.classCode,
        driver: pf.driver,
        numaNode: pf.numaNode,
        netdevs: netdevsOf(pf.netdevs),
        nvmeController: pf.nvmeController,
        totalVfs: pf.totalVfs,
        driverLimit: pf.driverLimit,
        numVfs: pf.numVfs,
        eswitchMode: pf.eswitchMode,
        carriesDefaultRoute: pf.carriesDefaultRoute,
      }),
      ...usersOf(pf.users),
    },
  };
}

function virtualFunction(pf: PfState, vf: VfState, state: HostState): Observation {
  const { settings, nvme } = vf;
  const holder = state.guests && holderOf(state.guests, vf.bdf);
  return {
    kind: "VirtualFunction",
    name: vfName(pf.bdf, vf.vfIndex),
    status: {
      pf: pf.bdf,
      vfIndex: vf.vfIndex,
      bdf: vf.bdf,
      ...readOf({
        driver: vf.driver,
        netdevs: netdevsOf(vf.netdevs),
        iommuGroup: vf.iommuGroup,
        settings: isUnread(settings) || settings === null ? settings : { ...settings },
        msixCount: vf.msixCount,
        nvme: isUnread(nvme) || nvme === null ? nvme : { queues: nvme.vq, interrupts: nvme.vi, online: nvme.online },
      }),
      counters: vfTraffic(vf, holder && deviceOf(holder, vf.bdf)?.counters),
      guest: holder?.address ?? null,
      ...usersOf(vf.users),
    },
  };
}

function usersOf({ users, notLookedAt }: DeviceUsers) {
  return {
    users: users.map(({ kind, who, evidence }) => ({ kind, who: { ...who }, evidence })),
    notLookedAt: notLookedAt.map(({ way, reason }) => `${way}: ${reason}`),
  };
}

function netdevsOf(netdevs: Observed<readonly NetdevState[]>) {
  if (isUnread(netdevs)) return netdevs;
  return netdevs.map(({ name, mac, mtu, up, carrier }) => ({
    name,
    mac: known(mac) ?? null,
    mtu: known(mtu) ?? null,
    up: known(up) ?? null,
    carrier: known(carrier) ?? null,
  }));
}

/** A host that cannot be read: what was seen of it last stays, and it says so. */
export function unreachableHost(last: HostObject | undefined, watch: HostWatch, problem: string): Observation {
  const unseen = {
    hostId: null,
    bootId: null,
    physicalFunctions: null,
    virtualFunctions: null,
    offeredVfs: null,
    guests: null,
    desired: null,
  };
  const unknown = Object.fromEntries(Object.keys(unseen).map((name) => [name, problem]));
  const wasRead = last !== undefined && last.status.physicalFunctions !== null;
  const status = wasRead ? last.status : { ...unseen, unknown };
  return { kind: "Host", name: "", status: { ...status, ...watch, reachable: false, problem } };
}
