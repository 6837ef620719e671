import { isUnread, type Observed, unread } from "../../kernel/port.ts";
import { type Bdf, parseBdf } from "../../pci/bdf.ts";
import { isRepresentor, readDevices } from "../net-devices.ts";
import { isAbsent, readLinkName, sysfsPath } from "../observe.ts";
import type { PfAddress } from "../pf-address.ts";
import type { StepContext } from "./step-outcome.ts";

type Where = Pick<StepContext, "kernel">;

/** The address of a VF now; ENOENT where there is no such VF. */
export async function vfAddress({ kernel }: Where, pf: PfAddress, vfIndex: number): Promise<Observed<Bdf>> {
  const path = sysfsPath(pf, `virtfn${vfIndex}`);
  const name = await readLinkName(kernel, path);
  if (isUnread(name)) return name;
  return parseBdf(name) ?? unread(path, "EINVAL", `it leads to ${JSON.stringify(name)}, which is no address`);
}

/**
 * The PF's interface as it is called now: udev may rename it at any time, also while VFs are made.
 * @param planned the name that it had
 */
export async function pfNetdev({ kernel }: Where, pf: PfAddress, planned?: string): Promise<Observed<string>> {
  const { net: names } = await readDevices(kernel, pf);
  if (isUnread(names)) return names;
  if (planned !== undefined && names.includes(planned)) return planned;
  const own: string[] = [];
  for (const name of names) if (!(await isRepresentor(kernel, name))) own.push(name);
  const path = sysfsPath(pf, "net");
  const [first] = own;
  if (first === undefined) return unread(path, "ENOENT", "the PF has no network interface");
  return own.length === 1 ? first : unread(path, "EINVAL", `the PF has several interfaces: ${own.join(", ")}`);
}

/** The name of the PF's NVMe controller. */
export async function nvmeController({ kernel }: Where, pf: PfAddress): Promise<Observed<string>> {
  const path = sysfsPath(pf, "nvme");
  const names = await kernel.list(path);
  if (isUnread(names)) return names;
  return names.find((name) => /^nvme\d+$/.test(name)) ?? unread(path, "ENOENT", "the PF has no NVMe controller");
}

/** A function's driver; null where none is bound. */
export async function driverOf({ kernel }: Where, bdf: Bdf): Promise<Observed<string | null>> {
  const name = await readLinkName(kernel, sysfsPath(bdf, "driver"));
  if (!isAbsent(name)) return name;
  // Without its folder there is no function either.
  const folder = await kernel.list(sysfsPath(bdf));
  return isUnread(folder) ? folder : null;
}

/** Whether the function is there at all. */
export async function isThere({ kernel }: Where, bdf: PfAddress): Promise<boolean> {
  return !isAbsent(await kernel.list(sysfsPath(bdf)));
}
