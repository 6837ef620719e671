import { z } from "zod";
import { VfleetError } from "../../errors/vfleet-error.ts";
import type { DesiredVf } from "./desired-pf.ts";
import { isMacWord } from "./text-schemas.ts";
import { vfSettings } from "./vf-settings-schema.ts";

const SETTINGS = z.strictObject(vfSettings);
const NETWORK = Object.keys(SETTINGS.shape.network.unwrap().shape);
const NVME = Object.keys(SETTINGS.shape.nvme.unwrap().shape);

/** What one VF can be given, by the names that policies have, without what they are grouped by. */
export const SETTING_NAMES: readonly string[] = [...NETWORK, "driver", "msixCount", ...NVME];

/**
 * Settings that were given one by one, as on a command line, checked as in a policy.
 * @throws VfleetError VFL-0001 with the setting's name
 */
export function settingsFrom(values: Readonly<Record<string, unknown>>): Omit<DesiredVf, "vfIndex"> {
  const group = (names: readonly string[]) => {
    const entries = Object.entries(values).filter(([name]) => names.includes(name));
    return entries.length === 0 ? undefined : Object.fromEntries(entries);
  };
  const { driver, msixCount } = values;
  const whole = { driver, msixCount, network: group(NETWORK), nvme: group(NVME) };
  const result = SETTINGS.safeParse(JSON.parse(JSON.stringify(whole)));
  if (!result.success) {
    const [issue] = result.error.issues;
    const name = String(issue?.path.at(-1) ?? "");
    throw new VfleetError("VFL-0001", {
      message: `${name}: ${JSON.stringify(values[name])} is not what it takes: ${issue?.message ?? ""}`,
      remedy: `see: vfleet explain VfPolicy.spec.vfs${NETWORK.includes(name) ? ".network" : NVME.includes(name) ? ".nvme" : ""}.${name}`,
    });
  }
  const { network, nvme, driver: to, msixCount: vectors } = result.data;
  const { protocol, mac, ...rest } = network ?? {};
  if (mac !== undefined && isMacWord(mac)) {
    throw new VfleetError("VFL-0001", {
      message: `mac: ${mac} is a policy's to derive`,
      remedy: "give the address itself, or use a policy",
    });
  }
  const settings = defined({ ...rest, mac, vlanProtocol: protocol });
  return defined({
    driver: to,
    msixCount: vectors,
    network: Object.keys(settings).length === 0 ? undefined : settings,
    nvme: nvme === undefined ? undefined : defined(nvme),
  });
}

function defined<T extends object>(values: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}
