import { VfleetError } from "../../errors/vfleet-error.ts";
import type { DesiredPf, DesiredVf } from "../../host/desired/desired-pf.ts";
import { SETTING_NAMES, settingsFrom } from "../../host/desired/vf-settings.ts";
import { planReset } from "../../host/plan/plan-reset.ts";
import type { HostState } from "../../host/state/host-state.ts";
import { nearMiss } from "../../yaml/near-miss.ts";
import type { HostSetting } from "../host-setting.ts";
import { vfNamed } from "../vf-name.ts";
import type { RequestOf } from "./change-request.ts";
import type { Draft, Look } from "./planned-change.ts";

/** Some settings of one VF, by the same plan as a policy's. @throws VfleetError VFL-0001, VFL-0233 */
export async function planSet(host: HostSetting, { vf, settings }: RequestOf<"set">, look: Look): Promise<Draft> {
  for (const name of Object.keys(settings)) if (!SETTING_NAMES.includes(name)) throw unknownSetting(name);
  if (Object.keys(settings).length === 0) {
    throw new VfleetError("VFL-0001", {
      message: "what is to be set?",
      remedy: `name it as KEY=VALUE; keys are ${SETTING_NAMES.join(", ")}`,
    });
  }
  const words = Object.entries(settings).map(([name, value]) => `${name}=${shown(value)}`);
  return planOneVf(host, vf, settingsFrom(settings), { by: "set", title: `: ${words.join(" ")}` }, look);
}

/** One VF to a driver, by driver_override, never new_id. @throws VfleetError VFL-0001, VFL-0233 */
export async function planBind(host: HostSetting, { vf, driver }: RequestOf<"bind">, look: Look): Promise<Draft> {
  return planOneVf(host, vf, settingsFrom({ driver }), { by: "bind", title: ` to ${driver}` }, look);
}

/** A VF as new, for the next tenant. @throws VfleetError VFL-0233 */
export async function planVfReset(host: HostSetting, { vf: name }: RequestOf<"reset">, look: Look): Promise<Draft> {
  const state = host.planning.stateOf(await look());
  const { pf, vf } = vfNamed(state, name);
  // What is kept with the plan has the names alone, and not all that was read of them.
  const targets = [{ pf: pf.bdf, vfIndexes: [vf.vfIndex] }];
  const replan = (now: HostState) => planReset(now, targets);
  return { host, state, plan: replan(state), replan, title: `${pf.bdf} VF ${vf.vfIndex}` };
}

async function planOneVf(
  host: HostSetting,
  name: string,
  wanted: Omit<DesiredVf, "vfIndex">,
  { by, title }: { readonly by: string; readonly title: string },
  look: Look,
): Promise<Draft> {
  const state = host.planning.stateOf(await look());
  const { pf, vf } = vfNamed(state, name);
  const vfs = [{ vfIndex: vf.vfIndex, ...wanted }];
  const desired: DesiredPf = { pf: pf.bdf, wantedBy: [by], onShrink: "refuse", vfs };
  const plan = await host.planning.plan(state, [desired]);
  return { host, state, plan, title: `${pf.bdf} VF ${vf.vfIndex}${title}` };
}

function unknownSetting(name: string): VfleetError {
  const meant = nearMiss(name, SETTING_NAMES);
  return new VfleetError("VFL-0001", {
    message: `${name} is not known`,
    remedy: meant === undefined ? `keys are ${SETTING_NAMES.join(", ")}` : `did you mean ${meant}=...?`,
  });
}

/** As ip(8) has it. */
function shown(value: unknown): string {
  if (typeof value === "boolean") return value ? "on" : "off";
  return typeof value === "string" ? value : JSON.stringify(value);
}
