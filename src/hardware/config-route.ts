import { BridgeFunction, type Bus } from "./bridge-function.ts";
import type { PciFunction } from "./pci-function.ts";

/** Where a configuration request comes to. */
export interface ConfigPlace {
  /** Undefined where no function answers. */
  readonly fn: PciFunction | undefined;
  /** The bus that it came to; undefined where a link on the way is down. */
  readonly bus: Bus | undefined;
}

const HIGHEST_FUNCTION_OF_DEVICE_0 = 7;

/** The way of a configuration request from the root: by bus numbers, Type 1 up to the bus, Type 0 on it (PCIe 6.0 §7.3.3). */
export function routeConfig(root: Bus, routingId: number): ConfigPlace {
  const wanted = routingId >>> 8;
  let bus = root;
  for (let number = 0; number !== wanted; number = bus.number) {
    const bridge = bridgeTowards(bus, wanted);
    if (bridge === undefined) return { fn: vfOn(bus, routingId), bus };
    if (!bridge.passes) return { fn: undefined, bus: undefined };
    bus = bridge.below;
  }
  return { fn: directlyOn(bus, routingId), bus };
}

function bridgeTowards(bus: Bus, wanted: number): BridgeFunction | undefined {
  for (const fn of bus.functions.values()) if (fn instanceof BridgeFunction && fn.forwardsBus(wanted)) return fn;
  return undefined;
}

/** Type 0: the bus is the one that is asked for. */
function directlyOn(bus: Bus, routingId: number): PciFunction | undefined {
  const devfn = routingId & 0xff;
  // Over a link there is device 0 alone, unless the port forwards by ARI (PCIe 6.0 §7.3.1, §6.13).
  const { bridge } = bus;
  const isOtherDevice = bridge?.leadsToLink && !bridge.ariForwarding && devfn > HIGHEST_FUNCTION_OF_DEVICE_0;
  if (isOtherDevice && !bridge.leadsToAnyDevice) return undefined;
  return bus.functions.get(devfn) ?? vfOn(bus, routingId);
}

/** A VF of a PF on this bus; one of another bus number is reached by Type 1 requests (PCIe 6.0 §9.2.1.2). */
function vfOn(bus: Bus, routingId: number): PciFunction | undefined {
  for (const pf of bus.functions.values()) {
    const fn = pf.vfs?.byRoutingId(routingId);
    if (fn !== undefined) return fn;
  }
  return undefined;
}
