import { isUnread, known } from "../../../kernel/port.ts";
import type { VfChange } from "../../../kernel/port-link.ts";
import type { DeviceUser } from "../../../kernel/port-users.ts";
import type { VfInfo } from "../../../kernel/port-vf-info.ts";
import { isVfioDriver } from "../../drivers.ts";
import type { HostState, PfState, VfState } from "../../state/host-state.ts";
import { NOBODY, pfState, usedBy } from "../../state/testing/host-state-builder.ts";
import type { Step, StepOf } from "../step.ts";

/**
 * What steps make of a host, as far as the planner looks at it: a model of the kernel in a page, so that laws about plans can be
 * tried on thousands of hosts.
 */
export function afterSteps(state: HostState, steps: readonly Step[]): HostState {
  return steps.reduce((host, step) => afterStep(host, step), state);
}

function afterStep(state: HostState, step: Step): HostState {
  if (step.kind === "loadModule") {
    return { ...state, modules: [...(known(state.modules) ?? []), step.module] };
  }
  if (step.kind === "attachGuest" || step.kind === "detachGuest") return guestAfter(state, step);
  return { ...state, pfs: state.pfs.map((pf) => (pf.bdf === step.pf ? pfAfter(pf, step) : pf)) };
}

function pfAfter(pf: PfState, step: Exclude<Step, { kind: "loadModule" }>): PfState {
  const vfAfter = (vfIndex: number, change: (vf: VfState) => VfState): PfState => ({
    ...pf,
    vfs: pf.vfs.map((vf) => (vf.vfIndex === vfIndex ? change(vf) : vf)),
  });
  switch (step.kind) {
    case "setPfUp":
      return withNetdev(pf, { up: step.to, carrier: step.to ? true : null });
    case "setPfMtu":
      return withNetdev(pf, { mtu: step.to });
    case "setEswitchMode":
      return { ...pf, eswitchMode: step.to };
    case "setDriversAutoprobe":
      return { ...pf, driversAutoprobe: step.to };
    case "setNumVfs":
      return { ...pf, numVfs: step.to, vfs: newVfs(pf, step.to) };
    case "setVfNetwork":
      return {
        ...pf,
        vfs: pf.vfs.map((vf) => {
          const change = step.changes.find(({ to }) => to.vfIndex === vf.vfIndex);
          return change === undefined ? vf : withSettings(vf, change.to);
        }),
      };
    case "bindDriver":
      return vfAfter(step.vfIndex, (vf) => bound(pf, vf, step.to));
    case "setMsixCount":
      return vfAfter(step.vfIndex, (vf) => ({ ...vf, msixCount: step.to }));
    case "assignNvmeResources":
      return vfAfter(step.vfIndex, (vf) => withNvme(vf, { [step.resource]: step.to }));
    case "setNvmeOnline":
      return vfAfter(step.vfIndex, (vf) => withNvme(vf, { online: step.to }));
    case "awaitVfs":
    case "resetVf":
    case "attachGuest":
    case "detachGuest":
      return pf;
  }
}

function guestAfter(state: HostState, step: StepOf<"attachGuest" | "detachGuest">): HostState {
  const vf = state.pfs.find(({ bdf }) => bdf === step.pf)?.vfs.find(({ vfIndex }) => vfIndex === step.vfIndex);
  if (!state.guests || !vf || vf.bdf === null) return state;
  const { bdf } = vf;
  const guests = state.guests.guests.map((guest) => {
    if (guest.address !== step.guest) return guest;
    const others = guest.devices.filter((device) => device.bdf !== bdf);
    const devices =
      step.kind === "detachGuest" ? others : [...others, { bdf, deviceId: "vf", byVfleet: true, ...step.attachment }];
    return { ...guest, devices };
  });
  const pid = guests.find(({ address }) => address === step.guest)?.pid ?? undefined;
  const user: DeviceUser = { kind: "vfio", who: pid === undefined ? {} : { pid }, evidence: `${step.guest} has it` };
  const users = step.kind === "attachGuest" ? usedBy(user) : NOBODY;
  return {
    ...state,
    guests: { ...state.guests, guests },
    pfs: state.pfs.map((pf) => ({ ...pf, vfs: pf.vfs.map((each) => (each.bdf === bdf ? { ...each, users } : each)) })),
  };
}

function withNetdev(pf: PfState, change: object): PfState {
  if (isUnread(pf.netdevs)) return pf;
  return { ...pf, netdevs: pf.netdevs.map((netdev, index) => (index === 0 ? { ...netdev, ...change } : netdev)) };
}

function newVfs(pf: PfState, count: number): readonly VfState[] {
  const { vfs } = pfState({ bdf: pf.bdf, vfs: count });
  return vfs.map((vf) => (pf.driversAutoprobe === true ? vf : { ...vf, driver: null, netdevs: [] }));
}

function withSettings(vf: VfState, { vlan, txRateMbps, ...rest }: VfChange): VfState {
  if (isUnread(vf.settings) || vf.settings === null) return vf;
  const settings: VfInfo = {
    ...vf.settings,
    ...rest,
    ...(vlan ? { vlan: vlan.id, qos: vlan.qos ?? 0, vlanProtocol: vlan.protocol ?? "802.1Q" } : {}),
    ...(txRateMbps
      ? { maxTxRateMbps: txRateMbps.max, minTxRateMbps: txRateMbps.min ?? vf.settings.minTxRateMbps }
      : {}),
  };
  return { ...vf, settings };
}

function bound(pf: PfState, vf: VfState, to: string): VfState {
  if (to === "none") return { ...vf, driver: null, netdevs: [] };
  if (to === "default") {
    // `pci_device_can_probe`
    if (pf.driversAutoprobe !== true) return vf;
    const [usual] = pfState({ bdf: pf.bdf, vfs: 1 }).vfs;
    return { ...vf, driver: "igbvf", driverOverride: null, netdevs: usual?.netdevs ?? [] };
  }
  const driver = to === "vfio" ? (known(pf.vfioVariant) ?? "vfio-pci") : to;
  const netdevs = isVfioDriver(driver) ? [] : vf.netdevs;
  return { ...vf, driver, driverOverride: driver, netdevs };
}

function withNvme(vf: VfState, change: object): VfState {
  return isUnread(vf.nvme) || vf.nvme === null ? vf : { ...vf, nvme: { ...vf.nvme, ...change } };
}
