import { parse } from "yaml";
import { VfleetError } from "../../errors/vfleet-error.ts";
import { openHost } from "../../fleet/host-setting.ts";
import type { DesiredPf, DesiredVf } from "../../host/desired/desired-pf.ts";
import { SETTING_NAMES, settingsFrom } from "../../host/desired/vf-settings.ts";
import { nearMiss } from "../../yaml/near-miss.ts";
import { type RunOptions, runPlan } from "../provision/run-plan.ts";
import { namedVf } from "../provision/vf-address.ts";

/** `vfleet set VF KEY=VALUE...`: some settings of one VF, by the same plan as a policy's. */
export async function set(words: readonly string[], options: RunOptions): Promise<number> {
  const host = await openHost(options);
  const state = await host.planning.observe();
  const { pf, vf, rest } = namedVf(state, words);
  const wanted: DesiredVf = { vfIndex: vf.vfIndex, ...settingsFrom(keyValues(rest)) };
  const desired: DesiredPf = { pf: pf.bdf, wantedBy: ["set"], onShrink: "refuse", vfs: [wanted] };
  const plan = await host.planning.plan(state, [desired]);
  const title = `${pf.bdf} VF ${vf.vfIndex}: ${rest.join(" ")}`;
  return (await runPlan(host, state, plan, { kind: "set", title }, options)).exitCode;
}

function keyValues(words: readonly string[]): Readonly<Record<string, unknown>> {
  if (words.length === 0) {
    throw new VfleetError("VFL-0001", {
      message: "what is to be set?",
      remedy: `name it as KEY=VALUE; keys are ${SETTING_NAMES.join(", ")}`,
    });
  }
  return Object.fromEntries(
    words.map((word) => {
      const at = word.indexOf("=");
      const key = at < 0 ? word : word.slice(0, at);
      if (at < 0 || !SETTING_NAMES.includes(key)) {
        const meant = nearMiss(key, SETTING_NAMES);
        const hint = meant === undefined ? `keys are ${SETTING_NAMES.join(", ")}` : `did you mean ${meant}=...?`;
        throw new VfleetError("VFL-0001", {
          message: at < 0 ? `${word} is no KEY=VALUE` : `${key} is not known`,
          remedy: hint,
        });
      }
      return [key, settingValue(key, word.slice(at + 1))];
    }),
  );
}

/** As YAML has it, so that what works in a policy works here; `on` and `off` as ip(8) has them. */
function settingValue(key: string, text: string): unknown {
  if (text === "on") return true;
  if (text === "off") return false;
  if (key === "mac" || key.endsWith("Guid")) return text;
  return parse(text) as unknown;
}
