import { VfleetError } from "../errors/vfleet-error.ts";
import { verdictOf } from "../host/plan/plan.ts";
import { type HostSetting, settingOf } from "./host-setting.ts";
import type { OperationList } from "./operation-list.ts";
import type { HostView } from "./watched-host.ts";
import { planWishes } from "./wishes.ts";

/** What is kept gives no plan. */
const WITHOUT_PLAN = { "VFL-0232": "nothing", "VFL-0016": "invalid" } as const;

/** A look at a host, with how it stands to what is desired of it. Writes nothing. */
export async function viewHost(host: HostSetting, operations: OperationList | undefined): Promise<HostView> {
  const view = await viewDesired(await settingOf(host));
  // Last: they may go on meanwhile.
  return { ...view, operations: (await operations?.observe()) ?? [] };
}

async function viewDesired(setting: HostSetting): Promise<Omit<HostView, "operations">> {
  try {
    const { state, plan } = await planWishes(setting, undefined);
    const verdict = verdictOf(plan);
    return { state, desired: verdict === "changes" ? "differs" : verdict };
  } catch (error) {
    if (!(error instanceof VfleetError) || !Object.hasOwn(WITHOUT_PLAN, error.code)) throw error;
    const desired = WITHOUT_PLAN[error.code as keyof typeof WITHOUT_PLAN];
    return { state: await setting.planning.observe(), desired };
  }
}
