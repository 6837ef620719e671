import { VfleetError } from "../../errors/vfleet-error.ts";
import { openHost } from "../../fleet/host-setting.ts";
import type { DesiredPf } from "../../host/desired/desired-pf.ts";
import { settingsFrom } from "../../host/desired/vf-settings.ts";
import { type RunOptions, runPlan } from "../provision/run-plan.ts";
import { namedVf } from "../provision/vf-address.ts";

/** `vfleet bind VF DRIVER`: one VF to a driver, by driver_override, never new_id. */
export async function bind(words: readonly string[], options: RunOptions): Promise<number> {
  const host = await openHost(options);
  const state = await host.planning.observe();
  const { pf, vf, rest } = namedVf(state, words);
  const [driver, ...more] = rest;
  if (driver === undefined || more.length > 0) {
    throw new VfleetError("VFL-0001", {
      message: driver === undefined ? "to which driver?" : `${more.join(" ")} is too much`,
      remedy: "name one: default, none, vfio, or a driver's name as vfio-pci",
    });
  }
  const wanted = { vfIndex: vf.vfIndex, ...settingsFrom({ driver }) };
  const desired: DesiredPf = { pf: pf.bdf, wantedBy: ["bind"], onShrink: "refuse", vfs: [wanted] };
  const plan = await host.planning.plan(state, [desired]);
  const title = `${pf.bdf} VF ${vf.vfIndex} to ${driver}`;
  return (await runPlan(host, state, plan, { kind: "bind", title }, options)).exitCode;
}
