import { type Observed, unread } from "../port.ts";
import type { Devlink, DevlinkEswitch, DevlinkParam, DevlinkPort } from "../port-devlink.ts";
import type { Outcome, Waiting, Within } from "../port-outcome.ts";
import { change } from "./change.ts";
import type { DevlinkDevice, DevlinkPortItem } from "./devlink-device.ts";
import { addRate, deleteRate, rateOf, setRate } from "./devlink-rates.ts";
import { KernelError } from "./kernel-error.ts";
import type { Linux } from "./linux.ts";

/** devlink of a modelled kernel, as net/devlink answers. */
export function modelDevlink(linux: Linux): Devlink {
  const { devlink, time } = linux;

  async function tell<T>(target: string, ask: () => T): Promise<Observed<T>> {
    time.catchUp();
    try {
      return ask();
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      return unread(target, error.errno, error.extack);
    }
  }

  /** @param act of the device, and of the object's own name where it is a port or a node */
  function alter(
    object: string,
    value: unknown,
    waiting: Waiting | undefined,
    act: (device: DevlinkDevice, name: string) => void | Promise<void>,
  ): Promise<Within<Outcome>> {
    time.catchUp();
    return change(linux, object, JSON.stringify(value), waiting, async () => {
      const [handle, name] = partsOf(object);
      await act(devlink.get(handle), name);
      return undefined;
    });
  }

  return {
    devices: () => tell("devlink dev", () => devlink.all.map(({ handle }) => handle)),
    info: (handle) => tell(handle, () => devlink.get(handle).operations.info()),
    eswitch: (handle) => tell(handle, () => eswitchOf(devlink.get(handle))),
    ports: () => tell("devlink port", () => devlink.all.flatMap(portsOf)),
    rates: () =>
      tell("devlink rate", () => devlink.all.flatMap((each) => each.rates.map((rate) => rateOf(each, rate)))),
    params: () => tell("devlink param", () => devlink.all.flatMap(paramsOf)),
    health: () =>
      tell("devlink health", () =>
        devlink.all.flatMap(({ handle, reporters }) =>
          reporters.map(({ name, state, errors, recoveries }) => ({ object: handle, name, state, errors, recoveries })),
        ),
      ),

    setEswitch: (handle, wanted, waiting) => alter(handle, wanted, waiting, (device) => setEswitch(device, wanted)),
    setPortFunction: (port, wanted, waiting) =>
      alter(port, wanted, waiting, (device, name) => {
        const item = device.ports.get(Number(name));
        if (item === undefined) throw new KernelError("ENODEV");
        // devlink_port_function_validate; of the settings the modelled drivers have one.
        if (!("hwAddress" in wanted) || item.setHardwareAddress === undefined) throw new KernelError("EOPNOTSUPP");
        item.setHardwareAddress(wanted.hwAddress.toLowerCase());
      }),
    addRate: (node, wanted, waiting) =>
      alter(node, wanted, waiting, (device, name) => {
        // A number would be a port.
        if (/^\d*$/.test(name)) throw new KernelError("ENODEV");
        addRate(device, name, wanted);
      }),
    setRate: (object, wanted, waiting) =>
      alter(object, wanted, waiting, (device, name) => setRate(device, name, wanted)),
    deleteRate: (node, waiting) => alter(node, {}, waiting, (device, name) => deleteRate(device, name)),
    setParam: (handle, wanted, waiting) => alter(handle, wanted, waiting, (device) => setParam(device, wanted)),
    reload: (handle, wanted, waiting) => alter(handle, wanted, waiting, (device) => reload(device, wanted)),
  };
}

/** A handle, and what follows it: `netdevsim/netdevsim10/128` is the port 128. */
function partsOf(object: string): readonly [handle: string, name: string] {
  const [bus = "", device = "", name = "", ...more] = object.split("/");
  if (more.length > 0) throw new KernelError("ENODEV");
  return [`${bus}/${device}`, name];
}

/** `devlink_nl_eswitch_fill` */
function eswitchOf({ operations: { eswitch } }: DevlinkDevice): DevlinkEswitch {
  return {
    mode: eswitch?.mode() ?? null,
    inlineMode: eswitch?.inlineMode?.() ?? null,
    encapMode: eswitch?.encapMode?.() ?? null,
  };
}

/** `devlink_nl_eswitch_set_doit` */
async function setEswitch(device: DevlinkDevice, wanted: Parameters<Devlink["setEswitch"]>[1]): Promise<void> {
  const { eswitch } = device.operations;
  if ("mode" in wanted) {
    if (eswitch === undefined) throw new KernelError("EOPNOTSUPP");
    // devlink_rate_nodes_check
    if (device.rates.some(({ type }) => type === "node")) {
      throw new KernelError("EBUSY", { extack: "Rate node(s) exists" });
    }
    await eswitch.setMode(wanted.mode);
  } else if ("inlineMode" in wanted) {
    if (eswitch?.setInlineMode === undefined) throw new KernelError("EOPNOTSUPP");
    eswitch.setInlineMode(wanted.inlineMode);
  } else {
    if (eswitch?.setEncapMode === undefined) throw new KernelError("EOPNOTSUPP");
    eswitch.setEncapMode(wanted.encapMode);
  }
}

function portsOf({ handle, ports }: DevlinkDevice): DevlinkPort[] {
  return [...ports.values()].sort((a, b) => a.index - b.index).map((port) => portOf(handle, port));
}

/** `devlink_nl_port_fill` */
function portOf(handle: string, port: DevlinkPortItem): DevlinkPort {
  const ofVf = port.flavour === "pcivf";
  return {
    port: `${handle}/${port.index}`,
    device: handle,
    type: "eth",
    netdev: port.netdev.name,
    flavour: port.flavour,
    controller: ofVf ? 0 : null,
    pfNumber: port.pfNumber ?? null,
    vfIndex: port.vfIndex ?? null,
    external: ofVf ? false : null,
    function: port.function?.() ?? null,
  };
}

/** `devlink_nl_param_fill`: what the driver is to have, where that was set. */
function paramsOf({ handle, params }: DevlinkDevice): DevlinkParam[] {
  return params.map(({ name, generic, value, next = value }) => ({
    device: handle,
    name,
    generic,
    values: [{ mode: "driverinit", value: next }],
  }));
}

/** `devlink_nl_param_set_doit`; iproute2 reads the value as the parameter's type wants it. */
function setParam({ params }: DevlinkDevice, { name, value, mode }: Parameters<Devlink["setParam"]>[1]): void {
  const param = params.find((each) => each.name === name);
  if (param === undefined) throw new KernelError("EINVAL");
  if (mode !== "driverinit") throw new KernelError("EOPNOTSUPP");
  const text = String(value);
  if (typeof param.value === "boolean") {
    if (!/^(?:true|false)$/.test(text)) throw new KernelError("EINVAL");
    param.next = text === "true";
  } else {
    const number = Number(text);
    if (text === "" || !Number.isInteger(number) || number < 0 || number > 0xffff_ffff) throw new KernelError("EINVAL");
    param.next = number;
  }
}

/** `devlink_nl_reload_doit`, `devlink_reload` */
async function reload(device: DevlinkDevice, wanted: Parameters<Devlink["reload"]>[1]): Promise<void> {
  const { reload: driver } = device.operations;
  const { action = "driver_reinit", noReset = false } = wanted;
  if (driver === undefined) throw new KernelError("EOPNOTSUPP");
  if (action !== "driver_reinit") {
    throw new KernelError("EOPNOTSUPP", { extack: "Requested reload action is not supported by the driver" });
  }
  // devlink_reload_combination_is_invalid
  if (noReset) throw new KernelError("EINVAL", { extack: "Requested limit is invalid for this action" });
  await driver.down();
  for (const param of device.params) param.value = param.next ?? param.value;
  try {
    await driver.up();
    device.reloadFailed = false;
  } catch (error) {
    device.reloadFailed = true;
    throw error;
  }
}
