import { parse } from "yaml";
import { VfleetError } from "../../errors/vfleet-error.ts";
import { SETTING_NAMES } from "../../host/desired/vf-settings.ts";
import { changeVf } from "../provision/change-vf.ts";
import type { RunOptions } from "../provision/run-change.ts";

/** `vfleet set VF KEY=VALUE...`: some settings of one VF, by the same plan as a policy's. */
export async function set(words: readonly string[], options: RunOptions): Promise<number> {
  return changeVf(words, options, (vf, rest) => ({ kind: "set", vf, settings: keyValues(rest) }));
}

function keyValues(words: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    words.map((word) => {
      const at = word.indexOf("=");
      if (at >= 0) return [word.slice(0, at), settingValue(word.slice(0, at), word.slice(at + 1))];
      throw new VfleetError("VFL-0001", {
        message: `${word} is no KEY=VALUE`,
        remedy: `keys are ${SETTING_NAMES.join(", ")}`,
      });
    }),
  );
}

/** As YAML has it, so that what works in a policy works here; `on` and `off` as ip(8) has them. */
function settingValue(key: string, text: string): unknown {
  if (text === "on") return true;
  if (text === "off") return false;
  if (key === "mac" || key.endsWith("Guid")) return text;
  try {
    return parse(text) as unknown;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.replace(/:?\n[\s\S]*$/, "") : String(cause);
    throw new VfleetError("VFL-0001", {
      cause,
      message: `${key}: ${JSON.stringify(text)} is no value: ${why}`,
      remedy: "write it as in a policy: vlan=100 trust=on",
    });
  }
}
