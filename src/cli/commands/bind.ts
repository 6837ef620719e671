import { VfleetError } from "../../errors/vfleet-error.ts";
import { changeVf } from "../provision/change-vf.ts";
import type { RunOptions } from "../provision/run-change.ts";

/** `vfleet bind VF DRIVER`: one VF to a driver, by driver_override, never new_id. */
export async function bind(words: readonly string[], options: RunOptions): Promise<number> {
  return changeVf(words, options, (vf, [driver, ...more]) => {
    if (driver !== undefined && more.length === 0) return { kind: "bind", vf, driver };
    throw new VfleetError("VFL-0001", {
      message: driver === undefined ? "to which driver?" : `${more.join(" ")} is too much`,
      remedy: "name one: default, none, vfio, or a driver's name as vfio-pci",
    });
  });
}
