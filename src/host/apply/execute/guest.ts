import { catalogueEntry } from "../../../errors/catalogue.ts";
import { isUnread, known } from "../../../kernel/port.ts";
import { parseVfInfo } from "../../../kernel/port-vf-info.ts";
import type { Bdf } from "../../../pci/bdf.ts";
import { isVfioDriver } from "../../drivers.ts";
import {
  type Attachment,
  covers,
  deviceOf,
  type GuestAddress,
  type Guests,
  holderOf,
  settingsForGuest,
  type VfForGuest,
} from "../../guest-port.ts";
import { isNetworkClass, readDevices } from "../../net-devices.ts";
import { readLinkName, readText, sysfsPath } from "../../observe.ts";
import { isSimulated, type PfAddress } from "../../pf-address.ts";
import { driverOf, pfNetdev, vfAddress } from "../find-devices.ts";
import { answerOf, isUnanswered, writeWaiting } from "../kernel-write.ts";
import { poll } from "../patience.ts";
import {
  BEFORE,
  done,
  type Executor,
  fail,
  type Look,
  notReadable,
  type StepContext,
  type StepOutcome,
  UNREADABLE,
} from "../step-outcome.ts";

export const ATTACH_GUEST: Executor<"attachGuest"> = {
  async run({ pf, vfIndex, guest, attachment = {} }, context) {
    const { guests } = context;
    const bdf = await vfAddress(context, pf, vfIndex);
    if (isUnread(bdf)) return notReadable(bdf);
    if (guests === undefined || isSimulated(pf)) return fail("VFL-0342", NOT_SPOKEN_TO, { target: guest });
    const vf = { ...(await describe({ pf, vfIndex, bdf }, context)), attachment };
    const [obstacle] = await guests.obstacles(guest, vf);
    if (obstacle) {
      const { code, summary, evidence, remedy } = obstacle;
      const message = [summary, ...evidence.map(({ fact }) => fact)].join("; ");
      return fail(catalogueEntry(code)?.code ?? "VFL-0342", message, { remedy, target: guest });
    }
    const answer = await answerOf(guests.attach(guest, vf, writeWaiting(context)), context);
    if (isUnanswered(answer)) return answer;
    if (answer.kind === "failed") return fail("VFL-0342", `${guest} did not take ${bdf}: ${answer.reason}`, answer);
    return verified(guests, bdf, { guest, attachment }, context, "VFL-0342");
  },

  look: ({ pf, vfIndex, guest, from, attachment = {} }, context) =>
    look(pf, vfIndex, { before: from ? { guest, attachment: from } : null, after: { guest, attachment } }, context),
};

export const DETACH_GUEST: Executor<"detachGuest"> = {
  async run({ pf, vfIndex, guest }, context) {
    const { guests } = context;
    const bdf = await vfAddress(context, pf, vfIndex);
    if (isUnread(bdf)) return notReadable(bdf);
    if (guests === undefined) return fail("VFL-0343", NOT_SPOKEN_TO, { target: guest });
    const answer = await answerOf(guests.detach(guest, bdf, writeWaiting(context)), context);
    if (isUnanswered(answer)) return answer;
    if (answer.kind === "failed")
      return fail("VFL-0343", `${guest} did not give ${bdf} back: ${answer.reason}`, answer);
    return verified(guests, bdf, null, context, "VFL-0343");
  },

  look: ({ pf, vfIndex, guest, attachment = {} }, context) =>
    look(pf, vfIndex, { before: { guest, attachment }, after: null }, context),
};

const NOT_SPOKEN_TO = "the guests of this host cannot be spoken to";

/** A guest that has a VF, or is to have it. */
interface Holding {
  readonly guest: GuestAddress;
  readonly attachment: Attachment;
}

/** Whose the VF is, of those that the step moves it between; null is the host. */
async function look(
  pf: PfAddress,
  vfIndex: number,
  { before, after }: { readonly before: Holding | null; readonly after: Holding | null },
  context: StepContext,
): Promise<Look> {
  const bdf = await vfAddress(context, pf, vfIndex);
  if (isUnread(bdf) || context.guests === undefined) return UNREADABLE;
  const holding = await holdingOf(context.guests, bdf);
  if (isAs(holding, after)) return { kind: "after", evidence: withText(bdf, holding) };
  return isAs(holding, before) ? BEFORE : { kind: "other", evidence: withText(bdf, holding) };
}

/** Shown by the guest itself. */
async function verified(
  guests: Guests,
  bdf: Bdf,
  wanted: Holding | null,
  context: StepContext,
  code: "VFL-0342" | "VFL-0343",
): Promise<StepOutcome> {
  const holding = await poll(
    context,
    context.patience.settleMs,
    () => holdingOf(guests, bdf),
    (now) => isAs(now, wanted),
  );
  if (isAs(holding, wanted)) return done(withText(bdf, holding));
  return fail(code, `afterwards ${withText(bdf, holding)}`, { target: bdf });
}

async function holdingOf(guests: Guests, bdf: Bdf): Promise<Holding | null> {
  const holder = holderOf(await guests.look(), bdf);
  return holder === undefined ? null : { guest: holder.address, attachment: deviceOf(holder, bdf) ?? {} };
}

function isAs(holding: Holding | null, wanted: Holding | null): boolean {
  if (holding === null || wanted === null) return holding === wanted;
  return holding.guest === wanted.guest && covers(holding.attachment, wanted.attachment);
}

function withText(bdf: Bdf, holding: Holding | null): string {
  if (holding === null) return `${bdf} is with the host`;
  const { guest, attachment } = holding;
  return `${bdf} is with ${guest}${placeText(attachment)}`;
}

function placeText({ place }: Attachment): string {
  if (place === "both") return ", live and in its definition";
  return place === "definition" ? ", in its definition" : "";
}

/** The VF as it is now: made, bound and set by the steps before. */
async function describe(
  { pf, vfIndex, bdf }: { readonly pf: Bdf; readonly vfIndex: number; readonly bdf: Bdf },
  context: StepContext,
): Promise<Omit<VfForGuest, "attachment">> {
  const { kernel } = context;
  const group = known(await readLinkName(kernel, sysfsPath(bdf, "iommu_group")));
  const { net } = await readDevices(kernel, bdf);
  return {
    bdf,
    driver: known(await driverOf(context, bdf)) ?? null,
    iommuGroup: group !== undefined && /^\d+$/.test(group) ? Number(group) : null,
    pfOnVfio: isVfioDriver(known(await driverOf(context, pf)) ?? null),
    netdev: known(net)?.[0] ?? null,
    isNetwork: isNetworkClass(Number(known(await readText(kernel, sysfsPath(bdf, "class"))))),
    ...(await settingsAt(pf, vfIndex, context)),
  };
}

async function settingsAt(pf: Bdf, vfIndex: number, context: StepContext): Promise<Pick<VfForGuest, "mac" | "vlan">> {
  const netdev = await pfNetdev(context, pf);
  const json = isUnread(netdev) ? netdev : await context.kernel.ipLink(netdev);
  return settingsForGuest(isUnread(json) ? undefined : parseVfInfo(json)?.find((vf) => vf.vfIndex === vfIndex));
}
