import { isUnread, known, type Observed, unread } from "../../../kernel/port.ts";
import type { Bdf } from "../../../pci/bdf.ts";
import type { DriverWish } from "../../desired/desired-pf.ts";
import { readDriverOverride, readText, sysfsPath } from "../../observe.ts";
import type { PfAddress } from "../../pf-address.ts";
import type { StepOf } from "../../plan/step.ts";
import { driverOf, vfAddress } from "../find-devices.ts";
import { notDone, writeWaiting } from "../kernel-write.ts";
import { poll } from "../patience.ts";
import {
  BEFORE,
  done,
  type Executor,
  fail,
  notReadable,
  type StepContext,
  type StepOutcome,
  UNREADABLE,
} from "../step-outcome.ts";

const PROBE = "/sys/bus/pci/drivers_probe";
/** Up to its newline there is nothing: `driver_set_override` clears. An empty write would not reach it. */
const NO_OVERRIDE = "\n";

/** What a VF has, and is to have. */
interface Binding {
  readonly driver: string | null;
  readonly override: string | null;
}

/** `driver` undefined: whichever the kernel takes of itself. */
interface Wanted {
  readonly driver: string | null | undefined;
  readonly override: string | null;
}

export const BIND_DRIVER: Executor<"bindDriver"> = {
  async run(step, context) {
    const bdf = await vfAddress(context, step.pf, step.vfIndex);
    if (isUnread(bdf)) return notReadable(bdf);
    const wanted = await wantedOf(step, context);
    if (isUnread(wanted)) return notReadable(wanted);
    const now = await bindingOf(bdf, context);
    if (isUnread(now)) return notReadable(now);

    const keeps = now.driver !== null && now.driver === wanted.driver;
    if (now.driver !== null && !keeps) {
      const failed = await write(sysfsPath(bdf, "driver/unbind"), bdf, context);
      if (failed) return failed;
    }
    if (now.override !== wanted.override) {
      const failed = await write(sysfsPath(bdf, "driver_override"), wanted.override ?? NO_OVERRIDE, context);
      if (failed) return failed;
    }
    if (wanted.driver !== null && !keeps) {
      const failed = await probe(step.pf, bdf, wanted, context);
      if (failed) return failed;
    }
    return verify(bdf, step, wanted, context);
  },

  async look(step, context) {
    const bdf = await vfAddress(context, step.pf, step.vfIndex);
    if (isUnread(bdf)) return UNREADABLE;
    const [now, wanted] = [await bindingOf(bdf, context), await wantedOf(step, context)];
    if (isUnread(now)) return UNREADABLE;
    if (!isUnread(wanted) && isAs(now, wanted)) return { kind: "after", evidence: bindingText(now) };
    return now.driver === step.from ? BEFORE : { kind: "other", evidence: bindingText(now) };
  },
};

async function wantedOf({ pf, to }: StepOf<"bindDriver">, context: StepContext): Promise<Observed<Wanted>> {
  if (to === "none") return { driver: null, override: null };
  if (to === "default") return { driver: undefined, override: null };
  if (to !== "vfio") return { driver: to, override: to };
  const module = context.variantOf(pf);
  if (isUnread(module)) return module;
  const name = module === null ? "vfio-pci" : await driverNameOf(module, context);
  return isUnread(name) ? name : { driver: name, override: name };
}

/** What a variant's driver is called, its module says. */
async function driverNameOf(module: string, { kernel }: StepContext): Promise<Observed<string>> {
  const path = `/sys/module/${module.replaceAll("-", "_")}/drivers`;
  const names = await kernel.list(path);
  if (isUnread(names)) return names;
  const name = names.find((each) => each.startsWith("pci:"))?.slice("pci:".length);
  return name ?? unread(path, "ENOENT", `the module ${module} has no PCI driver`);
}

async function bindingOf(bdf: Bdf, context: StepContext): Promise<Observed<Binding>> {
  const driver = await driverOf(context, bdf);
  if (isUnread(driver)) return driver;
  const override = await readDriverOverride(context.kernel, bdf);
  return isUnread(override) ? override : { driver, override };
}

function isAs(now: Binding, wanted: Wanted): boolean {
  const driver = wanted.driver === undefined ? now.driver !== null : now.driver === wanted.driver;
  return driver && now.override === wanted.override;
}

/**
 * Lets the kernel look for a driver. Without an override it looks for none while the PF's autoprobe is off
 * (`pci_device_can_probe`), so that is on for the time of it.
 */
async function probe(
  pf: PfAddress,
  bdf: Bdf,
  { override }: Wanted,
  context: StepContext,
): Promise<StepOutcome | undefined> {
  const autoprobe = sysfsPath(pf, "sriov_drivers_autoprobe");
  const isOff = override === null && known(await readText(context.kernel, autoprobe)) === "0";
  if (isOff) {
    const failed = await write(autoprobe, "1", context);
    if (failed) return failed;
  }
  const failed = await write(PROBE, bdf, context);
  return (isOff ? await write(autoprobe, "0", context) : undefined) ?? failed;
}

async function verify(
  bdf: Bdf,
  { pf, vfIndex, to }: StepOf<"bindDriver">,
  wanted: Wanted,
  context: StepContext,
): Promise<StepOutcome> {
  const shown = await poll(
    context,
    context.patience.settleMs,
    () => bindingOf(bdf, context),
    (now) => !isUnread(now) && isAs(now, wanted),
  );
  if (isUnread(shown)) return notReadable(shown);
  if (isAs(shown, wanted)) return done(`${bdf} has ${bindingText(shown)}`);
  return fail("VFL-0303", `${pf} VF ${vfIndex} (${bdf}) is to have ${wishText(to)}, and has ${bindingText(shown)}`, {
    target: sysfsPath(bdf, "driver"),
  });
}

function write(path: string, text: string, context: StepContext): Promise<StepOutcome | undefined> {
  return notDone(context.kernel.write(path, text, writeWaiting(context)), context);
}

function bindingText({ driver, override }: Binding): string {
  return `${driver === null ? "no driver" : `the driver ${driver}`}${override === null ? "" : `, override ${override}`}`;
}

function wishText(to: DriverWish): string {
  if (to === "none") return "no driver";
  return to === "default" ? "the driver that the kernel takes of itself" : `the driver ${to}`;
}
