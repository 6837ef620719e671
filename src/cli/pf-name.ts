import { isSimulated } from "../host/pf-address.ts";
import type { PfState } from "../host/state/host-state.ts";
import { isUnread, known } from "../kernel/port.ts";
import { shortDeviceName } from "./names.ts";

/** `Intel 82576 Gigabit Network Connection (eth0)` */
export function pfName(pf: PfState): string {
  const { bdf, vendorId, deviceId } = pf;
  const device = isSimulated(bdf) ? "simulated network device" : shortDeviceName(known(vendorId), known(deviceId));
  const names = pfDevices(pf);
  return names.length > 0 ? `${device} (${names.join(", ")})` : device;
}

/** Its interfaces, or its controller. */
function pfDevices({ netdevs, nvmeController }: PfState): readonly string[] {
  const controller = known(nvmeController);
  return [...(isUnread(netdevs) ? [] : netdevs.map(({ name }) => name)), ...(controller ? [controller] : [])];
}
